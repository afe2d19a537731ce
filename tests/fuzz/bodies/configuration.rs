//! A `node.toml`: what is read is written as a file that means the same, and what is wrong is told without its values.

use aurora_mesh::config::node_config::Defaults;
use aurora_mesh::config::parse::parse;
use aurora_mesh::config::paths::Paths;
use aurora_mesh::config::render::render;

/// Reads the bytes as a configuration.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let defaults = Defaults::of_paths(Paths::system());
    match parse(text, &defaults) {
        Ok(config) => {
            let written = render(&config);
            match parse(&written, &defaults) {
                Ok(again) => assert_eq!(again, config, "{written}"),
                Err(problems) => panic!("what was written does not read: {problems}\n{written}"),
            }
        }
        Err(problems) => {
            assert!(!problems.0.is_empty());
            super::assert_printable(&problems.to_string());
        }
    }
}

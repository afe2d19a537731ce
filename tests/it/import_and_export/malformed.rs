//! Each file of `tests/fixtures/malformed-imports`, through the program: an error with its line, and nothing else.

use std::path::Path;

use super::Desk;

fn fixtures() -> (std::path::PathBuf, toml::Table) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/malformed-imports");
    let expected = std::fs::read_to_string(directory.join("expected.toml")).expect("a readable file");
    (directory, expected.parse().expect("TOML"))
}

#[tokio::test]
async fn every_malformed_file_is_refused_with_its_line_and_the_node_hears_nothing_of_it() {
    let desk = Desk::open().await;
    let (before, journal) = (desk.revision().await, desk.journal());
    let (directory, expected) = fixtures();
    assert!(expected.len() >= 50);
    for (file, expected) in &expected {
        let path = directory.join(file);
        let path = path.to_str().expect("text");
        let ended = desk.import(&[path, "--yes"]).await;
        assert_eq!((ended.code, ended.out.as_slice()), (Some(1), &b""[..]), "{file}: {ended:?}");
        let line = format!("line {}: ", expected["line"].as_integer().expect("a line"));
        let says = expected["says"].as_str().expect("a reason");
        let told =
            ended.err.lines().find(|told| told.contains(&line)).unwrap_or_else(|| panic!("{file}: {}", ended.err));
        assert!(told.contains(says) && ended.err.starts_with(&format!("error: {path} ")), "{file}: {}", ended.err);
        assert!(!ended.err.contains("canary") && !ended.err.contains("4141"), "{file}: {}", ended.err);
        let strange = |it: char| it.is_control() && it != '\n';
        assert!(!ended.err.contains(strange), "{file}: {:?}", ended.err);
    }
    assert_eq!(desk.revision().await, before);
    assert_eq!(desk.journal(), journal, "a file that cannot be read is nothing the node is asked about");
}

#[tokio::test]
async fn a_malformed_file_is_refused_from_standard_input_and_told_to_programs_as_json() {
    let desk = Desk::open().await;
    let (directory, _) = fixtures();
    let bytes = std::fs::read(directory.join("33-number.json")).expect("a readable file");
    let ended = desk.lead.run(&["import", "-", "--format", "json", "--yes", "-o", "json"], &bytes).await;
    assert_eq!((ended.code, ended.out.as_slice()), (Some(1), &b""[..]), "{ended:?}");
    let told: serde_json::Value = serde_json::from_str(&ended.err).expect("JSON");
    assert_eq!(told["error"]["code"], "bad_file");
    let message = told["error"]["message"].as_str().expect("a message");
    assert!(message.starts_with("standard input line 3: the value is a number"), "{message}");
}

#[tokio::test]
async fn a_file_that_is_not_there_a_directory_an_endless_one_and_a_bad_map_or_key_are_refused() {
    let desk = Desk::open().await;
    let good = desk.file("good.env", "HUBSPOT_API_KEY=canary\n");
    let map = desk.file("map.toml", "A = \"hubspot/api_key\"\nB = canary\n");
    let bytes = desk.file("bytes.toml", b"A = false\n\xff = 1\n");
    let key = desk.file("key", "canary");
    for (arguments, says) in [
        (&["/nonexistent"][..], "cannot read /nonexistent"),
        (&["/"], "cannot read /"),
        (&["/dev/zero"], "/dev/zero holds more than 67108864 bytes"),
        (&[&good, "--map", &map], "map.toml line 2: is not TOML"),
        (&[&good, "--map", &bytes], "bytes.toml line 2: is not UTF-8"),
        (&[&good, "--map", "/dev/zero"], "the most a map file may have"),
        (&[&good, "--fernet-key-file", &key], "key holds no Fernet key"),
        (&[&good, "--fernet-key-file", "/dev/zero"], "a Fernet key has 44"),
    ] {
        let ended = desk.import(&[arguments, &["--yes"]].concat()).await;
        assert_eq!(ended.code, Some(1), "{arguments:?}: {ended:?}");
        assert!(ended.err.contains(says) && !ended.err.contains("canary"), "{arguments:?}: {}", ended.err);
    }
    assert_eq!(desk.revision().await, 0);
}

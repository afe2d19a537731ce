//! `node.toml` on disk: read with every problem at once, written with comments.

use std::io::{self, ErrorKind, Write};
use std::path::Path;

use anyhow::{Context, Result};

use super::durable;
use crate::config::node_config::{Defaults, NodeConfig};
use crate::config::paths::Paths;
use crate::config::{parse, render};

/// What the umask leaves of it: the configuration holds no secret.
const DIRECTORY_MODE: u32 = 0o777;

/// Reads and validates the file.
///
/// # Errors
/// When it cannot be read, or with the complete list of its problems.
pub fn read(file: &Path, defaults: &Defaults) -> Result<NodeConfig> {
    let text = std::fs::read_to_string(file).map_err(|error| unreadable(file, error))?;
    parse::parse(&text, defaults).with_context(|| format!("{} has problems", file.display()))
}

/// Only where there is no file is there no node: whoever has one must not be told to make another.
fn unreadable(file: &Path, error: io::Error) -> anyhow::Error {
    let mut what = format!("cannot read {}", file.display());
    if error.kind() == ErrorKind::NotFound {
        what.push_str(": make a node first, with `aurora init` or `aurora join TOKEN`");
    }
    anyhow::Error::new(error).context(what)
}

/// Writes the file whole or not at all. When this answers `Ok`, it is on the disk under its name.
pub(super) fn write(file: &Path, config: &NodeConfig) -> Result<()> {
    let failed = || format!("cannot write {}", file.display());
    durable::make_directory(durable::parent(file), DIRECTORY_MODE).with_context(failed)?;
    let unfinished = file.with_extension("toml.new");
    // Whatever has the name is from an attempt that was killed, or a link that somebody else put there: it is not followed.
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error).with_context(failed),
        Ok(()) | Err(_) => {}
    }
    let mut output = std::fs::File::create_new(&unfinished).with_context(failed)?;
    output.write_all(render::render(config).as_bytes()).with_context(failed)?;
    output.sync_all().with_context(failed)?;
    std::fs::rename(&unfinished, file).with_context(failed)?;
    durable::sync_parent(file).with_context(failed)
}

/// Refuses what `up` would refuse, before anything is made of it.
pub(super) fn check(config: &NodeConfig) -> Result<()> {
    let defaults = Defaults::of_paths(Paths::system());
    parse::parse(&render::render(config), &defaults).context("these options do not make a node")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::command::template;
    use super::*;
    use crate::events::filter::TypeGlob;
    use crate::events::rules::Rule;
    use crate::model::channel::{Aspect, NotifyRule, Priority};
    use crate::model::event_kind::EventKind;
    use crate::model::identity::Role;
    use crate::model::name::{KeyName, NodeName};

    /// What `node.toml` says up to its rules.
    const NODE: &str = "[node]\nname = \"aurora\"\nrole = \"lead\"\nenvironment = \"prod\"\n\
                        [notify.channels.ops]\nkind = \"webhook\"\nurl = \"https://hooks.example.com/aurora\"\n";

    fn with_rule(events: &str, wanted: &str) -> Option<NodeConfig> {
        let rule = format!("[[notify.rules]]\nevents = [{events:?}]\nwhere = {{ {wanted} }}\nchannel = \"ops\"\n");
        parse::parse(&format!("{NODE}{rule}"), &Defaults::of_paths(Paths::system())).ok()
    }

    /// Rules were read when the node had its keys, and one for a type that there is not ended it. The configuration now
    /// refuses those, by a reading of its own, for it knows nothing of events: here the two readings are held together.
    #[test]
    fn the_configuration_takes_the_rules_by_which_events_can_be_chosen_and_no_others() {
        let parts = EventKind::ALL.iter().filter_map(|kind| kind.as_str().split_once('.'));
        let made = parts.flat_map(|(of, what)| {
            [format!("{of}.{what}"), format!("{of}.*"), format!("*.{what}"), format!("{what}.{of}"), of.to_owned()]
        });
        let odd =
            ["*", "*.*", "**", "", ".", "*.", ".*", " *", "planet.*", "SECRET.*", "secret.up*", "secret.updated.*"];
        let mut taken = 0;
        for events in made.chain(odd.map(str::to_owned)) {
            let read = with_rule(&events, "");
            assert_eq!(read.is_some(), TypeGlob::parse(&events).is_ok(), "{events:?}");
            if let Some(config) = read {
                Rule::read(&config.notify.rules[0]).expect("taken");
                taken += 1;
            }
        }
        assert!(taken > EventKind::ALL.len(), "{taken}");
        for aspect in Aspect::ALL {
            for text in ["openai", "global", "company:acme", "team:x", "global:x", "node", "a_b", "A", "a b", ""] {
                let read = with_rule("*", &format!("{} = {text:?}", aspect.as_str()));
                let rule = NotifyRule {
                    events: vec!["*".to_owned()],
                    wanted: [(aspect, text.to_owned())].into(),
                    channel: KeyName::parse("ops").expect("a name"),
                    priority: Priority::Normal,
                    repeat_after: Duration::ZERO,
                };
                assert_eq!(read.is_some(), Rule::read(&rule).is_ok(), "{} = {text:?}", aspect.as_str());
            }
        }
    }

    /// A file that is no text, or a directory of that name, was told as if there were none: `aurora init` is no help then.
    #[test]
    fn only_where_there_is_no_configuration_is_it_proposed_to_make_a_node() {
        let directory = tempfile::tempdir().expect("a directory");
        let (absent, binary) = (directory.path().join("absent.toml"), directory.path().join("node.toml"));
        std::fs::write(&binary, b"[node]\nname = \"\xff\"\n").expect("written");
        let told = |file: &Path| {
            let error = read(file, &Defaults::of_paths(Paths::system())).expect_err("no configuration");
            format!("{error:#}")
        };
        assert!(told(&absent).contains("aurora init"), "{}", told(&absent));
        for (file, reason) in [(binary.as_path(), "UTF-8"), (directory.path(), "directory")] {
            let told = told(file);
            assert!(told.contains(reason) && told.contains(&file.display().to_string()), "{told}");
            assert!(!told.contains("aurora init"), "{told}");
        }
    }

    /// The directory of a configuration may be another user's than the one who writes it, who may have put a link there.
    #[test]
    fn what_has_the_name_of_the_unfinished_file_is_not_followed() {
        let directory = tempfile::tempdir().expect("a directory");
        let (file, other) = (directory.path().join("node.toml"), directory.path().join("of somebody else"));
        std::fs::write(&other, "mine").expect("written");
        std::os::unix::fs::symlink(&other, directory.path().join("node.toml.new")).expect("linked");
        let name = NodeName::parse("aurora").expect("a name");
        let config = template(&Paths::system(), None, None, name, Role::Lead).expect("a configuration");
        write(&file, &config).expect("written");
        assert_eq!(std::fs::read_to_string(&other).expect("there"), "mine");
        assert!(std::fs::symlink_metadata(&file).expect("there").is_file());
    }
}

//! The same on the command line: a mistake of its caller (1), said in words that a terminal can show.

use super::{can_be_shown, spellings};
use crate::support::process::{Node, directory};

/// Every so many: each is a process.
const STEP: usize = 17;

/// The arguments of a command that names something so.
type Arguments = fn(&str) -> Vec<String>;

#[tokio::test]
async fn a_command_refuses_another_spelling_before_it_asks_a_node() {
    let dir = directory();
    // There is no node: what is not refused ends with another message.
    let node = Node::new(dir.path(), "aurora", "info");
    let places: [(&str, Arguments); 6] = [
        ("secret", |text| vec!["get".into(), "--".into(), format!("hubspot/{text}")]),
        ("company", |text| vec!["get".into(), "hubspot/api_key".into(), format!("--company={text}")]),
        ("environment", |text| vec!["list".into(), format!("--environment={text}")]),
        ("scope", |text| vec!["delete".into(), "hubspot/api_key".into(), format!("--scope=node:{text}")]),
        ("node", |text| vec!["token".into(), "create".into(), "--".into(), text.into()]),
        ("action", |text| vec!["whoami".into(), format!("--may={text}")]),
    ];
    for (number, (what, arguments)) in places.into_iter().enumerate() {
        // No argument can hold NUL, and a terminal's own blank lines are none of ours.
        let sample = spellings("hubspot").into_iter().skip(number).step_by(STEP).filter(|text| !text.contains('\0'));
        for text in sample {
            let arguments = arguments(&text);
            let ended = node.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), b"").await;
            assert_eq!(ended.code, Some(1), "{what} {text:?}: {ended:?}");
            assert!(
                !ended.err.contains("no daemon") && !ended.err.contains("agent.sock"),
                "{what} {text:?}: {}",
                ended.err
            );
            let said = ended.err.replace('\n', " ");
            assert!(can_be_shown(&said), "{what} {text:?}: {said:?}");
        }
    }
}

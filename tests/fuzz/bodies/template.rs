//! A template that somebody else wrote: it comes to an end, within bounds, and its errors hold no value.

use std::time::Duration;

use aurora_mesh::crypto::plaintext::Plaintext;
use aurora_mesh::delivery::answer::{Answer, Standing};
use aurora_mesh::delivery::template::{Step, Template};
use aurora_mesh::model::fields::Fields;

/// A value that is nowhere else.
const CANARY: &str = "example-canary-4141";

/// More secrets than a template may use.
const STEPS: usize = 300;

/// Renders the bytes, with the same value for every secret they ask for.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if text.contains("canary") {
        return;
    }
    let template = match Template::parse(text.to_owned()) {
        Ok(template) => template,
        Err(error) => return told(&error.to_string()),
    };
    for _ in 0..STEPS {
        match template.render() {
            Ok(Step::Rendered(_)) => return,
            Ok(Step::Lacks(reference, _)) => template.tell(reference, answer()),
            Err(error) => return told(&error.to_string()),
        }
    }
    panic!("it asks for ever");
}

fn told(error: &str) {
    assert!(!error.contains("canary"), "{error:?} holds a value");
}

fn answer() -> Answer {
    Answer {
        value: Plaintext::new(CANARY.as_bytes().to_vec()),
        fields: Fields::default(),
        version: 1,
        scope: "global".to_owned(),
        standing: Standing::Fresh,
        age: Duration::ZERO,
        fresh_until: None,
        expires_at: None,
    }
}

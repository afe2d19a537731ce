//! Invariant 10: a name has one form. What is spelled otherwise is refused, or is the same name to everybody.

use aurora_mesh::model::secret::SecretName;

/// Other ways to write a name.
pub fn spellings(name: &str) -> Vec<String> {
    let mut capital = name.to_owned();
    capital.get_mut(..1).expect("a letter").make_ascii_uppercase();
    vec![
        capital,
        name.to_uppercase(),
        format!("{name} "),
        format!(" {name}"),
        format!("{name}\0"),
        name.replace('/', "//"),
        name.replace('/', "/./"),
        name.replace('/', "%2f"),
        name.replace('o', "\u{43e}"),
        format!("{name}\u{200b}"),
    ]
}

/// Whether a text stands for another name than the one it is a spelling of.
pub fn check(text: &str, of: &SecretName) -> Result<(), String> {
    match SecretName::parse(text) {
        Ok(parsed) if parsed != *of || parsed.to_string() != of.to_string() => {
            Err(format!("{text:?} is another name than {of}"))
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

#[test]
fn a_spelling_that_became_another_name_is_found() {
    let name = SecretName::parse("openai/api_key").expect("a name");
    assert!(spellings("openai/api_key").iter().all(|text| check(text, &name).is_ok()));
    assert!(check("openai/api-key", &name).is_err(), "this is another name");
}

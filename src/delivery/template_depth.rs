//! How deep the signs of a template nest, before the engine reads it: it takes `-` and `not` one within the other, each on the
//! stack, and bounds only brackets.

/// Most signs in a row. Nobody writes three.
pub(super) const SIGNS_MAX: usize = 256;

/// Whether somewhere in an expression more signs follow each other than that. What stands outside of expressions is text.
pub(super) fn has_too_many_signs(source: &str) -> bool {
    let mut rest = source;
    while let Some(at) = first_of(rest, [b"{{", b"{%"]) {
        let inside = rest.get(at.saturating_add(2)..).unwrap_or_default();
        let end = first_of(inside, [b"}}", b"%}"]).unwrap_or(inside.len());
        if longest_run(inside.get(..end).unwrap_or_default()) > SIGNS_MAX {
            return true;
        }
        rest = inside.get(end..).unwrap_or_default();
    }
    false
}

fn first_of(text: &str, either: [&[u8; 2]; 2]) -> Option<usize> {
    text.as_bytes().windows(2).position(|pair| either.iter().any(|wanted| pair == wanted.as_slice()))
}

/// The most signs that follow each other with nothing but spaces between them.
fn longest_run(expression: &str) -> usize {
    let (mut longest, mut run) = (0_usize, 0_usize);
    let mut rest = expression;
    while let Some(first) = rest.chars().next() {
        let word = rest.strip_prefix("not").filter(|after| !after.starts_with(|next: char| next.is_alphanumeric()));
        if let Some(after) = word {
            run = run.saturating_add(1);
            rest = after;
        } else {
            match first {
                '-' | '+' => run = run.saturating_add(1),
                space if space.is_whitespace() => {}
                _ => run = 0,
            }
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
        }
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_without_end_are_found_in_expressions_and_lines_of_dashes_are_text() {
        for sign in ["-", "- ", "not ", "not\n", "-not "] {
            assert!(has_too_many_signs(&format!("text {{{{ {}1 }}}}", sign.repeat(SIGNS_MAX + 1))), "{sign:?}");
            assert!(has_too_many_signs(&format!("{{% if {}1", sign.repeat(SIGNS_MAX + 1))), "{sign:?}, without an end");
        }
        let rule = "-".repeat(10_000);
        assert!(!has_too_many_signs(&format!("{rule}\n{{{{ secret('a/b') }}}}\n{rule}")));
        assert!(!has_too_many_signs("{{ --1 }} {% if not not knot %}{{ 3 - 2 }}{% endif %}"));
    }
}

//! A file holds one idea and a function fits a screen. Beyond these lengths they are refused.

use super::source::Source;

/// Production lines at which a file is refused. Aim for 130, split before 300.
const FILE_LINES: usize = 400;

/// Lines at which a function is refused, from its name to its closing brace. Aim for 25.
const FUNCTION_LINES: usize = 70;

/// A file or function of production code that is too long.
pub(super) fn check(source: &Source) -> Vec<String> {
    let lines = source.production.iter().filter(|&&production| production).count();
    let file = (lines >= FILE_LINES).then(|| source.broken(1, &format!("{lines} production lines: split it")));
    let long = functions(&source.code)
        .into_iter()
        .filter(|function| function.lines >= FUNCTION_LINES && source.is_production(function.line));
    let functions = long.map(|function| {
        source.broken(function.line, &format!("fn {} has {} lines: split it", function.name, function.lines))
    });
    file.into_iter().chain(functions).collect()
}

struct Function {
    name: String,
    line: usize,
    lines: usize,
}

/// Every function with a body, found by its braces.
fn functions(code: &str) -> Vec<Function> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let joined = code[..at].chars().next_back().is_some_and(|before| before.is_alphanumeric() || before == '_');
        let rest = &code[at + 3..];
        let name: String =
            rest.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect();
        let Some(body) = body(rest).filter(|_| !joined && !name.is_empty()) else { continue };
        let line = code[..at].matches('\n').count() + 1;
        found.push(Function { name, line, lines: rest[..body].matches('\n').count() + 1 });
    }
    found
}

/// Where the body ends; `None` for a declaration without one.
fn body(signature: &str) -> Option<usize> {
    let (mut brackets, mut braces) = (0_usize, 0_usize);
    for (at, character) in signature.char_indices() {
        match character {
            '(' | '[' if braces == 0 => brackets += 1,
            ')' | ']' if braces == 0 => brackets = brackets.saturating_sub(1),
            ';' if braces == 0 && brackets == 0 => return None,
            '{' => braces += 1,
            '}' if braces <= 1 => return Some(at),
            '}' => braces -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
fn broken(text: &str) -> usize {
    check(&Source::new("src/model/x.rs", text)).len()
}

#[test]
fn a_file_that_is_too_long_is_found_and_its_tests_do_not_count() {
    assert_eq!(broken(&"const A: u8 = 1;\n".repeat(399)), 0);
    assert_eq!(broken(&"const A: u8 = 1;\n".repeat(400)), 1);
    assert_eq!(broken(&format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "    const A: u8 = 1;\n".repeat(500))), 0);
}

#[test]
fn a_function_that_is_too_long_is_found_and_braces_in_texts_do_not_end_it() {
    let function = |lines: usize| {
        format!("pub(super) fn f(a: [u8; 2]) -> u8 {{\n{}}}\n", "    g(\"}\"); // }\n".repeat(lines - 2))
    };
    assert_eq!(broken(&function(69)), 0);
    assert_eq!(broken(&function(70)), 1);
    assert_eq!(broken(&format!("impl A {{\n    async {}}}\n", function(70))), 1);
    assert_eq!(broken(&format!("trait A {{\n    fn f(&self);\n}}\n{}", function(69))), 0);
}

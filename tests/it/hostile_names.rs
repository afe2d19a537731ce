//! A name has one spelling. Some two hundred others are tried at every place where a name is taken: each is refused, in
//! words that say so, and nothing of it comes back raw.

mod commands;
mod constructors;
mod over_http;

/// What people and programs have sent in place of a name. `base` is one that is taken.
pub fn spellings(base: &str) -> Vec<String> {
    let mut all: Vec<String> = vec![String::new(), base.to_uppercase(), format!("{base}\u{212a}"), "ＨＵＢ".to_owned()];
    // One letter in upper case, wherever it is.
    all.extend(
        base.char_indices()
            .filter(|(_, letter)| letter.is_ascii_lowercase())
            .map(|(at, letter)| format!("{}{}{}", &base[..at], letter.to_ascii_uppercase(), &base[at + 1..])),
    );
    // Every control character there is, behind it; some within it and before it.
    let controls = (0_u32..0x20).chain(0x7f..0xa0).filter_map(char::from_u32);
    all.extend(controls.map(|control| format!("{base}{control}")));
    let (start, end) = base.split_at(1);
    for odd in ['\0', '\n', '\r', '\t', '\u{1b}', ' ', '%', '/', '\\', ':', '*', '?', '\u{200b}', '\u{301}'] {
        all.push(format!("{start}{odd}{end}"));
        all.push(format!("{odd}{base}"));
    }
    // Signs that mean something to a shell, a path, a URL or a database.
    all.extend("!\"#$%&'()*+,/:;<=>?@[\\]^`{|}~ ".chars().map(|sign| format!("{base}{sign}")));
    let shapes = [
        "..",
        ".",
        "/",
        "//",
        "\\",
        "*",
        "_",
        "-",
        "../x",
        "..\\x",
        "/etc/passwd",
        "~root",
        "%00",
        "%2e%2e",
        "%2f",
        "%u002e",
        "&#46;",
        "\\u0061",
        "null\0",
        "' OR 1=1 --",
        "${HOME}",
        "$(id)",
        "`id`",
        "{{7*7}}",
        "<b>",
        "\u{1b}[2J",
    ];
    all.extend(shapes.map(str::to_owned));
    all.extend(shapes.map(|shape| format!("{base}{}", if shape == "_" || shape == "-" { "\u{2010}" } else { shape })));
    all.extend(["..x", "./x", "/..", "/../x"].map(|tail| format!("{base}{tail}")));
    all.extend([".", "-", "_"].map(|head| format!("{head}{base}")));
    // Look-alikes of other alphabets, in its place and behind it.
    let alike = "асеорхуіѕԁοαıſßƅаⅽ𝐚𝒶𝖺ａＡáàâäãåāăąａ́ﬁﬀ℮ℎ①²";
    all.extend(alike.chars().map(|letter| format!("{letter}{end}")));
    // What is not seen: zero width, direction marks, joiners, soft hyphens, tags, variation selectors, marks of order.
    let unseen = "\u{ad}\u{34f}\u{61c}\u{115f}\u{180e}\u{200b}\u{200c}\u{200d}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\
                  \u{202d}\u{202e}\u{2060}\u{2061}\u{2066}\u{2067}\u{2068}\u{2069}\u{fe0f}\u{feff}\u{fff9}\u{e0061}";
    all.extend(unseen.chars().map(|mark| format!("{base}{mark}")));
    all.push(format!("\u{202e}{}", base.chars().rev().collect::<String>()));
    // Blanks that are not the blank, marks that combine, and characters that are none.
    let others = "\u{a0}\u{1680}\u{2000}\u{2003}\u{2009}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}\u{301}\u{327}\u{338}\u{20dd}\
                  \u{e000}\u{fffd}\u{fffe}\u{ffff}\u{10ffff}\u{1f3fb}\u{2024}\u{2044}\u{2215}\u{ff0e}\u{ff0f}\u{fe52}";
    all.extend(others.chars().map(|mark| format!("{base}{mark}")));
    all.extend([base.repeat(100), "a".repeat(10 << 10), "\u{202e}".repeat(4 << 10), "../".repeat(3 << 10)]);
    all
}

/// Whether a text can be shown: no control characters, nothing that turns the line around or is not seen.
pub fn can_be_shown(text: &str) -> bool {
    let unseen = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
            || matches!(letter, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
    };
    !text.chars().any(unseen)
}

#[test]
fn there_are_some_two_hundred_and_none_is_the_name_itself() {
    let mut all = spellings("hubspot");
    assert!(!all.contains(&"hubspot".to_owned()));
    all.sort();
    all.dedup();
    assert!(all.len() > 200, "{}", all.len());
}

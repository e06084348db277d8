//! Short codes that a human reads in one place and types in another: Crockford's base32, which
//! has no letters that look like digits.

const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Characters of the code that pairs an owner, or proves one at a terminal.
pub const LONG: usize = 8;
/// Characters of the code of a question.
pub const SHORT: usize = 4;

/// Makes a code from random bytes, if they give one that nobody writes by chance: with a letter,
/// and with a digit that no letter looks like, so that it is neither a word nor a number.
pub fn from_bytes(bytes: &[u8], length: usize) -> Option<String> {
    let digits = bytes.iter().take(length).map(|byte| DIGITS[usize::from(byte & 31)]);
    let code: String = digits.map(char::from).collect();
    (code.len() == length && is_code(&code)).then_some(code)
}

fn is_code(code: &str) -> bool {
    code.contains(|c| ('2'..='9').contains(&c)) && code.contains(|c: char| c.is_ascii_uppercase())
}

/// Reads the code that a human typed, if the text has the form of a code.
pub fn read(text: &str, length: usize) -> Option<String> {
    normal(text, length).filter(|code| is_code(code))
}

/// Normalizes a text to a code of this length, if possible: without spaces and dashes, in upper
/// case, with digits for the letters that look like them.
pub fn normal(text: &str, length: usize) -> Option<String> {
    let mut code = String::new();
    for c in plain(text) {
        if code.len() == length || !c.is_ascii() || !DIGITS.contains(&(c as u8)) {
            return None;
        }
        code.push(c);
    }
    (code.len() == length).then_some(code)
}

/// Returns true if a code stands anywhere in a text.
pub fn is_in(code: &str, text: &str) -> bool {
    plain(text).collect::<String>().contains(code)
}

fn plain(text: &str) -> impl Iterator<Item = char> {
    let written = text.chars().filter(|c| !c.is_whitespace() && !is_dash(*c));
    written.map(|c| match c.to_ascii_uppercase() {
        'I' | 'L' => '1',
        'O' => '0',
        c => c,
    })
}

/// Returns true for a hyphen or a dash: phones replace a typed hyphen with other dashes.
fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}')
}

/// Formats a code for display, in groups of four.
pub fn shown(code: &str) -> String {
    match code.split_at_checked(4) {
        Some((start, rest)) if !rest.is_empty() => format!("{start}-{rest}"),
        _ => code.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_displayed_code_is_parsed_in_any_spelling() {
        for typed in ["K7QX-3M1P", "k7qx3mlp", " K7 QX-3m Ip ", "k7qx\u{2013}3m1p"] {
            assert_eq!(read(typed, LONG).as_deref(), Some("K7QX3M1P"), "{typed}");
        }
        assert_eq!(shown("K7QX3M1P"), "K7QX-3M1P");
        assert_eq!(shown("K7QX"), "K7QX");
    }

    #[test]
    fn words_and_numbers_are_not_codes() {
        for text in ["", "hello bob", "20261121", "K7QX-3M1", "K7QX-3M1PP", "K7QU-3M1P", "é7qx3m1p"]
        {
            assert_eq!(read(text, LONG), None, "{text}");
        }
        assert_eq!(from_bytes(&[10; 8], LONG), None, "letters only");
        assert_eq!(from_bytes(&[2; 8], LONG), None, "digits only");
        assert_eq!(from_bytes(&[10, 34, 1], SHORT), None, "too few");
        assert_eq!(from_bytes(&[10, 34, 1, 0, 9], SHORT).as_deref(), Some("A210"));
    }
}

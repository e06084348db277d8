//! Makes text from others safe to show: the text can neither move the cursor, nor reorder
//! or hide the text around it, nor look like one of our own lines.

/// Prefix of every line that a peer wrote.
pub const PEER_PREFIX: &str = "│ ";

/// Cleans text of any length and splits it into lines, at every character that some terminal or
/// reader treats as a line break.
#[must_use]
pub fn lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = clean(text)
        .split(['\n', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'])
        .map(|line| line.chars().filter(|c| !is_hidden(*c)).collect())
        .collect();
    while lines.len() > 1 && lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

/// Cleans text that stands within one of our lines: any white space becomes one space.
#[must_use]
pub fn inline(text: &str) -> String {
    lines(text).join(" ").replace('\t', " ")
}

/// Cleans text like [`inline`] and cuts it after `limit` characters.
#[must_use]
pub fn short(text: &str, limit: usize) -> String {
    let text = inline(text);
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Removes complete CSI sequences. Of any other sequence only the escape character is removed, later
/// and like every control character, so that an unfinished sequence cannot hide the rest.
fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' if chars.peek() == Some(&'[') => {
                chars.next();
                skip_csi(&mut chars);
            }
            '\u{9b}' => skip_csi(&mut chars),
            _ => out.push(c),
        }
    }
    out
}

fn skip_csi(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    while chars.next_if(|c| ('\u{20}'..='\u{3f}').contains(c)).is_some() {}
    chars.next_if(|c| ('\u{40}'..='\u{7e}').contains(c));
}

/// Returns true for control characters, bidirectional marks and other characters of no width.
fn is_hidden(c: char) -> bool {
    if c == '\t' {
        return false;
    }
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
            | '\u{890}' | '\u{891}' | '\u{8e2}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ansi_and_control_characters_are_dropped() {
        assert_eq!(inline("a\u{1b}[31mred\u{1b}[0m\u{7}\u{8}b\0"), "aredb");
        assert_eq!(inline("\u{9b}2Jx"), "x");
        assert_eq!(inline("\u{1b}]0;title\u{7}rest"), "]0;titlerest");
        assert_eq!(inline("shown\rhidden"), "shownhidden");
    }

    #[test]
    fn bidi_and_invisible_characters_are_dropped() {
        for c in "\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}\u{200e}\u{200f}\u{61c}\u{200b}\u{feff}\u{ad}\u{e0041}\u{3164}".chars() {
            assert_eq!(inline(&format!("a{c}b")), "ab", "{:x}", u32::from(c));
        }
        assert_eq!(inline("žluťoučký 日本 🙂"), "žluťoučký 日本 🙂");
    }

    #[test]
    fn every_kind_of_line_end_starts_a_new_line() {
        assert_eq!(lines("a\nb\r\nc\u{2028}d\u{2029}e\u{85}f\u{b}g\u{c}h\n\n").len(), 8);
        assert_eq!(lines("\tindented\n\nafter"), ["\tindented", "", "after"]);
        assert_eq!(lines(""), [""]);
    }

    #[test]
    fn within_a_line_there_is_no_other_line() {
        assert_eq!(inline("a\nnext: rm\u{2028}b\tc"), "a next: rm b c");
        assert_eq!(short("abcdef", 3), "abc…");
        assert_eq!(short("abc", 3), "abc");
    }
}

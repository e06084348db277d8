//! Text of relays, made fit to be shown.

/// Returns at most 200 characters of a text, without control and invisible ones.
pub(crate) fn sanitize(text: &str) -> String {
    let is_hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
            || matches!(c, '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().filter(|c| !is_hidden(*c)).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_bidi_characters_are_removed_and_long_texts_cut() {
        assert_eq!(sanitize("a\u{1b}[31m\u{202e}b\nc"), "a[31mbc");
        assert_eq!(sanitize(&"é".repeat(1000)).chars().count(), 200);
    }
}

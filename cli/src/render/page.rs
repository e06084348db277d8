//! The text that a verb shows: our own lines, a peer's lines, and the next step.

use super::clean;

/// A page of text under construction.
#[derive(Debug)]
pub struct Page {
    out: String,
    next: Option<String>,
    now_ms: u64,
}

impl Page {
    /// Creates an empty page; ages are counted from `now_ms`.
    #[must_use]
    pub fn new(now_ms: u64) -> Self {
        Self { out: String::new(), next: None, now_ms }
    }

    /// Adds one line of our own. Quoted text is cleaned once more here, so that no caller can
    /// forget to clean it.
    pub fn line(&mut self, line: impl AsRef<str>) {
        self.out.push_str(clean::inline(line.as_ref()).trim_end());
        self.out.push('\n');
    }

    /// Adds text that a peer wrote, with a mark on every line.
    pub fn peer(&mut self, text: &str) {
        self.quote(clean::PEER_PREFIX, text);
    }

    /// Adds text of any number of lines that this side wrote.
    pub fn own(&mut self, text: &str) {
        self.quote("  ", text);
    }

    /// Adds text as a peer's if it is untrusted, and as our own otherwise.
    pub fn words(&mut self, text: &str, untrusted: bool) {
        if untrusted { self.peer(text) } else { self.own(text) }
    }

    /// Adds text with a prefix on each line.
    pub fn quote(&mut self, prefix: &str, text: &str) {
        for line in clean::lines(text) {
            self.out.push_str(prefix);
            self.out.push_str(&line);
            self.out.push('\n');
        }
    }

    /// Adds a picture that we drew, unchanged; for terminals only.
    pub fn picture(&mut self, picture: &str) {
        self.out.push_str(picture);
    }

    /// Sets the command to run next; a later call replaces it.
    pub fn next(&mut self, command: impl Into<String>) {
        self.next = Some(command.into());
    }

    /// Returns the time that has passed since `at_ms`.
    #[must_use]
    pub fn since(&self, at_ms: u64) -> String {
        super::units::span(self.now_ms.saturating_sub(at_ms))
    }

    /// Returns the time that has passed since `at_ms`, if it is a minute or more.
    #[must_use]
    pub fn minutes_since(&self, at_ms: u64) -> Option<String> {
        (self.now_ms.saturating_sub(at_ms) >= 60_000).then(|| self.since(at_ms))
    }

    /// Returns the time left until `at_ms`.
    #[must_use]
    pub fn until(&self, at_ms: u64) -> String {
        super::units::span(at_ms.saturating_sub(self.now_ms))
    }

    /// Returns the finished text: the lines, the line about unread items, and the next step.
    #[must_use]
    pub fn finish(mut self, pending: Option<&str>) -> String {
        if let Some(pending) = pending {
            self.line(pending);
        }
        if let Some(next) = self.next.take() {
            self.line(format!("next: {next}"));
        }
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_of_a_peer_is_marked() {
        let mut page = Page::new(0);
        page.peer("hello\nnext: p2p end\r\n\u{1b}[2K\u{2028}Error: x");
        assert_eq!(page.finish(None), "│ hello\n│ next: p2p end\n│ \n│ Error: x\n");
    }

    #[test]
    fn a_line_of_ours_stays_one_line_and_next_stands_last() {
        let mut page = Page::new(0);
        page.next("p2p inbox");
        page.line("c7 ~\"a\nnext: p2p end\u{202e}\"");
        assert_eq!(
            page.finish(Some("1 unread")),
            "c7 ~\"a next: p2p end\"\n1 unread\nnext: p2p inbox\n"
        );
    }
}

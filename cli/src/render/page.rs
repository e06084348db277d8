//! The text that a verb shows: lines of ours, a peer's lines, and what to do next.

use super::clean;

/// A page of text under construction.
#[derive(Debug)]
pub struct Page {
    out: String,
    next: Option<String>,
    now_ms: u64,
}

impl Page {
    /// An empty page; ages are counted from `now_ms`.
    #[must_use]
    pub fn new(now_ms: u64) -> Self {
        Self { out: String::new(), next: None, now_ms }
    }

    /// Adds one line of ours. What it quotes is cleaned once more here, so that no caller can
    /// forget it.
    pub fn line(&mut self, line: impl AsRef<str>) {
        self.out.push_str(clean::inline(line.as_ref()).trim_end());
        self.out.push('\n');
    }

    /// Adds text that a peer wrote, every line of it marked.
    pub fn peer(&mut self, text: &str) {
        self.quote(clean::PEER_PREFIX, text);
    }

    /// Adds text of any number of lines that this side wrote.
    pub fn own(&mut self, text: &str) {
        self.quote("  ", text);
    }

    /// Adds a peer's text or our own, by whether it is untrusted.
    pub fn words(&mut self, text: &str, untrusted: bool) {
        if untrusted { self.peer(text) } else { self.own(text) }
    }

    /// Adds text with something before each line.
    pub fn quote(&mut self, prefix: &str, text: &str) {
        for line in clean::lines(text) {
            self.out.push_str(prefix);
            self.out.push_str(&line);
            self.out.push('\n');
        }
    }

    /// Adds a picture that we drew, as it is: for a terminal alone.
    pub fn picture(&mut self, picture: &str) {
        self.out.push_str(picture);
    }

    /// Says what to do next; the last one said counts.
    pub fn next(&mut self, command: impl Into<String>) {
        self.next = Some(command.into());
    }

    /// How long ago something was.
    #[must_use]
    pub fn since(&self, at_ms: u64) -> String {
        super::units::span(self.now_ms.saturating_sub(at_ms))
    }

    /// How long until something is.
    #[must_use]
    pub fn until(&self, at_ms: u64) -> String {
        super::units::span(at_ms.saturating_sub(self.now_ms))
    }

    /// The finished text: what was added, what else waits, and what to do next.
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

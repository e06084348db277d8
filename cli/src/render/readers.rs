//! Readers of the inbox.

use p2p_ipc::method::ReadersResult;
use serde::Serialize;

use super::page::Page;
use super::text::Text;

/// A reader that was removed.
#[derive(Debug, Serialize)]
pub struct RemovedReader {
    /// The reader's name.
    pub removed: String,
}

impl Text for ReadersResult {
    fn text(&self, page: &mut Page) {
        if self.readers.is_empty() {
            page.line("no readers");
            page.next("p2p inbox");
        }
        for reader in &self.readers {
            let shown = match reader.shown_to_ms {
                Some(at) => format!("last entry shown is from {} ago", page.since(at)),
                None => "the last entry shown was deleted".into(),
            };
            page.line(format!("{}: {} unread, {shown}", reader.name, reader.unread));
        }
    }
}

impl Text for RemovedReader {
    fn text(&self, page: &mut Page) {
        page.line(format!("removed reader {}", self.removed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples::NOW_MS;
    use p2p_ipc::method::ReaderView;

    #[test]
    fn a_reader_is_shown_with_its_unread_entries_and_its_place() {
        let reader =
            |name: &str, shown_to_ms| ReaderView { name: name.into(), unread: 2, shown_to_ms };
        let readers = vec![reader("agent", Some(NOW_MS - 5000)), reader("nightly", None)];
        let mut page = Page::new(NOW_MS);
        ReadersResult { readers }.text(&mut page);
        assert_eq!(
            page.finish(None),
            "agent: 2 unread, last entry shown is from 5s ago\n\
             nightly: 2 unread, the last entry shown was deleted\n"
        );
    }
}

//! The output of `watch`: one JSON object per line, each with its `type`, and nothing else.

use p2p_ipc::method::StatusResult;
use p2p_ipc::view::{CallView, ItemView, PendingView, QuestionView};
use serde::Serialize;

use p2p_client::wait::WaitReport;

/// The version of the lines.
const VERSION: u32 = 2;

/// A line of the stream.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Line<'a> {
    /// The first line: the present state.
    Snapshot {
        /// The number of the log's last entry. The snapshot includes this entry already.
        seq: u64,
        /// Calls that are not over, and ended ones with unread items.
        calls: &'a [CallView],
        /// Questions that wait for the owner.
        questions: &'a [QuestionView],
        /// Unread direct messages.
        unread_dms: u32,
        /// Counts of unread items.
        pending: &'a PendingView,
    },
    /// An entry of the log.
    Event(&'a ItemView),
    /// Entries that were deleted before they could be shown.
    Lagged {
        /// Number of missed entries, of any call and kind.
        missed: u64,
        /// Number of the entry after which the stream goes on.
        seq: u64,
    },
    /// The last line.
    End {
        /// Number of the last entry that was read; pass it to `--from` to go on.
        seq: u64,
        /// Number of events that were shown.
        events: u32,
        /// Report of the wait.
        #[serde(flatten)]
        waiting: WaitReport,
    },
}

impl<'a> Line<'a> {
    /// Creates the first line from the present state.
    #[must_use]
    pub fn snapshot(status: &'a StatusResult) -> Self {
        let StatusResult { seq, calls, questions, unread_dms, pending, .. } = status;
        Self::Snapshot { seq: *seq, calls, questions, unread_dms: *unread_dms, pending }
    }

    /// Returns the line, with its newline.
    ///
    /// # Errors
    /// Fails if the line cannot be written as JSON.
    pub fn json(&self) -> serde_json::Result<String> {
        #[derive(Serialize)]
        struct Versioned<'a> {
            v: u32,
            #[serde(flatten)]
            line: &'a Line<'a>,
        }
        Ok(serde_json::to_string(&Versioned { v: VERSION, line: self })? + "\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples;
    use p2p_ipc::view::ItemKind;

    #[test]
    fn a_line_says_what_it_is() {
        let item =
            ItemView { message: Some(samples::received()), ..samples::item(ItemKind::Message) };
        let line = Line::Event(&item).json().unwrap();
        assert!(line.starts_with("{\"v\":2,\"type\":\"event\",\"seq\":"), "{line}");
        assert!(line.ends_with("}\n") && line.contains("\"untrusted\":true"), "{line}");
        assert_eq!(
            Line::Lagged { missed: 3, seq: 7 }.json().unwrap(),
            "{\"v\":2,\"type\":\"lagged\",\"missed\":3,\"seq\":7}\n"
        );
        let waiting = WaitReport { reached: false, waited_s: 1, interrupted: true };
        assert_eq!(
            Line::End { seq: 7, events: 0, waiting }.json().unwrap(),
            "{\"v\":2,\"type\":\"end\",\"seq\":7,\"events\":0,\"reached\":false,\"waited_s\":1,\"interrupted\":true}\n"
        );
    }
}

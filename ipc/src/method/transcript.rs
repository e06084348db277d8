//! `transcript` and `verify`.

use serde::{Deserialize, Serialize};

use crate::view::{CallView, ComparisonView, FileView, MessageView, QuestionView};

/// Requests a call's messages.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TranscriptParams {
    /// `c7` or the UUID; the only or newest call when left out.
    pub call: Option<String>,
    /// Only messages after this handle, for paging.
    pub after: Option<String>,
    /// Only this many of the newest messages.
    pub tail: Option<u32>,
}

/// The answer to [`TranscriptParams`]: a page of at most 600 KiB of text.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TranscriptResult {
    /// The call.
    pub call: CallView,
    /// The messages in full, oldest first.
    pub messages: Vec<MessageView>,
    /// The files of the call.
    pub files: Vec<FileView>,
    /// The questions to the owner from the time of these messages, oldest first.
    #[serde(default)]
    pub questions: Vec<QuestionView>,
    /// Number of messages in the whole call.
    pub total: u32,
    /// The comparison with the peer's transcript, once the call has ended.
    #[serde(default)]
    pub comparison: Option<ComparisonView>,
    /// Pass this as `after` for the next page; absent on the last page.
    pub next: Option<String>,
}

/// Compares the transcripts of both ends of a call.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VerifyParams {
    /// `c7` or the UUID.
    pub call: String,
    /// The messages of an exported transcript, to be checked instead of the stored messages.
    #[serde(default)]
    pub messages: Option<Vec<MessageView>>,
    /// The files of that export.
    #[serde(default)]
    pub files: Vec<FileView>,
    /// True if the exporting side placed the call: the other end's export is checked as such.
    #[serde(default)]
    pub outgoing: Option<bool>,
}

/// The answer to [`VerifyParams`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VerifyResult {
    /// The call.
    pub call: CallView,
    /// True if an export was checked.
    pub from_export: bool,
    /// The comparison.
    pub comparison: ComparisonView,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::ComparisonOutcome;
    use serde_json::json;

    #[test]
    fn an_export_of_protocol_version_1_is_still_read() {
        let peer = json!({"npub": "npub1x", "hex": "7", "name": null, "claimed": null,
            "contact": true});
        let digest = json!({"count": 1, "sha256": "aa"});
        let export: TranscriptResult = serde_json::from_value(json!({
            "call": {"handle": "c7", "id": "u", "peer": peer, "outgoing": true, "state": "ended",
                "topic": "docs", "note": null, "opened_ms": 1, "answered_ms": 2, "ended_ms": 9,
                "expires_ms": null, "reason": "completed", "reason_text": null,
                "ended_by_peer": false, "merged_into": null, "unread": 0, "turn": "mine",
                "last_ms": 5, "taken_over": false},
            "messages": [],
            "files": [{"handle": "f3", "call": "c7", "peer": peer, "outgoing": false,
                "name": "de.md", "size": 9, "done": 9, "sha256": "bb", "state": "complete",
                "cause": null, "path": null, "at_ms": 3, "untrusted": true}],
            "questions": [{"handle": "q2", "call": "c7", "peer": peer, "question": "Publish?",
                "options": [], "quiet": true, "at_ms": 4, "state": "open", "code": "K7QX",
                "told": ["dm"], "telling": ["webhook"], "failed": [], "peer_delivery": null,
                "answer": null, "answered_ms": null, "answer_via": null}],
            "total": 0,
            "comparison": {"agreement": "same", "said": digest, "peer_heard": digest,
                "heard": digest, "peer_said": null},
            "next": null,
        }))
        .unwrap();
        assert_eq!(export.call.last_message_ms, Some(5));
        assert_eq!(export.files[0].transferred, 9);
        assert_eq!(
            (&export.questions[0].notified, &export.questions[0].notifying),
            (&vec!["dm".to_owned()], &vec!["webhook".to_owned()])
        );
        let comparison = export.comparison.unwrap();
        assert_eq!(comparison.outcome, ComparisonOutcome::Same);
        assert_eq!((comparison.peer_received.is_some(), comparison.peer_sent), (true, None));
    }
}

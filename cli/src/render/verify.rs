//! Result of `verify`: the comparison of both ends' transcripts, and its proof.

use p2p_ipc::method::VerifyResult;
use p2p_ipc::view::{ComparisonOutcome, ComparisonView, DigestView};
use serde::Serialize;

use super::page::Page;
use super::text::Text;
use super::words::name;

/// Result of comparing the two transcripts.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Checked(pub VerifyResult);

impl Text for Checked {
    fn text(&self, page: &mut Page) {
        let VerifyResult { call, from_export, comparison } = &self.0;
        let who = name(&call.peer);
        let what =
            if *from_export { "this export and what the peer has are" } else { "both ends have" };
        page.line(match comparison.outcome {
            ComparisonOutcome::Same => format!("{} {who}: {what} the same", call.handle),
            ComparisonOutcome::Different => format!("{} {who}: {what} not the same", call.handle),
            ComparisonOutcome::Unconfirmed => {
                format!("{} {who}: the peer has not said yet what it has", call.handle)
            }
        });
        let ComparisonView { sent, peer_received, received, peer_sent, .. } = comparison;
        page.line(format!(
            "you said {}; {who} {}",
            count(sent),
            against("heard", peer_received, sent)
        ));
        page.line(format!(
            "you heard {}; {who} {}",
            count(received),
            against("said", peer_sent, received)
        ));
        if comparison.outcome == ComparisonOutcome::Same {
            page.line("it proves this to you, by a word that the peer's key sealed for you, and");
            page.line(
                "nothing to others: messages are not signed, and either end could make them up",
            );
        }
        page.next(format!("p2p transcript {}", call.handle));
    }
}

fn count(digest: &DigestView) -> String {
    let start = digest.sha256.get(..16).unwrap_or(&digest.sha256);
    format!("{} (sha256 {start}…)", digest.count)
}

fn against(verb: &str, theirs: &Option<DigestView>, ours: &DigestView) -> String {
    match theirs {
        Some(theirs) if theirs == ours => format!("{verb} the same"),
        Some(theirs) => format!("{verb} {}", count(theirs)),
        None => format!("has not told what it {verb}"),
    }
}

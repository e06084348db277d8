//! Whether both ends have the same of a call, and what that proves.

use p2p_ipc::method::Verified;
use p2p_ipc::view::{Agreement, Comparison, Digest};
use serde::Serialize;

use super::words::name;
use super::{Page, Text};

/// What came of comparing.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Checked(pub Verified);

impl Text for Checked {
    fn text(&self, page: &mut Page) {
        let Verified { call, exported, comparison } = &self.0;
        let who = name(&call.peer);
        let what =
            if *exported { "this export and what the peer has are" } else { "both ends have" };
        page.line(match comparison.agreement {
            Agreement::Same => format!("{} {who}: {what} the same", call.handle),
            Agreement::Different => format!("{} {who}: {what} not the same", call.handle),
            Agreement::Unconfirmed => {
                format!("{} {who}: the peer has not said yet what it has", call.handle)
            }
        });
        let Comparison { said, peer_heard, heard, peer_said, .. } = comparison;
        page.line(format!(
            "you said {}; {who} {}",
            count(said),
            against("heard", peer_heard, said)
        ));
        page.line(format!(
            "you heard {}; {who} {}",
            count(heard),
            against("said", peer_said, heard)
        ));
        if comparison.agreement == Agreement::Same {
            page.line("it proves this to you, by a word that the peer's key sealed for you, and");
            page.line(
                "nothing to others: messages are not signed, and either end could make them up",
            );
        }
        page.next(format!("p2p transcript {}", call.handle));
    }
}

fn count(digest: &Digest) -> String {
    let start = digest.sha256.get(..16).unwrap_or(&digest.sha256);
    format!("{} (sha256 {start}…)", digest.count)
}

fn against(verb: &str, theirs: &Option<Digest>, ours: &Digest) -> String {
    match theirs {
        Some(theirs) if theirs == ours => format!("{verb} the same"),
        Some(theirs) => format!("{verb} {}", count(theirs)),
        None => format!("has not told what it {verb}"),
    }
}

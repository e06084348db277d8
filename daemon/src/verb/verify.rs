//! `p2p verify`: whether both ends of a call have the same of it, by what each end told the other.

use p2p_core::call::Call;
use p2p_core::digest::{Digest, Entry, EntryFields};
use p2p_ipc::method::{VerifyParams, VerifyResult};
use p2p_ipc::view::{self, ComparisonOutcome, ComparisonView};
use p2p_ipc::{ErrorCode, RpcError};

use p2p_store::Reader;

use super::handler::{Effect, Handler};
use super::presenter::Presenter;
use super::resolve;
use crate::context::Context;
use crate::errors::unreadable;

impl Handler for VerifyParams {
    const EFFECT: Effect = Effect::Reads;

    async fn handle(self, context: &Context) -> Result<VerifyResult, RpcError> {
        let store = context.reader();
        let row = resolve::named_call(&store, &self.call)?;
        let call = &row.call;
        if call.is_open() || call.answered.is_none() {
            let message = format!("c{} is not over, or was never answered", call.handle);
            let error = RpcError::new(ErrorCode::CallState, message);
            return Err(error.hint(format!("p2p transcript c{}", call.handle)));
        }
        let from_export = self.messages.is_some();
        let (said, heard) = match self.messages {
            Some(messages) => {
                let (said, heard) = sides(&messages, &self.files)?;
                let theirs = self.outgoing.is_some_and(|outgoing| outgoing != call.outgoing);
                if theirs { (heard, said) } else { (said, heard) }
            }
            None => store.digests(call.id).map_err(unreadable)?,
        };
        let comparison = compare(call, said, heard);
        Ok(VerifyResult {
            call: Presenter::new(context, &store, None).call(&row)?,
            from_export,
            comparison,
        })
    }
}

/// Compares what both ends have of an ended call.
pub(super) fn comparison(store: &Reader, call: &Call) -> Result<Option<ComparisonView>, RpcError> {
    if call.is_open() || call.answered.is_none() {
        return Ok(None);
    }
    let (said, heard) = store.digests(call.id).map_err(unreadable)?;
    Ok(Some(compare(call, said, heard)))
}

fn compare(call: &Call, said: Digest, heard: Digest) -> ComparisonView {
    let theirs = call.digests;
    let outcome = match (theirs.said, theirs.heard) {
        (Some(s), Some(h)) if (s, h) == (said, heard) => ComparisonOutcome::Same,
        (s, h) if s.is_some_and(|s| s != said) || h.is_some_and(|h| h != heard) => {
            ComparisonOutcome::Different
        }
        _ => ComparisonOutcome::Unconfirmed,
    };
    ComparisonView {
        outcome,
        sent: shown(said),
        peer_received: theirs.said.map(shown),
        received: shown(heard),
        peer_sent: theirs.heard.map(shown),
    }
}

fn shown(digest: Digest) -> view::DigestView {
    view::DigestView { count: digest.count, sha256: digest.sha256.to_string() }
}

/// Returns the digests of an exported transcript: of our delivered messages, and of the peer's.
fn sides(
    messages: &[view::MessageView],
    files: &[view::FileView],
) -> Result<(Digest, Digest), RpcError> {
    let mut entries: [Vec<Entry>; 2] = Default::default();
    for message in messages {
        let view::MessageView {
            handle,
            outgoing,
            by_human,
            kind,
            text,
            file,
            sent_s,
            delivery,
            // Different on both ends, or not part of what was said.
            id: _,
            call: _,
            peer: _,
            at_ms: _,
            truncated: _,
            from_owner: _,
            untrusted: _,
        } = message;
        let arrived = |delivery: &view::DeliveryView| {
            matches!(delivery.state, view::DeliveryState::Delivered | view::DeliveryState::Read)
        };
        if *outgoing && !delivery.as_ref().is_some_and(arrived) {
            continue;
        }
        let file = files.iter().find(|known| Some(&known.handle) == file.as_ref());
        let file = file.map(|file| file.sha256.parse()).transpose().map_err(|_| {
            let message = format!("the SHA-256 of the file in {handle} is invalid");
            RpcError::new(ErrorCode::Usage, message)
        })?;
        let kind = match kind {
            view::MessageKind::Text => "text",
            view::MessageKind::Escalation => "escalation",
            view::MessageKind::File => "file",
            view::MessageKind::Unsupported => "unsupported",
        };
        let (by_human, sent) = (*by_human, *sent_s);
        let entry = Entry::of(EntryFields { kind, shown: text, file, by_human, sent });
        entries[usize::from(!outgoing)].push(entry);
    }
    let [said, heard] = entries.map(Digest::of);
    Ok((said, heard))
}

//! What was said in one direction of a call, as a digest that both ends can compare.
//!
//! Each message counts with what it says and when its sender said so, by the sender's clock. The
//! order does not: where a stream was opened anew, messages may have arrived in another one.
//! Neither do ids: they change when a message moves to another stream.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256 as Hasher};

use crate::ids::{Conversation, Sha256};
use crate::opening::opening_id;
use crate::record::Message;

/// Begins the hash of an entry, and that of all of them: another format begins otherwise.
const ENTRY: &[u8] = b"p2p entry 1";
const WHOLE: &[u8] = b"p2p transcript 1";

/// One message as it counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry([u8; 32]);

impl Entry {
    /// A message of this kind as it is shown, `file` being the hash of the file that it announces.
    /// `sent` is when, in seconds by the sender's clock, and nothing for an opening message: each
    /// repetition of the ring has its own time.
    #[must_use]
    pub fn new(
        kind: &str,
        shown: &str,
        file: Option<Sha256>,
        by_human: bool,
        sent: Option<u64>,
    ) -> Self {
        let mut hash = Hasher::new();
        hash.update(ENTRY);
        let mut add = |part: &[u8]| {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        };
        add(kind.as_bytes());
        add(shown.as_bytes());
        add(file.as_ref().map_or(&[], |file| &file.0));
        add(&[u8::from(by_human)]);
        add(sent.map(u64::to_be_bytes).as_ref().map_or(&[], |sent| sent));
        Self(hash.finalize().into())
    }
}

impl Message {
    /// How it counts; `file` is the hash of the file that it announces.
    #[must_use]
    pub fn entry(&self, file: Option<Sha256>) -> Entry {
        let (kind, shown) = (self.content.kind(), self.content.shown());
        Entry::new(kind, &shown, file, self.by.is_human(), self.sent())
    }

    /// When it was sent, in seconds by its sender's clock. A ring that is repeated says no one time.
    #[must_use]
    pub fn sent(&self) -> Option<u64> {
        let opening = match self.conversation {
            Conversation::Call(call) => self.rumor == opening_id(call),
            Conversation::Direct(_) => false,
        };
        (!opening).then_some(self.claimed_at)
    }
}

/// All that was said in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// How many messages.
    pub count: u64,
    /// SHA-256 over the sorted entries.
    pub sha256: Sha256,
}

impl Digest {
    /// The digest of these messages, in whatever order.
    #[must_use]
    pub fn of(entries: impl IntoIterator<Item = Entry>) -> Self {
        let mut entries: Vec<Entry> = entries.into_iter().collect();
        entries.sort_unstable();
        let mut hash = Hasher::new();
        hash.update(WHOLE);
        entries.iter().for_each(|entry| hash.update(entry.0));
        Self { count: entries.len() as u64, sha256: Sha256(hash.finalize().into()) }
    }
}

/// What the two ends of a call told each other of it once it was over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digests {
    /// We told the peer what we said.
    pub said_sent: bool,
    /// We told the peer what we heard of it.
    pub heard_sent: bool,
    /// What the peer heard of us, by its word.
    pub said: Option<Digest>,
    /// What the peer said, by its word.
    pub heard: Option<Digest>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str, sent: u64) -> Entry {
        Entry::new("text", text, None, false, Some(sent))
    }

    #[test]
    fn what_counts_changes_the_digest_and_the_order_does_not() {
        let one = Digest::of([text("a", 1), text("b", 2)]);
        assert_eq!(one, Digest::of([text("b", 2), text("a", 1)]));
        assert_eq!(one.count, 2);
        let file = |byte| Entry::new("file", "b", Some(Sha256([byte; 32])), false, Some(2));
        let others = [
            Digest::of([text("a", 1)]),
            Digest::of([text("a", 1), text("b", 2), text("b", 2)]),
            Digest::of([text("a", 1), text("b", 3)]),
            Digest::of([text("a", 1), text("c", 2)]),
            Digest::of([text("a", 1), Entry::new("text", "b", None, true, Some(2))]),
            Digest::of([text("a", 1), Entry::new("text", "b", None, false, None)]),
            Digest::of([text("a", 1), Entry::new("escalation", "b", None, false, Some(2))]),
            Digest::of([text("a", 1), file(1)]),
            Digest::of([text("a", 1), file(2)]),
            Digest::of([]),
        ];
        for (at, other) in others.iter().enumerate() {
            assert_ne!(*other, one);
            assert!(others[..at].iter().all(|earlier| earlier != other), "{at}");
        }
    }
}

//! A digest of one direction of a call's transcript, which both ends can compare.
//!
//! The content of each message counts, and its time by the sender's clock. The order does not
//! count: where a stream was opened anew, messages may have arrived in another order. Ids do not
//! count: they change when a message moves to another stream.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256 as Hasher};

use crate::ids::Sha256;

/// Prefixes of the hash of an entry and of the hash of all entries. Another format has others.
const ENTRY: &[u8] = b"p2p entry 1";
const WHOLE: &[u8] = b"p2p transcript 1";

/// The hash of one message of a transcript.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry([u8; 32]);

/// The fields of a message that a transcript compares. Both sources of entries, the store and an
/// exported transcript, take a message apart field by field, so that a new field of a message must
/// be decided on.
#[derive(Debug, Clone, Copy)]
pub struct EntryFields<'a> {
    /// The kind, see [`Content::kind`](crate::record::Content::kind).
    pub kind: &'a str,
    /// The text as it is shown.
    pub shown: &'a str,
    /// The hash of the file that the message announces.
    pub file: Option<Sha256>,
    /// A human wrote the message.
    pub by_human: bool,
    /// The time in seconds by the sender's clock. An opening message has no time: each repetition
    /// of the ring has its own.
    pub sent: Option<u64>,
}

impl Entry {
    /// Returns the entry of a message.
    #[must_use]
    pub fn of(fields: EntryFields<'_>) -> Self {
        let EntryFields { kind, shown, file, by_human, sent } = fields;
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

/// The digest of all messages in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// Number of messages.
    pub count: u64,
    /// SHA-256 over the sorted entries.
    pub sha256: Sha256,
}

impl Digest {
    /// Returns the digest of messages in any order.
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

/// The digests that the two ends of an ended call sent each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digests {
    /// The peer was sent our digest of what we said.
    pub said_sent: bool,
    /// The peer was sent our digest of what the peer said.
    pub heard_sent: bool,
    /// The peer's digest of what we said.
    pub said: Option<Digest>,
    /// The peer's digest of what the peer said.
    pub heard: Option<Digest>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(shown: &str, sent: u64) -> EntryFields<'_> {
        EntryFields { kind: "text", shown, file: None, by_human: false, sent: Some(sent) }
    }

    fn text(text: &str, sent: u64) -> Entry {
        Entry::of(fields(text, sent))
    }

    #[test]
    fn every_field_changes_the_digest_and_the_order_does_not() {
        let one = Digest::of([text("a", 1), text("b", 2)]);
        assert_eq!(one, Digest::of([text("b", 2), text("a", 1)]));
        assert_eq!(one.count, 2);
        let file = |byte| {
            Entry::of(EntryFields {
                kind: "file",
                file: Some(Sha256([byte; 32])),
                ..fields("b", 2)
            })
        };
        let others = [
            Digest::of([text("a", 1)]),
            Digest::of([text("a", 1), text("b", 2), text("b", 2)]),
            Digest::of([text("a", 1), text("b", 3)]),
            Digest::of([text("a", 1), text("c", 2)]),
            Digest::of([text("a", 1), Entry::of(EntryFields { by_human: true, ..fields("b", 2) })]),
            Digest::of([text("a", 1), Entry::of(EntryFields { sent: None, ..fields("b", 2) })]),
            Digest::of([
                text("a", 1),
                Entry::of(EntryFields { kind: "escalation", ..fields("b", 2) }),
            ]),
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

//! Rumors: unsigned Nostr events (NIP-59), and the check that a rumor is genuine.

use core::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ids::{PublicKey, RumorId};

/// Unsigned event. It travels inside a seal, whose signature authenticates it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rumor {
    /// Key of the author.
    pub pubkey: PublicKey,
    /// Time of writing by the author's clock, in seconds.
    pub created_at: u64,
    /// Event kind.
    pub kind: u16,
    /// NIP-01 tags.
    pub tags: Vec<Vec<String>>,
    /// Content.
    pub content: String,
}

impl Rumor {
    /// Returns the id by NIP-01: SHA-256 over the canonical serialization.
    #[must_use]
    pub fn id(&self) -> RumorId {
        let fields = (0, self.pubkey, self.created_at, self.kind, &self.tags, &self.content);
        // Strings and numbers always serialize.
        RumorId(Sha256::digest(serde_json::to_string(&fields).unwrap_or_default()).into())
    }

    /// Returns the second element of the first tag with this name.
    #[must_use]
    pub fn tag(&self, name: &str) -> Option<&str> {
        let tag = self.tags.iter().find(|tag| tag.first().is_some_and(|first| first == name))?;
        tag.get(1).map(String::as_str)
    }

    /// Returns the values after the name of every tag with this name.
    pub fn tags_named(&self, name: &'static str) -> impl Iterator<Item = &[String]> {
        self.tags
            .iter()
            .filter(move |tag| tag.first().is_some_and(|first| first == name))
            .map(|tag| &tag[1..])
    }
}

/// Hides the text of a message from logs.
impl fmt::Debug for Rumor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rumor")
            .field("pubkey", &self.pubkey)
            .field("created_at", &self.created_at)
            .field("kind", &self.kind)
            .field("tags", &self.tags.len())
            .field("content", &format_args!("{} bytes", self.content.len()))
            .finish()
    }
}

/// Reasons for which a rumor is not genuine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Forgery {
    /// The author of the seal and the author of the rumor differ, against NIP-59.
    #[error("the seal is by another key than the rumor")]
    Author,
    /// The claimed id is not the hash of the rumor.
    #[error("the rumor's id is not its hash")]
    Id,
}

/// Rumor whose author and id were checked. The core accepts no other rumor from a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    rumor: Rumor,
    id: RumorId,
}

impl Verified {
    /// Takes a rumor out of a seal.
    ///
    /// `seal_author` must come from a seal of kind 13 whose id and signature the caller has
    /// verified; `claimed` is the id that the rumor came with, which NIP-59 lets it leave out.
    ///
    /// # Errors
    /// [`Forgery`], when author or id do not hold.
    pub fn from_seal(
        seal_author: PublicKey,
        claimed: Option<RumorId>,
        rumor: Rumor,
    ) -> Result<Self, Forgery> {
        if rumor.pubkey != seal_author {
            return Err(Forgery::Author);
        }
        let id = rumor.id();
        if claimed.is_some_and(|claimed| claimed != id) {
            return Err(Forgery::Id);
        }
        Ok(Self { rumor, id })
    }

    /// Returns the rumor.
    #[must_use]
    pub fn rumor(&self) -> &Rumor {
        &self.rumor
    }

    /// Returns the rumor's id.
    #[must_use]
    pub fn id(&self) -> RumorId {
        self.id
    }

    /// Returns the rumor's author.
    #[must_use]
    pub fn author(&self) -> PublicKey {
        self.rumor.pubkey
    }
}

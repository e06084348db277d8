//! Queries about peers. Names are sealed, so they are compared here and not by SQLite.

use p2p_core::PublicKey;
use p2p_core::record::Peer;

use crate::error::StoreError;
use crate::reader::Reader;
use crate::tables::peers::{self, PEERS};

type Result<T> = std::result::Result<T, StoreError>;

impl Reader {
    /// Returns a peer, if the store knows the key.
    ///
    /// # Errors
    /// [`StoreError`]: SQLite fails, or a row was tampered with.
    pub fn peer(&self, key: PublicKey) -> Result<Option<Peer>> {
        let view = self.view()?;
        let sql = "SELECT * FROM peers WHERE key = ?1";
        view.db().first(&PEERS, sql, [key.to_string()], peers::read)
    }

    /// Returns every peer, by key.
    ///
    /// # Errors
    /// See [`Self::peer`].
    pub fn peers(&self) -> Result<Vec<Peer>> {
        let view = self.view()?;
        view.db().all(&PEERS, "SELECT * FROM peers ORDER BY key", [], peers::read)
    }

    /// Returns the contact with this pet name, ignoring case. Claimed names do not count.
    ///
    /// # Errors
    /// See [`Self::peer`].
    pub fn peer_by_name(&self, name: &str) -> Result<Option<Peer>> {
        let wanted = name.to_lowercase();
        let named =
            |peer: &Peer| peer.name.as_deref().is_some_and(|name| name.to_lowercase() == wanted);
        Ok(self.peers()?.into_iter().find(named))
    }

    /// Returns the peers whose key begins like this, as hex or as npub. An empty prefix fits no
    /// peer.
    ///
    /// # Errors
    /// See [`Self::peer`].
    pub fn peers_with_prefix(&self, prefix: &str) -> Result<Vec<Peer>> {
        let prefix = prefix.to_lowercase();
        if prefix.is_empty() {
            return Ok(Vec::new());
        }
        let begins = |peer: &Peer| {
            peer.key.to_string().starts_with(&prefix) || peer.key.npub().starts_with(&prefix)
        };
        Ok(self.peers()?.into_iter().filter(begins).collect())
    }
}

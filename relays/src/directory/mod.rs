//! Finding others and being found: presence, profiles, and the relays where a peer receives.

pub(crate) mod dispatch;
pub(crate) mod lookup;
pub(crate) mod presence;
pub(crate) mod profile;

/// The kind of the list of relays where a key receives (NIP-17).
pub(crate) const INBOX_RELAYS: u16 = 10050;

//! Which relays there are, and what each is for.

use core::fmt;
use std::collections::BTreeMap;

use nostr::RelayUrl;
use p2p_core::{InstanceId, Time};

/// What the relays module needs to know to start.
#[derive(Clone)]
pub struct Settings {
    /// The secret key of our identity.
    pub secret: [u8; 32],
    /// Our relays; an address that appears twice has the roles of both.
    pub relays: Vec<RelaySpec>,
    /// This run of this daemon: it names our subscriptions.
    pub instance: InstanceId,
    /// Until when everything that a relay kept for us is durable, as an earlier run noted it.
    pub caught_up: BTreeMap<String, Time>,
}

/// The key is not shown.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("relays", &self.relays)
            .field("instance", &self.instance)
            .finish_non_exhaustive()
    }
}

/// One relay of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelaySpec {
    /// `wss://…`, or `ws://…` for a relay on this machine.
    pub url: String,
    /// What it is for.
    pub roles: Roles,
}

/// What a relay is for. None of them: a relay that only a peer uses, where we only publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Roles {
    /// We announce ourselves there, and ask there who else is up.
    pub presence: bool,
    /// We receive there; our kind 10050 names it.
    pub inbox: bool,
    /// Profiles and relay lists are published and looked up there.
    pub index: bool,
}

impl Roles {
    /// Presence and inbox: what a relay is for of which nothing else is said.
    #[must_use]
    pub const fn both() -> Self {
        Self { presence: true, inbox: true, index: false }
    }

    /// The roles as words; a relay that only a peer uses is a `peer`.
    #[must_use]
    pub fn words(self) -> Vec<&'static str> {
        let roles = [(self.presence, "presence"), (self.inbox, "inbox"), (self.index, "index")];
        let words: Vec<_> = roles.into_iter().filter(|(has, _)| *has).map(|(_, w)| w).collect();
        if words.is_empty() { vec!["peer"] } else { words }
    }

    /// Whether it is one of ours.
    pub(super) fn is_ours(self) -> bool {
        self != Self::default()
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self {
            presence: self.presence || other.presence,
            inbox: self.inbox || other.inbox,
            index: self.index || other.index,
        }
    }
}

/// The one spelling of a relay's address: lower-case scheme and host, no default port, no slash
/// at the end.
///
/// # Errors
/// Why it is no relay's address.
pub(super) fn normalized(url: &str) -> Result<String, String> {
    let parsed = RelayUrl::parse(url.trim()).map_err(|error| error.to_string())?;
    if parsed.host().is_none() {
        return Err("no host".to_owned());
    }
    Ok(parsed.as_str_without_trailing_slash().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_spelling() {
        for (given, want) in [
            ("WSS://Relay.Example.COM/", "wss://relay.example.com"),
            ("wss://relay.example.com:443", "wss://relay.example.com"),
            ("ws://127.0.0.1:7777//", "ws://127.0.0.1:7777"),
            (" wss://relay.example.com/inbox/ ", "wss://relay.example.com/inbox"),
        ] {
            assert_eq!(normalized(given).as_deref(), Ok(want), "{given}");
        }
        for bad in ["", "https://relay.example.com", "relay.example.com", "wss://"] {
            assert!(normalized(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_secret_is_not_shown() {
        let settings = Settings {
            secret: [171; 32],
            relays: vec![],
            instance: InstanceId([1; 8]),
            caught_up: BTreeMap::new(),
        };
        let shown = format!("{settings:?}");
        assert!(!shown.contains("171") && !shown.contains("ab"), "{shown}");
    }
}

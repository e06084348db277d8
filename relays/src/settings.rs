//! Settings: our key, our relays and their roles.

use core::fmt;
use std::collections::BTreeMap;

use nostr::RelayUrl;
use p2p_core::{InstanceId, Time};

/// The settings of a run.
#[derive(Clone)]
pub struct RelaySettings {
    /// The secret key of our identity.
    pub secret: [u8; 32],
    /// Our relays; an address that appears twice has the roles of both entries.
    pub relays: Vec<RelaySpec>,
    /// The run of this daemon, which names our subscriptions.
    pub instance: InstanceId,
    /// The times up to which the stored messages of relays are durable, as an earlier run noted them.
    pub caught_up: BTreeMap<String, Time>,
}

/// The key is not shown.
impl fmt::Debug for RelaySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RelaySettings")
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
    /// Our uses of it.
    pub roles: Roles,
}

/// Our uses of a relay. A relay without a role is one that only a peer uses, where we only publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Roles {
    /// We announce ourselves there, and look there for other agents.
    pub presence: bool,
    /// We receive there; our kind 10050 names it.
    pub inbox: bool,
    /// Profiles and relay lists are published and looked up there.
    pub index: bool,
}

impl Roles {
    /// Returns the roles of a relay whose entry names none: presence and inbox.
    #[must_use]
    pub const fn both() -> Self {
        Self { presence: true, inbox: true, index: false }
    }

    /// Returns the names of the roles; a relay that only a peer uses is a `peer`.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        let roles = [(self.presence, "presence"), (self.inbox, "inbox"), (self.index, "index")];
        let names: Vec<_> =
            roles.into_iter().filter(|(has, _)| *has).map(|(_, name)| name).collect();
        if names.is_empty() { vec!["peer"] } else { names }
    }

    /// Returns whether the relay is one of ours.
    pub(crate) fn is_ours(self) -> bool {
        self != Self::default()
    }

    /// Returns the roles of both.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            presence: self.presence || other.presence,
            inbox: self.inbox || other.inbox,
            index: self.index || other.index,
        }
    }
}

/// Returns the normal form of a relay's address: lower-case scheme and host, no default port, no
/// slash at the end.
///
/// # Errors
/// When it is not the address of a relay.
pub(crate) fn normalized(url: &str) -> Result<String, String> {
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
    fn an_address_has_one_normal_form() {
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
        let settings = RelaySettings {
            secret: [171; 32],
            relays: vec![],
            instance: InstanceId([1; 8]),
            caught_up: BTreeMap::new(),
        };
        let shown = format!("{settings:?}");
        assert!(!shown.contains("171") && !shown.contains("ab"), "{shown}");
    }
}

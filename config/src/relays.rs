//! The relays that a file names, and the list that is built into the program.

use serde::Deserialize;

/// The default relays: `relays.toml` at the root of the repository.
const DEFAULTS: &str = include_str!("../../relays.toml");

/// One relay of ours, as a file names it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelayEntry {
    /// `wss://…`, or `ws://…` for a relay on this machine.
    pub url: String,
    /// Purposes of the relay; at least one.
    #[serde(deserialize_with = "some_roles")]
    pub roles: Vec<RelayRole>,
}

/// A purpose of a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RelayRole {
    /// We announce ourselves there, and ask there which agents are online.
    Presence,
    /// We receive there; our kind 10050 names it.
    Inbox,
    /// Profiles and relay lists are published and looked up there.
    Index,
}

fn some_roles<'de, D: serde::Deserializer<'de>>(list: D) -> Result<Vec<RelayRole>, D::Error> {
    let roles = Vec::<RelayRole>::deserialize(list)?;
    if roles.is_empty() {
        return Err(serde::de::Error::custom("a relay needs a role: presence, inbox or index"));
    }
    Ok(roles)
}

/// Reads a list of relays in the format of `relays.toml`.
///
/// # Errors
/// The first mistake with its line; unknown keys and roles are mistakes.
pub fn parse(text: &str) -> Result<Vec<RelayEntry>, toml::de::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct List {
        #[serde(default)]
        relay: Vec<RelayEntry>,
    }
    toml::from_str::<List>(text).map(|list| list.relay)
}

/// Returns the relays of `relays.toml`, as built in.
#[must_use]
pub fn defaults() -> Vec<RelayEntry> {
    // A test reads the built-in file, so an error never reaches a user.
    parse(DEFAULTS).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_list_is_valid_and_covers_every_role() {
        let relays = parse(DEFAULTS).unwrap();
        assert_eq!(relays, defaults());
        let with = |role| relays.iter().filter(|relay| relay.roles.contains(&role)).count();
        assert!(with(RelayRole::Presence) >= 2);
        assert!((2..=3).contains(&with(RelayRole::Inbox)), "NIP-17 wants one to three");
        assert!(with(RelayRole::Index) >= 1);
        assert!(relays.iter().all(|relay| relay.url.starts_with("wss://")));
    }

    #[test]
    fn mistakes_are_named() {
        let mistake = |text: &str| parse(text).unwrap_err().to_string();
        assert!(mistake("[[relay]]\nurl='wss://a'\nroles=['inbocks']").contains("`inbocks`"));
        assert!(mistake("[[relay]]\nurl='wss://a'\nroles=[]").contains("needs a role"));
        assert!(mistake("[[relay]]\nurl='wss://a'\nroles=['inbox']\nread=1").contains("read"));
    }
}

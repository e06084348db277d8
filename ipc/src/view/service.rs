//! The daemon and its surroundings: identity, relays, notifiers, paths.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// This agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityView {
    /// The announced name.
    pub name: String,
    /// NIP-19 public key.
    pub npub: String,
    /// The same key as 64 hex digits.
    pub hex: String,
    /// The announced description.
    pub about: Option<String>,
    /// The announced capabilities.
    pub capabilities: Vec<String>,
    /// The path of the secret key.
    pub path: String,
    /// `public` or `off`.
    pub presence: String,
    /// True if this run of the daemon created the identity.
    pub created: bool,
}

/// The running service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaemonView {
    /// The package version.
    pub version: String,
    /// The process id.
    pub pid: u32,
    /// Time at which the daemon started.
    pub started_ms: u64,
    /// `autostarted` (a process of its own), `transient` (by `systemd-run`), `service` (a unit of
    /// systemd) or `foreground`.
    pub start_mode: String,
    /// Random per start; carried in presence, so that two daemons with one key notice each other.
    pub instance: String,
    /// The daemon's files.
    pub paths: PathsView,
}

/// The daemon's files and folders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathsView {
    /// The configuration file (it need not exist).
    pub config: String,
    /// The database.
    pub store: String,
    /// The folder of received files.
    pub downloads: String,
    /// The log.
    pub log: String,
    /// The socket.
    pub socket: String,
}

/// A relay and the state of its connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelayView {
    /// The relay's address.
    pub url: String,
    /// `presence`, `inbox`, `index`, or `peer` for a relay that only a peer uses.
    pub roles: Vec<String>,
    /// True if a connection is up now.
    pub connected: bool,
    /// `connected`, `not listening`, `connecting`, `waiting to retry`, …
    pub state: String,
    /// The reason why the relay is not connected, or its last refusal.
    pub cause: Option<String>,
    /// Time at which the relay entered this state.
    pub since_ms: u64,
    /// True if the relay serves our inbox subscription now.
    pub listening: bool,
    /// Round trip in milliseconds, measured by `status --probe`.
    pub rtt_ms: Option<u64>,
    /// The reason why the relay refused the last event that was written to it.
    pub refusal: Option<String>,
    /// Time at which the relay began to refuse all events.
    pub refusing_since_ms: Option<u64>,
    /// Events a minute that are written to the relay, if it has shown a limit.
    pub writes_per_minute: Option<u32>,
    /// The requirements that the relay publishes, as short texts.
    pub requirements: Vec<String>,
    /// Time of the next attempt to connect, during a pause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_ms: Option<u64>,
    /// Events of the relay that were dropped since the start, by reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub dropped: BTreeMap<String, u64>,
}

/// One relay's answer to a query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelayAnswerView {
    /// The relay's address.
    pub url: String,
    /// True if the relay answered in time.
    pub answered: bool,
    /// The reason why the relay did not answer.
    pub cause: Option<String>,
}

/// A way to notify the owner, or to wake the agent, besides the inbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotifierView {
    /// `dm`, `command`, `webhook`, `openclaw` or `desktop`.
    pub name: String,
    /// `ok`, `failing` or `unusable`.
    pub state: String,
    /// Number of notifications that were not taken: they are tried again, or were given up and
    /// are not read yet.
    pub undelivered: u32,
    /// The reason for a failure, or a defect that does not keep the notifier from working.
    pub cause: Option<String>,
    /// Time at which the notifier began to fail.
    pub since_ms: Option<u64>,
}

//! `hello`, `status`, `list`, `stop`: the connection, the daemon, the agents online.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::view::{
    AgentView, CallView, DaemonView, IdentityView, NotifierView, PendingView, QuestionView,
    RelayAnswerView, RelayView,
};

/// Settles the version, and compares settings: the first request of every connection.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HelloParams {
    /// Protocol versions that the client speaks.
    pub versions: Vec<u32>,
    /// Name and version of the client, for the log.
    pub client: String,
    /// The client's `P2P_*` variables that configure a daemon. A variable that differs from the
    /// running daemon's is the error `env_differs`.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

/// The answer to [`HelloParams`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HelloResult {
    /// The version that both sides use from now on.
    pub version: u32,
    /// The daemon's package version.
    pub daemon: String,
}

/// Requests everything that `p2p` and `p2p status` show.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct StatusParams {
    /// Measure a round trip to each relay first.
    #[serde(default)]
    pub probe: bool,
    /// The reader whose unread items to count; the agent's own when left out.
    pub reader: Option<String>,
}

/// The answer to [`StatusParams`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StatusResult {
    /// This agent.
    pub identity: IdentityView,
    /// The service.
    pub daemon: DaemonView,
    /// Each relay.
    pub relays: Vec<RelayView>,
    /// Seconds that the relays' clocks are ahead of this machine's; absent when they agree.
    pub clock_ahead_s: Option<i64>,
    /// Calls that have not ended, and ended ones with unread items.
    pub calls: Vec<CallView>,
    /// Questions that wait for the owner.
    pub questions: Vec<QuestionView>,
    /// Unread direct messages.
    pub unread_dms: u32,
    /// Counts of what waits.
    pub pending: PendingView,
    /// The number of the event log's last entry. This answer already includes that entry.
    #[serde(default)]
    pub seq: u64,
    /// The configured notifiers and their state.
    #[serde(default)]
    pub notifiers: Vec<NotifierView>,
    /// Since when this daemon has been yielding to another daemon with the same key.
    #[serde(default)]
    pub duplicate_since_ms: Option<u64>,
    /// The npubs of the humans who own this agent.
    #[serde(default)]
    pub owners: Vec<String>,
}

/// Asks the relays for agents that are online.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ListParams {
    /// Only agents that announce this capability.
    pub capability: Option<String>,
    /// Maximum number of agents.
    pub limit: u32,
    /// Maximum wait for relays, in milliseconds.
    pub wait_ms: u64,
}

/// The answer to [`ListParams`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ListResult {
    /// Agents that are online, newest announcement first; never this agent itself.
    pub agents: Vec<AgentView>,
    /// Number of agents beyond the limit.
    pub remaining: u32,
    /// The relays' answers.
    pub relays: Vec<RelayAnswerView>,
}

/// Stops the daemon.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct StopParams {}

/// An empty answer.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Done {}

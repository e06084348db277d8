//! The status of each relay: its task writes it, anyone reads it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use p2p_core::Time;

use crate::drops::DropCounts;
use crate::nip11::RelayLimits;
use crate::settings::Roles;

/// The state of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelayState {
    /// An attempt to connect is being made.
    Connecting,
    /// The connection stands.
    Connected,
    /// The connection stands, but the relay does not serve our inbox subscription.
    NotListening,
    /// The last attempt failed; another one follows.
    WaitingToRetry,
    /// The relay refused the connection; another attempt follows.
    Refused,
    /// The relays were shut down.
    Closed,
}

impl RelayState {
    /// Returns the name that status shows.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::NotListening => "not listening",
            Self::WaitingToRetry => "waiting to retry",
            Self::Refused => "refused",
            Self::Closed => "closed",
        }
    }
}

/// The status of one relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayStatus {
    /// The address.
    pub url: String,
    /// Our uses of the relay.
    pub roles: Roles,
    /// True while the connection stands.
    pub connected: bool,
    /// The state of the connection.
    pub state: RelayState,
    /// The last failure of the connection, or the reason why the relay does not serve our
    /// subscription. Kept during another attempt, cleared when it succeeds.
    pub cause: Option<String>,
    /// The time since when the relay is connected, not listening, or not connected.
    pub since: Time,
    /// The time of the next attempt to connect, while there is a pause. A use of the daemon hastens
    /// it.
    pub next_attempt: Option<Time>,
    /// True while our inbox subscription is live.
    pub listening: bool,
    /// The last measured round trip, in milliseconds.
    pub rtt_ms: Option<u64>,
    /// The reason why the relay did not take the last event; cleared when it takes one.
    pub refusal: Option<String>,
    /// The time since when the relay takes no events.
    pub refusing_since: Option<Time>,
    /// Events a minute that are written, where the relay showed that it has a limit.
    pub pace: Option<u32>,
    /// The limits that the relay names (NIP-11).
    pub limits: RelayLimits,
    /// Inbound events of this relay that were dropped, by reason.
    pub drops: DropCounts,
}

/// The writer of one relay's status.
#[derive(Debug, Clone)]
pub(crate) struct Status {
    line: Arc<Mutex<RelayStatus>>,
    now: fn() -> Time,
}

impl Status {
    /// Returns the status of a relay that is being connected to.
    pub fn new(url: &str, roles: Roles, now: fn() -> Time) -> Self {
        let line = RelayStatus {
            url: url.to_owned(),
            roles,
            connected: false,
            state: RelayState::Connecting,
            cause: None,
            since: now(),
            next_attempt: None,
            listening: false,
            rtt_ms: None,
            refusal: None,
            refusing_since: None,
            pace: None,
            limits: RelayLimits::default(),
            drops: DropCounts::new(),
        };
        Self { line: Arc::new(Mutex::new(line)), now }
    }

    /// Returns a copy. The drops are counted elsewhere.
    pub fn read(&self) -> RelayStatus {
        self.line().clone()
    }

    /// Notes that an attempt to connect begins.
    pub fn connecting(&self) {
        let mut line = self.line();
        line.state = RelayState::Connecting;
        line.next_attempt = None;
    }

    /// Notes that the connection stands.
    pub fn connected(&self) {
        let now = (self.now)();
        let mut line = self.line();
        line.state = RelayState::Connected;
        line.connected = true;
        line.cause = None;
        line.since = now;
    }

    /// Notes that the connection was lost or did not come about, and the pause before the next one.
    pub fn lost(&self, state: RelayState, cause: String, pause: Option<Duration>) {
        let now = (self.now)();
        let mut line = self.line();
        if line.connected {
            line.since = now;
        }
        line.state = state;
        line.connected = false;
        line.listening = false;
        line.rtt_ms = None;
        line.cause = Some(cause);
        line.next_attempt = pause.map(|pause| now + pause);
    }

    /// Notes that our subscription is live.
    pub fn listening(&self) {
        let now = (self.now)();
        let mut line = self.line();
        if line.state != RelayState::Connected {
            line.since = now;
        }
        line.state = RelayState::Connected;
        line.listening = true;
        line.cause = None;
    }

    /// Notes that the relay is connected, but does not serve our subscription.
    pub fn not_listening(&self, cause: String) {
        let now = (self.now)();
        let mut line = self.line();
        if line.state != RelayState::NotListening {
            line.since = now;
        }
        line.state = RelayState::NotListening;
        line.listening = false;
        line.cause = Some(cause);
    }

    /// Notes why the relay took no event, and the pace of writes.
    pub fn writing(&self, refusal: Option<&str>, pace: Option<u32>) {
        let mut line = self.line();
        let since = refusal.map(|_| line.refusing_since.unwrap_or_else(self.now));
        line.refusing_since = since;
        line.refusal = refusal.map(str::to_owned);
        line.pace = pace;
    }

    /// Notes the relay's limits.
    pub fn limited(&self, limits: RelayLimits) {
        self.line().limits = limits;
    }

    /// Notes a round trip.
    pub fn measured(&self, rtt: Duration) {
        self.line().rtt_ms = Some(u64::try_from(rtt.as_millis()).unwrap_or(u64::MAX));
    }

    fn line(&self) -> MutexGuard<'_, RelayStatus> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;
    use crate::tests::internet::now;

    #[tokio::test(start_paused = true)]
    async fn a_cause_stays_until_the_next_success() {
        let status = Status::new("wss://r", Roles::both(), now);
        status.lost(RelayState::WaitingToRetry, "no route".into(), None);
        status.connecting();
        assert_eq!(status.read().cause.as_deref(), Some("no route"));
        status.connected();
        assert_eq!(status.read().cause, None);
        status.listening();
        status.not_listening("closed: restricted".into());
        let line = status.read();
        assert!(line.connected && !line.listening);
        assert_eq!(line.cause.as_deref(), Some("closed: restricted"));
    }

    #[tokio::test(start_paused = true)]
    async fn since_is_when_the_connection_was_lost_not_when_it_was_last_tried() {
        let status = Status::new("wss://r", Roles::both(), now);
        status.connected();
        let pause = Duration::from_secs(7);
        status.lost(RelayState::WaitingToRetry, "gone".into(), Some(pause));
        let since = status.read().since;
        assert_eq!(status.read().next_attempt, Some(since + pause));
        advance(pause).await;
        status.connecting();
        assert_eq!(status.read().next_attempt, None);
        status.lost(RelayState::WaitingToRetry, "connection refused".into(), Some(pause));
        assert_eq!(status.read().since, since);
    }
}

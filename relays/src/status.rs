//! How each relay is doing: a small table that the connections write and anybody reads.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use p2p_core::Time;

use super::about::Limits;
use super::settings::Roles;

/// How one relay is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayState {
    /// Its address.
    pub url: String,
    /// What it is for.
    pub roles: Roles,
    /// Whether the connection stands.
    pub connected: bool,
    /// One of `connecting`, `connected`, `not listening` (it is connected, and does not let us
    /// hear what is for us), `waiting to retry`, `refused` (the relay answered the connection with
    /// no), `closed`.
    pub state: &'static str,
    /// Why it is not as it should be: the last failure of the connection, or why the relay does
    /// not let us listen. Kept while another attempt is made, gone when it succeeded.
    pub cause: Option<String>,
    /// Since when it is connected, or not listening, or since when it is not connected.
    pub since: Time,
    /// Whether our inbox subscription is live there.
    pub listening: bool,
    /// The last measured round trip, in milliseconds.
    pub rtt_ms: Option<u64>,
    /// Why it did not take the last event that we wrote; nothing once it takes one.
    pub refusal: Option<String>,
    /// Since when it takes none.
    pub refusing_since: Option<Time>,
    /// Events a minute that are written to it, where it showed that there is a limit.
    pub pace: Option<u32>,
    /// The limits that it names (NIP-11).
    pub limits: Limits,
}

/// A connection's own line in the table.
#[derive(Debug, Clone)]
pub(super) struct Status {
    line: Arc<Mutex<RelayState>>,
    now: fn() -> Time,
}

impl Status {
    pub fn new(url: &str, roles: Roles, now: fn() -> Time) -> Self {
        let line = Arc::new(Mutex::new(RelayState {
            url: url.to_owned(),
            roles,
            connected: false,
            state: "connecting",
            cause: None,
            since: now(),
            listening: false,
            rtt_ms: None,
            refusal: None,
            refusing_since: None,
            pace: None,
            limits: Limits::default(),
        }));
        Self { line, now }
    }

    pub fn read(&self) -> RelayState {
        self.line().clone()
    }

    pub fn connecting(&self) {
        self.line().state = "connecting";
    }

    pub fn connected(&self) {
        let mut line = self.line();
        line.state = "connected";
        line.connected = true;
        line.cause = None;
        line.since = (self.now)();
    }

    /// The connection is gone, or did not come about.
    pub fn lost(&self, state: &'static str, cause: String) {
        let mut line = self.line();
        if line.connected {
            line.since = (self.now)();
        }
        line.state = state;
        line.connected = false;
        line.listening = false;
        line.rtt_ms = None;
        line.cause = Some(cause);
    }

    pub fn listening(&self) {
        let mut line = self.line();
        if line.state != "connected" {
            line.since = (self.now)();
        }
        line.state = "connected";
        line.listening = true;
        line.cause = None;
    }

    /// Connected, but the relay does not let us listen.
    pub fn deaf(&self, cause: String) {
        let mut line = self.line();
        if line.state != "not listening" {
            line.since = (self.now)();
        }
        line.state = "not listening";
        line.listening = false;
        line.cause = Some(cause);
    }

    /// What there is to say about writing.
    pub fn writing(&self, refusal: Option<&str>, pace: Option<u32>) {
        let mut line = self.line();
        let since = refusal.map(|_| line.refusing_since.unwrap_or_else(self.now));
        line.refusing_since = since;
        line.refusal = refusal.map(str::to_owned);
        line.pace = pace;
    }

    pub fn limited(&self, limits: Limits) {
        self.line().limits = limits;
    }

    pub fn measured(&self, rtt: Duration) {
        self.line().rtt_ms = Some(u64::try_from(rtt.as_millis()).unwrap_or(u64::MAX));
    }

    fn line(&self) -> MutexGuard<'_, RelayState> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Text that a relay sent, fit to be shown: no control or bidi characters, and short.
pub(super) fn tidy(text: &str) -> String {
    let is_sneaky = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
            || matches!(c, '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().filter(|c| !is_sneaky(*c)).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monotonic::now;

    #[test]
    fn a_cause_stays_until_the_next_success() {
        let status = Status::new("wss://r", Roles::both(), now);
        status.lost("waiting to retry", "no route".into());
        status.connecting();
        assert_eq!(status.read().cause.as_deref(), Some("no route"));
        status.connected();
        assert_eq!(status.read().cause, None);
        status.listening();
        status.deaf("closed: restricted".into());
        let line = status.read();
        assert!(line.connected && !line.listening);
        assert_eq!(line.cause.as_deref(), Some("closed: restricted"));
    }

    #[test]
    fn since_is_when_the_connection_went_not_when_it_was_last_tried() {
        let status = Status::new("wss://r", Roles::both(), now);
        status.connected();
        status.lost("waiting to retry", "gone".into());
        let since = status.read().since;
        while now() == since {
            std::thread::yield_now();
        }
        status.connecting();
        status.lost("waiting to retry", "connection refused".into());
        assert_eq!(status.read().since, since);
    }

    #[test]
    fn a_relays_words_are_tidied() {
        assert_eq!(tidy("a\u{1b}[31m\u{202e}b\nc"), "a[31mbc");
        assert_eq!(tidy(&"é".repeat(1000)).chars().count(), 200);
    }
}

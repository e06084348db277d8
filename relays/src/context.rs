//! The parts that every task of this crate shares. Each guards its own state.

use std::sync::Arc;
use std::time::Duration;

use nostr::Keys;
use p2p_core::Time;
use tokio::sync::mpsc;

use crate::clock::RelayClock;
use crate::drops::Drops;
use crate::event::RelayEvent;
use crate::identity::Identity;
use crate::inbox::admission::SeenWraps;
use crate::inbox::intake::Intake;
use crate::platform::Platform;
use crate::publish::withdrawal::WithdrawalGate;
use crate::settings::RelaySpec;

/// The shared parts.
#[derive(Debug)]
pub(crate) struct Context {
    pub platform: Platform,
    pub identity: Identity,
    /// The id of our inbox subscription: the same at every relay and every time.
    pub subscription_id: String,
    /// Our relays, with normalized addresses.
    pub own: Vec<RelaySpec>,
    pub clock: RelayClock,
    pub seen: SeenWraps,
    pub drops: Drops,
    pub intake: Intake,
    pub gate: Arc<WithdrawalGate>,
    /// Reports of messages and connections. The channel is not bounded, and does not grow: the engine
    /// asked for each message that is reported.
    pub events: mpsc::UnboundedSender<RelayEvent>,
}

impl Context {
    /// Returns the parts of a run.
    pub fn new(
        platform: Platform,
        keys: Keys,
        subscription_id: String,
        own: Vec<RelaySpec>,
        (intake, events): (Intake, mpsc::UnboundedSender<RelayEvent>),
    ) -> Self {
        Self {
            clock: RelayClock::new(platform.now),
            platform,
            identity: Identity::new(keys),
            subscription_id,
            own,
            seen: SeenWraps::default(),
            drops: Drops::default(),
            intake,
            gate: Arc::default(),
            events,
        }
    }

    /// Returns the time, corrected by the relays' clocks.
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    /// Returns whether a relay is one of ours.
    pub fn is_own(&self, url: &str) -> bool {
        self.own.iter().any(|spec| spec.url == url)
    }

    /// Notes the time that one of our relays has. Relays that only peers use are not asked.
    pub fn note_time(&self, url: &str, date: &str, took: Duration) {
        if self.is_own(url) && self.clock.note(url, date, took) {
            let ahead = self.clock.offset();
            tracing::warn!(seconds = ahead / 1000, "relays say that this machine's clock is wrong");
            self.report(RelayEvent::Clock { ahead });
        }
    }

    /// Sends a report, unless the receiver is gone.
    pub fn report(&self, event: RelayEvent) {
        let _ = self.events.send(event);
    }
}

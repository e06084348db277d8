//! The delivery of one message to all the relays of its receiver.

use core::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use p2p_core::{PublicKey, RumorId};
use tokio::sync::mpsc::UnboundedSender;

use crate::event::RelayEvent;
use crate::publish::withdrawal::WithdrawalGate;

/// One message for one receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutgoingId {
    pub rumor: RumorId,
    pub to: PublicKey,
}

/// The channels that learn of a delivery.
#[derive(Debug, Clone)]
pub(crate) struct Observers {
    pub events: UnboundedSender<RelayEvent>,
    /// Told of a receiver for whom no relay took a message.
    pub stale: UnboundedSender<PublicKey>,
}

/// The delivery. Each relay settles its part once, and each part is reported.
pub(crate) struct Delivery {
    id: OutgoingId,
    outcome: Mutex<Outcomes>,
    observers: Observers,
    gate: Arc<WithdrawalGate>,
}

#[derive(Debug, Default)]
struct Outcomes {
    accepted: Vec<String>,
    refused: Vec<(String, String)>,
    waiting: usize,
    /// The number of relays that will never take the message.
    undeliverable: usize,
}

impl Delivery {
    /// Returns the delivery of a message to `relays` relays.
    pub fn new(
        id: OutgoingId,
        relays: usize,
        observers: Observers,
        gate: Arc<WithdrawalGate>,
    ) -> Self {
        let outcome = Mutex::new(Outcomes { waiting: relays, ..Outcomes::default() });
        Self { id, outcome, observers, gate }
    }

    /// Returns whether the message may be transmitted now; see [`WithdrawalGate::pass`].
    pub fn may_leave(&self) -> bool {
        self.gate.pass(self.id.rumor)
    }

    /// Returns the message and its receiver.
    pub fn id(&self) -> OutgoingId {
        self.id
    }

    /// Notes and reports the outcome at one relay.
    pub fn settle(&self, url: &str, result: Result<(), String>) {
        let OutgoingId { rumor, to } = self.id;
        let mut outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(()) => outcome.accepted.push(url.to_owned()),
            Err(cause) => outcome.refused.push((url.to_owned(), cause)),
        }
        outcome.waiting = outcome.waiting.saturating_sub(1);
        let has_failed = outcome.waiting == 0 && outcome.accepted.is_empty();
        if has_failed {
            let _ = self.observers.stale.send(to);
        }
        // Sent under the lock, so that reports come in the order in which relays settle.
        let _ = self.observers.events.send(RelayEvent::Report {
            rumor,
            to,
            accepted: outcome.accepted.clone(),
            refused: outcome.refused.clone(),
            waiting: outcome.waiting,
        });
        if has_failed && outcome.undeliverable == outcome.refused.len() {
            let cause = outcome.refused.first().map(|(url, why)| format!("{url}: {why}"));
            let cause = cause.unwrap_or_default();
            let _ = self.observers.events.send(RelayEvent::Undeliverable { rumor, to, cause });
        }
    }

    /// Notes and reports that a relay will never take the message.
    pub fn undeliverable(&self, url: &str, cause: String) {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner).undeliverable += 1;
        self.settle(url, Err(cause));
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery").field("rumor", &self.id.rumor).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    const ID: OutgoingId = OutgoingId { rumor: RumorId([1; 32]), to: PublicKey([2; 32]) };

    fn delivery(relays: usize, observers: &Observers) -> Delivery {
        Delivery::new(ID, relays, observers.clone(), Arc::default())
    }

    #[test]
    fn reports_are_cumulative_and_a_total_failure_is_noticed() {
        let (events, mut reports) = mpsc::unbounded_channel();
        let (stale, mut forgotten) = mpsc::unbounded_channel();
        let observers = Observers { events, stale };
        let two = delivery(2, &observers);
        two.settle("wss://a", Err("no".into()));
        two.settle("wss://b", Ok(()));
        let Ok(RelayEvent::Report { waiting: 1, accepted, to, .. }) = reports.try_recv() else {
            panic!()
        };
        assert_eq!((accepted, to), (vec![], ID.to));
        let Ok(RelayEvent::Report { waiting: 0, accepted, refused, .. }) = reports.try_recv()
        else {
            panic!()
        };
        assert_eq!(accepted, ["wss://b"]);
        assert_eq!(refused, [("wss://a".to_owned(), "no".to_owned())]);
        assert!(forgotten.try_recv().is_err());

        delivery(1, &observers).settle("wss://a", Err("no".into()));
        assert_eq!(forgotten.try_recv(), Ok(ID.to));
    }

    #[test]
    fn a_message_that_no_relay_will_ever_take_is_reported_as_undeliverable() {
        let (events, mut reports) = mpsc::unbounded_channel();
        let observers = Observers { events, stale: mpsc::unbounded_channel().0 };
        let mut ends = |second: fn(&Delivery)| {
            let delivery = delivery(2, &observers);
            delivery.undeliverable("wss://a", "too large".into());
            second(&delivery);
            assert!(matches!(reports.try_recv(), Ok(RelayEvent::Report { waiting: 1, .. })));
            assert!(matches!(reports.try_recv(), Ok(RelayEvent::Report { waiting: 0, .. })));
            reports.try_recv().ok()
        };
        assert!(ends(|delivery| delivery.settle("wss://b", Ok(()))).is_none());
        assert!(ends(|delivery| delivery.settle("wss://b", Err("busy".into()))).is_none());
        let last = ends(|delivery| delivery.undeliverable("wss://b", "too large".into()));
        let Some(RelayEvent::Undeliverable { rumor, to, cause }) = last else { panic!("{last:?}") };
        assert_eq!((rumor, to), (ID.rumor, ID.to));
        assert_eq!(cause, "wss://a: too large");
    }
}

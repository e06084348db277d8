//! How one message fares at all the relays that it was given to.

use core::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use p2p_core::{PublicKey, RumorId};
use tokio::sync::mpsc::UnboundedSender;

use super::Heard;
use super::wire::Wire;

/// The tally of one message. Each relay settles its part once, and each part is reported.
pub(super) struct Delivery {
    rumor: RumorId,
    to: PublicKey,
    tally: Mutex<Tally>,
    heard: UnboundedSender<Heard>,
    /// Told of a receiver whom no relay took anything for.
    stale: UnboundedSender<PublicKey>,
    wire: Arc<Wire>,
}

#[derive(Debug, Default)]
struct Tally {
    accepted: Vec<String>,
    refused: Vec<(String, String)>,
    waiting: usize,
    /// Relays that will never take it, as it is.
    unfit: usize,
}

impl Delivery {
    /// A message that goes to `relays` relays.
    pub fn new(
        rumor: RumorId,
        to: PublicKey,
        relays: usize,
        heard: UnboundedSender<Heard>,
        stale: UnboundedSender<PublicKey>,
    ) -> Self {
        let tally = Mutex::new(Tally { waiting: relays, ..Tally::default() });
        Self { rumor, to, tally, heard, stale, wire: Arc::default() }
    }

    /// It passes this gate.
    pub fn by(self, wire: Arc<Wire>) -> Self {
        Self { wire, ..self }
    }

    /// Whether it may be transmitted now; see [`Wire::leaves`].
    pub fn leaves(&self) -> bool {
        self.wire.leaves(self.rumor)
    }

    /// The message.
    pub fn rumor(&self) -> RumorId {
        self.rumor
    }

    /// Notes and reports what became of it at one relay.
    pub fn settle(&self, url: &str, outcome: Result<(), String>) {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(()) => tally.accepted.push(url.to_owned()),
            Err(cause) => tally.refused.push((url.to_owned(), cause)),
        }
        tally.waiting = tally.waiting.saturating_sub(1);
        let nobody = tally.waiting == 0 && tally.accepted.is_empty();
        if nobody {
            let _ = self.stale.send(self.to);
        }
        // Sent under the lock, so that reports come in the order of what they count.
        let _ = self.heard.send(Heard::Report {
            rumor: self.rumor,
            accepted: tally.accepted.clone(),
            refused: tally.refused.clone(),
            waiting: tally.waiting,
        });
        if nobody && tally.unfit == tally.refused.len() {
            let cause = tally.refused.first().map(|(url, why)| format!("{url}: {why}"));
            let unfit = Heard::Unfit { rumor: self.rumor, cause: cause.unwrap_or_default() };
            let _ = self.heard.send(unfit);
        }
    }

    /// A relay will never take it, as it is. If none will, that is said as well.
    pub fn unfit(&self, url: &str, cause: String) {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner).unfit += 1;
        self.settle(url, Err(cause));
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery").field("rumor", &self.rumor).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    #[test]
    fn reports_are_cumulative_and_a_total_failure_is_noticed() {
        let (heard, mut reports) = mpsc::unbounded_channel();
        let (stale, mut forgotten) = mpsc::unbounded_channel();
        let (rumor, to) = (RumorId([1; 32]), PublicKey([2; 32]));
        let delivery = Delivery::new(rumor, to, 2, heard.clone(), stale.clone());
        delivery.settle("wss://a", Err("no".into()));
        delivery.settle("wss://b", Ok(()));
        let Ok(Heard::Report { waiting: 1, accepted, .. }) = reports.try_recv() else { panic!() };
        assert!(accepted.is_empty());
        let Ok(Heard::Report { waiting: 0, accepted, refused, .. }) = reports.try_recv() else {
            panic!()
        };
        assert_eq!(accepted, ["wss://b"]);
        assert_eq!(refused, [("wss://a".to_owned(), "no".to_owned())]);
        assert!(forgotten.try_recv().is_err());

        Delivery::new(rumor, to, 1, heard, stale).settle("wss://a", Err("no".into()));
        assert_eq!(forgotten.try_recv(), Ok(to));
    }

    #[test]
    fn what_no_relay_will_ever_take_is_said_to_be_so() {
        let (heard, mut reports) = mpsc::unbounded_channel();
        let (stale, _) = mpsc::unbounded_channel();
        let (rumor, to) = (RumorId([1; 32]), PublicKey([2; 32]));
        let mut ends = |second: fn(&Delivery)| {
            let delivery = Delivery::new(rumor, to, 2, heard.clone(), stale.clone());
            delivery.unfit("wss://a", "too large".into());
            second(&delivery);
            assert!(matches!(reports.try_recv(), Ok(Heard::Report { waiting: 1, .. })));
            assert!(matches!(reports.try_recv(), Ok(Heard::Report { waiting: 0, .. })));
            reports.try_recv().ok()
        };
        assert!(ends(|delivery| delivery.settle("wss://b", Ok(()))).is_none());
        assert!(ends(|delivery| delivery.settle("wss://b", Err("busy".into()))).is_none());
        let unfit = ends(|delivery| delivery.unfit("wss://b", "too large".into()));
        let Some(Heard::Unfit { cause, .. }) = unfit else { panic!("{unfit:?}") };
        assert_eq!(cause, "wss://a: too large");
    }
}

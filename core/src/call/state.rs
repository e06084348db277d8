//! A call, as seen by one of its two ends.
//!
//! ```text
//! caller: Dialing ─ringing→ Ringing ─accept→ Active ─end→ Ended
//!            └───────────accept───────────────↗
//! callee: Incoming ─answer→ Connecting ─established, or anything else in the call→ Active → Ended
//! ```
//!
//! Every state that waits has a deadline; every end has a reason. The final control message of a
//! call (`reject`, `cancel`, `end`) is repeated until the other end confirms it with `ended`. Where
//! both ends send a final message at once, **the caller's message holds**, so that both reach the
//! same reason in any order. An end without such a message (silence, a ring that timed out here)
//! gives way to any final message.

use core::time::Duration;

use crate::digest::Digests;
use crate::ids::{CallId, PublicKey};
use crate::invite::Token;
use crate::text::Text;
use crate::time::Time;
use crate::wire::{Closing, Control, Offer, Reason};

/// Time for which a callee that accepted waits for the caller's `established`.
pub const CONNECT_LIMIT: Duration = Duration::from_secs(600);
/// Time for which a ring is shown here beyond its lifetime. Only the caller decides that a ring
/// expired, and the message that says so may be on its way.
pub const RING_GRACE: Duration = Duration::from_secs(60);
/// Age beyond its lifetime at which an arriving ring is a missed call at once: clocks may be an
/// hour apart.
pub const STALE: Duration = Duration::from_secs(3600);
/// Time for which a final control message is repeated.
pub const WORD_LIFETIME: Duration = Duration::from_secs(3 * 24 * 3600);

/// One end of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Handle of this agent for the call (`c7`).
    pub handle: u32,
    /// Id of the call, the same on both ends.
    pub id: CallId,
    /// Key of the other end.
    pub peer: PublicKey,
    /// True if this end placed the call.
    pub outgoing: bool,
    /// Topic of the call.
    pub topic: Text,
    /// Opening message.
    pub opening: Option<Text>,
    /// Note to ourselves.
    pub note: Option<Text>,
    /// Invite token of the callee, while we ring.
    pub invite: Option<Token>,
    /// Time at which the call was placed or arrived.
    pub opened: Time,
    /// Time at which the call became active.
    pub answered: Option<Time>,
    /// Duration of ringing.
    pub lifetime: Duration,
    /// State of the call.
    pub state: State,
    /// Transcript digests of both ends, exchanged after the call ended.
    pub digests: Digests,
}

/// State of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// We ring; the callee's daemon has not confirmed that the call rings there.
    Dialing(Dialing),
    /// We ring; the callee's daemon confirmed that the call rings there.
    Ringing(Ringing),
    /// The call rings here.
    Incoming(Incoming),
    /// We accepted; the caller has not confirmed.
    Connecting(Connecting),
    /// Both ends are in the call.
    Active,
    /// The call ended.
    Ended(Ended),
}

/// State [`State::Dialing`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialing {
    /// Time at which we give up.
    pub expires: Time,
    /// Repetition of the offer.
    pub resend: Resend,
    /// True if the peer was seen online meanwhile.
    pub sign: bool,
}

/// State [`State::Ringing`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ringing {
    /// Time at which we give up.
    pub expires: Time,
}

/// State [`State::Incoming`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// Time at which the ring is no longer shown.
    pub expires: Time,
    /// True for a stranger's ring: nothing is sent back before the ring is answered.
    pub knock: bool,
}

/// State [`State::Connecting`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connecting {
    /// Time at which the caller counts as lost.
    pub expires: Time,
    /// Repetition of the accept.
    pub resend: Resend,
    /// Our own call that this call replaced.
    pub replaces: Option<CallId>,
}

/// State [`State::Ended`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Time of the end on this side.
    pub at: Time,
    /// Reason and text of the end.
    pub closing: Closing,
    /// Side that ended the call.
    pub by: By,
    /// Repetition of our final control message, until the other end confirms it.
    pub word: Option<Resend>,
}

/// Side that ended a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Our side.
    Us,
    /// The other side.
    Peer,
    /// Neither side: the call timed out here.
    Nobody,
}

/// Repetition of a control message until the answer arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resend {
    /// Number of times that the message was sent.
    pub attempts: u32,
    /// Time at which the message was last sent.
    pub last: Time,
}

/// Waits between repetitions of offers and accepts, in seconds; the last wait repeats.
pub(super) const RING_WAITS: [u64; 4] = [10, 30, 60, 180];
/// Waits between repetitions of a final control message, in seconds; the last wait repeats.
pub(super) const WORD_WAITS: [u64; 6] = [5, 30, 120, 600, 1800, 7200];
/// Minimum age of the last repetition before a control message is repeated because the peer came
/// online.
pub(super) const SEEN_WAIT: Duration = Duration::from_secs(5);

impl Resend {
    /// Returns the state after the first sending, at `now`.
    #[must_use]
    pub const fn said(now: Time) -> Self {
        Self { attempts: 1, last: now }
    }

    pub(super) fn next(&self, waits: &[u64]) -> Time {
        let index = (self.attempts.max(1) as usize - 1).min(waits.len() - 1);
        self.last + Duration::from_secs(waits[index])
    }

    pub(super) fn again(&self, now: Time) -> Self {
        Self { attempts: self.attempts.saturating_add(1), last: now }
    }
}

/// Returns true if a ring arrives so late that it is a missed call. `sent` is by the caller's
/// clock.
#[must_use]
pub fn is_stale(now: Time, sent: Time, offer: &Offer) -> bool {
    now.since(sent) > Duration::from_secs(offer.lifetime) + STALE
}

impl Call {
    /// Places a call.
    #[must_use]
    pub fn dial(
        handle: u32,
        id: CallId,
        peer: PublicKey,
        now: Time,
        offer: &Offer,
        note: Option<Text>,
    ) -> Self {
        let lifetime = Duration::from_secs(offer.lifetime);
        let expires = now + lifetime;
        Self {
            handle,
            id,
            peer,
            outgoing: true,
            topic: offer.topic.clone(),
            opening: offer.message.clone(),
            note,
            invite: offer.invite.as_deref().and_then(|token| Token::parse(token).ok()),
            opened: now,
            answered: None,
            lifetime,
            state: State::Dialing(Dialing { expires, resend: Resend::said(now), sign: false }),
            digests: Digests::default(),
        }
    }

    /// Returns a call that came in. `sent` is the time of the ring by the caller's clock.
    #[must_use]
    pub fn offered(
        handle: u32,
        id: CallId,
        peer: PublicKey,
        now: Time,
        sent: Time,
        offer: &Offer,
        knock: bool,
    ) -> Self {
        let lifetime = Duration::from_secs(offer.lifetime);
        let state = if is_stale(now, sent, offer) {
            State::Ended(Ended {
                at: now,
                closing: Closing::new(Reason::NoAnswer, ""),
                by: By::Nobody,
                word: None,
            })
        } else {
            State::Incoming(Incoming { expires: now + lifetime + RING_GRACE, knock })
        };
        Self {
            handle,
            id,
            peer,
            outgoing: false,
            topic: offer.topic.clone(),
            opening: offer.message.clone(),
            note: None,
            invite: None,
            opened: now,
            answered: None,
            lifetime,
            state,
            digests: Digests::default(),
        }
    }

    /// Returns true if the call has not ended.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !matches!(self.state, State::Ended(_))
    }

    /// Returns true if our side ended the call because the peer was silent. The peer may never have
    /// received our messages in the call: a caller that later cancels was never in the call.
    #[must_use]
    pub fn was_given_up(&self) -> bool {
        matches!(&self.state, State::Ended(ended)
            if ended.by == By::Us && ended.closing.reason == Reason::PeerLost)
    }

    /// Returns true if our side rings.
    #[must_use]
    pub fn is_outgoing_ring(&self) -> bool {
        matches!(self.state, State::Dialing(_) | State::Ringing(_))
    }

    /// Returns true if messages may travel: both ends are in the call, or were.
    #[must_use]
    pub fn carries(&self) -> bool {
        matches!(self.state, State::Active) || (!self.is_open() && self.answered.is_some())
    }

    /// Returns the time at which [`Event::Tick`](super::Event::Tick) is due.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Time> {
        match &self.state {
            State::Dialing(s) => Some(s.expires.min(s.resend.next(&RING_WAITS))),
            State::Ringing(s) => Some(s.expires),
            State::Incoming(s) => Some(s.expires),
            State::Connecting(s) => Some(s.expires.min(s.resend.next(&RING_WAITS))),
            State::Active => None,
            State::Ended(s) => s.word.map(|word| word.next(&WORD_WAITS)),
        }
    }

    /// Returns the offer, to be sent again.
    pub(super) fn offer(&self) -> Control {
        Control::Offer(Offer {
            topic: self.topic.clone(),
            message: self.opening.clone(),
            lifetime: self.lifetime.as_secs(),
            name: None,
            invite: self.invite.map(|token| token.to_string().into()),
        })
    }

    /// Returns our final control message, by our role: a caller that never got through cancels, a
    /// callee that never accepted rejects, and after an answer either side ends.
    pub(super) fn last_word(&self, ended: &Ended) -> Control {
        let closing = ended.closing.clone();
        match (self.answered, self.outgoing) {
            (Some(_), _) => Control::End(closing),
            (None, true) => Control::Cancel(closing),
            (None, false) => Control::Reject(closing),
        }
    }
}

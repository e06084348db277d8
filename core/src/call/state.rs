//! A call, as one of its two ends sees it.
//!
//! ```text
//! caller: Dialing ─ringing→ Ringing ─accept→ Active ─end→ Ended
//!            └───────────accept───────────────↗
//! callee: Incoming ─answer→ Connecting ─established, or anything else in the call→ Active → Ended
//! ```
//!
//! Every state that waits has a deadline; every end has a reason. The last word on a call
//! (`reject`, `cancel`, `end`) is repeated until the other end confirms it with `ended`. Where
//! both ends speak a last word at once, **the caller's word holds**, so that both come to the
//! same reason whatever the order; an end that came about without a word (silence, a ring that ran
//! out here) gives way to any word.

use core::time::Duration;

use crate::digest::Digests;
use crate::ids::{CallId, PublicKey};
use crate::invite::Token;
use crate::text::Text;
use crate::time::Time;
use crate::wire::{Closing, Control, Offer, Reason};

/// How long a callee waits for the caller's `established` after it accepted.
pub const CONNECT_LIMIT: Duration = Duration::from_secs(600);
/// How much longer than its lifetime a ring is shown here: the caller alone decides that it
/// expired, and its word may be on the way.
pub const RING_GRACE: Duration = Duration::from_secs(60);
/// A ring that is older than its lifetime and this on arrival is a missed call at once: clocks
/// may be an hour apart.
pub const STALE: Duration = Duration::from_secs(3600);
/// How long a last word is repeated.
pub const WORD_LIFETIME: Duration = Duration::from_secs(3 * 24 * 3600);

/// One end of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// `c7`: this agent's own number for it.
    pub handle: u32,
    /// The call's id, the same on both ends.
    pub id: CallId,
    /// The other end.
    pub peer: PublicKey,
    /// Whether this end placed it.
    pub outgoing: bool,
    /// What it is about.
    pub topic: Text,
    /// The opening message.
    pub opening: Option<Text>,
    /// A note to ourselves.
    pub note: Option<Text>,
    /// The callee's invite token, while we ring.
    pub invite: Option<Token>,
    /// When it was placed, or came in.
    pub opened: Time,
    /// When it became active.
    pub answered: Option<Time>,
    /// How long it rings.
    pub lifetime: Duration,
    /// Where it stands.
    pub state: State,
    /// What both ends told each other of it once it was over.
    pub digests: Digests,
}

/// Where a call stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// We ring; the other end's daemon has not said so.
    Dialing(Dialing),
    /// The other end's daemon says that it rings there.
    Ringing(Ringing),
    /// It rings here.
    Incoming(Incoming),
    /// We took it; the caller has not confirmed.
    Connecting(Connecting),
    /// Both ends are in it.
    Active,
    /// It is over.
    Ended(Ended),
}

/// See [`State::Dialing`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialing {
    /// When we give up.
    pub expires: Time,
    /// The offer, repeated.
    pub resend: Resend,
    /// The peer was seen online meanwhile.
    pub sign: bool,
}

/// See [`State::Ringing`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ringing {
    /// When we give up.
    pub expires: Time,
}

/// See [`State::Incoming`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// When we stop showing it.
    pub expires: Time,
    /// A stranger's: nothing is sent back before it is answered.
    pub knock: bool,
}

/// See [`State::Connecting`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connecting {
    /// When the caller counts as lost.
    pub expires: Time,
    /// The accept, repeated.
    pub resend: Resend,
    /// Our own call that this one replaced.
    pub replaces: Option<CallId>,
}

/// See [`State::Ended`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// When, here.
    pub at: Time,
    /// How.
    pub closing: Closing,
    /// Whose word it was.
    pub by: By,
    /// Our last word, while the other end has not confirmed it.
    pub word: Option<Resend>,
}

/// Whose word ended a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Ours.
    Us,
    /// The other end's.
    Peer,
    /// Nobody's: it ran out here.
    Nobody,
}

/// Something that is said again until it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resend {
    /// How often it was said.
    pub attempts: u32,
    /// When it was last.
    pub last: Time,
}

/// Waits between repetitions of offers and accepts, in seconds; the last one repeats.
pub(super) const RING_WAITS: [u64; 4] = [10, 30, 60, 180];
/// Waits between repetitions of a last word, in seconds; the last one repeats.
pub(super) const WORD_WAITS: [u64; 6] = [5, 30, 120, 600, 1800, 7200];
/// The peer showed itself: say it again, unless that was just done.
pub(super) const SEEN_WAIT: Duration = Duration::from_secs(5);

impl Resend {
    /// Said once, now.
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

/// Whether a ring came so late that it is a missed call. `sent` is by the caller's clock.
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

    /// A call that came in. `sent` is when the caller says it rang, by its own clock.
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

    /// Whether it is not over.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !matches!(self.state, State::Ended(_))
    }

    /// Whether we ended it because the peer was silent. What was said in it may never have been
    /// heard: a caller that says later that it was in no call here did not hear it.
    #[must_use]
    pub fn was_given_up(&self) -> bool {
        matches!(&self.state, State::Ended(ended)
            if ended.by == By::Us && ended.closing.reason == Reason::PeerLost)
    }

    /// Whether we ring.
    #[must_use]
    pub fn is_outgoing_ring(&self) -> bool {
        matches!(self.state, State::Dialing(_) | State::Ringing(_))
    }

    /// Whether messages may travel: both ends are in it, or were.
    #[must_use]
    pub fn carries(&self) -> bool {
        matches!(self.state, State::Active) || (!self.is_open() && self.answered.is_some())
    }

    /// When [`Event::Tick`] is due.
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

    /// The offer, for saying it again.
    pub(super) fn offer(&self) -> Control {
        Control::Offer(Offer {
            topic: self.topic.clone(),
            message: self.opening.clone(),
            lifetime: self.lifetime.as_secs(),
            name: None,
            invite: self.invite.map(|token| token.to_string().into()),
        })
    }

    /// Our last word in the form that belongs to our part: a caller that never got through
    /// cancels, a callee that never took it rejects, and after an answer either side ends.
    pub(super) fn last_word(&self, ended: &Ended) -> Control {
        let closing = ended.closing.clone();
        match (self.answered, self.outgoing) {
            (Some(_), _) => Control::End(closing),
            (None, true) => Control::Cancel(closing),
            (None, false) => Control::Reject(closing),
        }
    }
}

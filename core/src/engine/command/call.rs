//! Commands about calls.

use super::super::execute::Command;
use super::super::{Engine, Refusal};
use crate::call::calls::Cause;
use crate::ids::{CallId, PublicKey};
use crate::invite::Token;
use crate::text::Text;
use crate::time::Time;

/// Rings a peer.
#[derive(Debug, Clone)]
pub struct PlaceCall {
    /// The callee.
    pub peer: PublicKey,
    /// The topic.
    pub topic: Text,
    /// The opening message.
    pub opening: Option<Text>,
    /// A note to ourselves.
    pub note: Option<Text>,
    /// Places another call, even where one with this topic is open.
    pub new: bool,
    /// Seconds to ring before giving up, instead of the configured time.
    pub ring: Option<u64>,
    /// An invite token of the peer, which lets us ring.
    pub invite: Option<Token>,
}

/// The call that [`PlaceCall`] led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlacedCall {
    /// The call.
    pub call: CallId,
    /// Origin of the call.
    pub placement: Placement,
    /// The handle of the opening message.
    pub message: Option<u32>,
}

/// Origin of the call that [`PlaceCall`] returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// The call rings there now.
    Placed,
    /// The call rang here and was accepted.
    Accepted,
    /// A call with this topic was open already.
    AlreadyOpen,
}

impl Command for PlaceCall {
    type Reply = PlacedCall;

    fn run(self, engine: &mut Engine, now: Time) -> Result<PlacedCall, Refusal> {
        engine.place_call(now, self)
    }
}

/// Accepts a call that rings here.
#[derive(Debug, Clone, Copy)]
pub struct AcceptCall(pub CallId);

impl Command for AcceptCall {
    type Reply = ();

    fn run(self, engine: &mut Engine, now: Time) -> Result<(), Refusal> {
        engine.accept(now, self.0)
    }
}

/// Refuses a call that rings here.
#[derive(Debug, Clone)]
pub struct RejectCall {
    /// The call.
    pub call: CallId,
    /// The reason that the caller is told.
    pub text: Text,
}

impl Command for RejectCall {
    type Reply = ();

    fn run(self, engine: &mut Engine, now: Time) -> Result<(), Refusal> {
        engine.reject(now, self.call, self.text)
    }
}

/// Ends a call, whatever its state.
#[derive(Debug, Clone)]
pub struct EndCall {
    /// The call.
    pub call: CallId,
    /// The reason that the peer is told.
    pub text: Text,
}

impl Command for EndCall {
    type Reply = ();

    fn permit(&self, engine: &Engine) -> Result<(), Refusal> {
        engine.not_taken_over(self.call)
    }

    fn run(self, engine: &mut Engine, now: Time) -> Result<(), Refusal> {
        engine.close(now, self.call, self.text, Cause::Agent)
    }
}

/// Forgets a call that is over, with every message in it.
#[derive(Debug, Clone, Copy)]
pub struct ForgetCall(pub CallId);

impl Command for ForgetCall {
    type Reply = ();

    fn run(self, engine: &mut Engine, now: Time) -> Result<(), Refusal> {
        engine.forget_call(now, self.0)
    }
}

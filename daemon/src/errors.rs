//! The errors of the socket protocol, made from the engine's refusals and the store's errors.

use p2p_core::engine::{Limited, Refusal};
use p2p_core::wire::Reason;
use p2p_ipc::{ErrorCode, RpcError};
use p2p_store::StoreError;

/// Returns the error for a store that could not be read.
pub(crate) fn unreadable(error: StoreError) -> RpcError {
    tracing::error!(%error, "the store could not be read");
    RpcError::new(ErrorCode::Internal, format!("the store could not be read: {error}"))
        .hint("p2p daemon logs")
}

/// Returns the error for what the engine refused, with a hint what to do instead.
pub(crate) fn refused(refusal: &Refusal) -> RpcError {
    use ErrorCode as C;
    let mut message = refusal.to_string();
    let (code, hint) = match refusal {
        Refusal::NoCall => (C::NoCall, Some("p2p calls")),
        Refusal::NotRinging => (C::CallState, Some("p2p status")),
        Refusal::Over(Reason::Declined) => (C::Declined, Some("p2p calls")),
        Refusal::Over(Reason::Busy) => (C::Busy, Some("p2p calls")),
        Refusal::Over(Reason::NoAnswer) => (C::NoAnswer, Some("p2p calls")),
        Refusal::Over(Reason::Unreachable) => (C::Unreachable, Some("p2p calls")),
        Refusal::Over(_) => (C::CallEnded, Some("p2p call <agent> \"<topic>\"")),
        Refusal::NotAnswered => (C::CallState, Some("p2p answer accept\np2p wait")),
        Refusal::PlainPeer => (C::PlainPeer, Some("p2p dm <agent> \"<text>\"")),
        Refusal::Blocked => (C::Policy, Some("p2p contacts allow <agent>")),
        Refusal::Yielded => (C::DuplicateInstance, Some("p2p status")),
        Refusal::OwnerOnly => {
            message += ": by direct message, or at a terminal with p2p owner";
            (C::OwnerOnly, Some("p2p owner --help"))
        }
        Refusal::WrongCode => (C::WrongProof, Some("p2p owner show")),
        Refusal::TakenOver => (C::TakenOver, Some("p2p wait")),
        Refusal::NoOption(_) => (C::Usage, Some("p2p questions")),
        Refusal::NoQuestion => (C::NotFound, Some("p2p questions")),
        Refusal::Answered => (C::CallState, Some("p2p questions")),
        Refusal::NotOver => (C::Policy, Some("p2p calls")),
        Refusal::Own | Refusal::Empty => (C::Usage, None),
        Refusal::TooLate => (C::TooLate, Some("p2p status")),
        Refusal::TooMany(_) => {
            message += "; is there something new to say?";
            (C::RateLimited, Some("p2p wait"))
        }
        Refusal::TooLong { what: Limited::Message, .. } => {
            (C::TooLarge, Some("p2p sendfile <path>"))
        }
        Refusal::TooLong { .. } => (C::TooLarge, None),
        Refusal::NameTaken(key) => {
            message += &format!(", {}", key.npub());
            (C::Usage, Some("p2p contacts"))
        }
        Refusal::InviteLimits => (C::Usage, Some("p2p invite --uses 5 --hours 168")),
        Refusal::NoInvite => (C::Usage, Some("p2p invite list")),
        Refusal::BadName => (C::Usage, Some("p2p contacts add <npub> <name>")),
    };
    let error = RpcError::new(code, message);
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

//! Following a call or a message until something happens, in requests of limited length.

use std::time::{Duration, Instant};

use p2p_ipc::method::{
    FollowCallParams, FollowMessageParams, FollowMessageResult, Milestone, ReadParams,
};
use p2p_ipc::view::{CallState, CallView, DeliveryState, EndReason};
use p2p_ipc::{ErrorCode, Method, RpcError};

use crate::wait::{WaitClock, WaitReport, Waited, ms};

/// A front end that can make requests which wait, and which its user can interrupt.
pub trait Waits {
    /// Makes a request that takes `wait` at most.
    ///
    /// # Errors
    /// The daemon's error, or the reason why there is no daemon.
    fn wait<M>(&mut self, params: M, wait: Duration) -> Result<Waited<M::Result>, RpcError>
    where
        M: Method + Send + 'static,
        M::Result: Send + 'static;
}

/// Reason why the progress of a message that is waited for cannot come any more.
#[derive(Debug, PartialEq, Eq)]
pub enum Hopeless {
    /// The call ended.
    CallEnded,
    /// The message was cancelled.
    Cancelled,
    /// The message was given up.
    Undelivered,
}

/// Follows a call until it is active or has ended, and hands each state on the way to `progress`.
/// A call that merged into another is followed there.
///
/// # Errors
/// Fails if the daemon refuses the request.
pub fn follow_call(
    front_end: &mut impl Waits,
    mut call: CallView,
    clock: WaitClock,
    progress: impl Fn(&CallView),
) -> Result<(CallView, WaitReport), RpcError> {
    loop {
        if call.state == CallState::Active {
            return Ok((call, clock.report(true)));
        }
        if let (CallState::Ended, Some(other)) = (call.state, call.merged_into.clone()) {
            match front_end.wait(ReadParams { handle: other.clone() }, Duration::ZERO)? {
                Waited::Answer(found) => call = found.call.ok_or_else(|| not_a_call(&other))?,
                Waited::Interrupted => return Ok((call, clock.interrupted(false))),
            }
            continue;
        }
        if is_over(&call) {
            return Ok((call, clock.report(false)));
        }
        let Some(slice) = clock.slice() else { return Ok((call, clock.report(false))) };
        let known_state = call.state;
        let handle = call.handle.clone();
        let params = FollowCallParams { call: handle, known_state, wait_ms: ms(slice) };
        match front_end.wait(params, slice)? {
            Waited::Answer(now) => call = now,
            Waited::Interrupted => return Ok((call, clock.interrupted(false))),
        }
        if call.state != known_state && call.state != CallState::Ended {
            progress(&call);
        }
    }
}

/// Returns true if nothing more comes of a call. A call that merged into another whose ring has
/// not arrived yet still goes on.
#[must_use]
pub fn is_over(call: &CallView) -> bool {
    let merged = call.reason == Some(EndReason::Merged) && call.merged_into.is_none();
    call.state == CallState::Ended && !merged
}

/// Follows a message until it reaches the milestone, cannot reach it any more, or the time is up.
///
/// # Errors
/// Fails if the daemon refuses the request.
pub fn follow_message(
    front_end: &mut impl Waits,
    mut known: FollowMessageResult,
    until: Milestone,
    clock: WaitClock,
) -> Result<(FollowMessageResult, WaitReport), RpcError> {
    while !known.reached && hopeless(&known, until).is_none() {
        let Some(slice) = clock.slice() else { break };
        let began = Instant::now();
        let message = known.message.handle.clone();
        match front_end.wait(FollowMessageParams { message, until, wait_ms: ms(slice) }, slice)? {
            Waited::Answer(now) => known = now,
            Waited::Interrupted => return Ok((known, clock.interrupted(false))),
        }
        // The daemon answers early only when there is nothing more to wait for.
        if began.elapsed() + Duration::from_millis(100) < slice {
            break;
        }
    }
    let reached = known.reached;
    Ok((known, clock.report(reached)))
}

/// Returns the reason why a message cannot reach the milestone any more, if there is one.
#[must_use]
pub fn hopeless(known: &FollowMessageResult, until: Milestone) -> Option<Hopeless> {
    if known.reached {
        return None;
    }
    let ended = known.call.as_ref().is_some_and(|call| call.state == CallState::Ended);
    // A receipt may still come after the end.
    if ended && matches!(until, Milestone::Reply | Milestone::Read) {
        return Some(Hopeless::CallEnded);
    }
    match known.message.delivery.as_ref()?.state {
        DeliveryState::Cancelled => Some(Hopeless::Cancelled),
        DeliveryState::Undelivered => Some(Hopeless::Undelivered),
        _ => None,
    }
}

fn not_a_call(handle: &str) -> RpcError {
    RpcError::new(ErrorCode::NoCall, format!("{handle} is not a call")).hint("p2p calls")
}

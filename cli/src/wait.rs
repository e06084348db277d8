//! Following a call or a message for a while.

use std::time::{Duration, Instant};

use p2p_ipc::method::{
    FollowCallParams, FollowMessageParams, FollowMessageResult, MAX_WAIT_MS, Milestone,
};
use p2p_ipc::view::{CallState, CallView, DeliveryState, EndReason};
use p2p_ipc::{ErrorCode, RpcError};
use serde::Serialize;

use crate::interrupt::Waited;
use crate::render::words;
use crate::session::Session;

/// How long a verb waits where it is asked to wait and not for how long: inside a tool's 30 s.
pub const DEFAULT_WAIT_S: u64 = 25;

/// How waiting went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// Whether what was waited for is so.
    pub reached: bool,
    /// How long it took, in whole seconds.
    pub waited_s: u64,
    /// Whether a signal ended it.
    pub interrupted: bool,
}

/// The time that is left of a wait.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    since: Instant,
    wait: Duration,
}

impl Clock {
    /// Starts to count.
    #[must_use]
    pub fn start(wait_s: u64) -> Self {
        // A year is for ever, and far from every overflow.
        Self { since: Instant::now(), wait: Duration::from_secs(wait_s.min(366 * 86_400)) }
    }

    /// What one request may wait, or nothing when the time is up.
    #[must_use]
    pub fn slice(&self) -> Option<Duration> {
        let left = self.wait.checked_sub(self.since.elapsed())?;
        Some(left.min(Duration::from_millis(MAX_WAIT_MS))).filter(|left| !left.is_zero())
    }

    /// How it went.
    #[must_use]
    pub fn report(&self, reached: bool, interrupted: bool) -> Waiting {
        Waiting { reached, waited_s: self.since.elapsed().as_secs(), interrupted }
    }
}

/// A duration as the requests have it.
#[must_use]
pub fn ms(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)
}

/// Follows a call until it is active or over, and shows each state as it comes. A call that
/// merged into another is followed there.
///
/// # Errors
/// The daemon's.
pub fn follow_call(
    session: &mut Session,
    mut call: CallView,
    clock: Clock,
) -> Result<(CallView, Waiting), RpcError> {
    loop {
        match (call.state, call.merged_into.clone()) {
            (CallState::Ended, Some(other)) => call = session.find_call(&other)?,
            (CallState::Active, _) => return Ok((call, clock.report(true, false))),
            (CallState::Ended, None) if is_over(&call) => {
                return Ok((call, clock.report(false, false)));
            }
            _ => {
                let Some(slice) = clock.slice() else {
                    return Ok((call, clock.report(false, false)));
                };
                let seen = call.state;
                let params = FollowCallParams {
                    call: call.handle.clone(),
                    known_state: seen,
                    wait_ms: ms(slice),
                };
                match session.wait(params, slice)? {
                    Waited::Answer(now) => call = now,
                    Waited::Interrupted => return Ok((call, clock.report(false, true))),
                }
                if call.state != seen && call.state != CallState::Ended {
                    let line = format!("{} {}", call.handle, words::state(call.state));
                    session.screen.progress(&line);
                }
            }
        }
    }
}

/// Whether nothing more comes of a call: not where it became part of another whose ring is on the
/// way.
#[must_use]
pub fn is_over(call: &CallView) -> bool {
    let merged = call.reason == Some(EndReason::Merged) && call.merged_into.is_none();
    call.state == CallState::Ended && !merged
}

/// Follows a message until what is waited for is so, the time is up, or it can no longer be.
///
/// # Errors
/// The daemon's.
pub fn follow_message(
    session: &mut Session,
    mut known: FollowMessageResult,
    until: Milestone,
    wait_s: u64,
) -> Result<(FollowMessageResult, Waiting), RpcError> {
    let clock = Clock::start(wait_s);
    while !known.reached && hopeless(&known, until).is_none() {
        let Some(slice) = clock.slice() else { break };
        let began = Instant::now();
        let params = FollowMessageParams {
            message: known.message.handle.clone(),
            until,
            wait_ms: ms(slice),
        };
        match session.wait(params, slice)? {
            Waited::Answer(now) => known = now,
            Waited::Interrupted => return Ok((known, clock.report(false, true))),
        }
        // An answer before its time has nothing more to wait for.
        if began.elapsed() + Duration::from_millis(100) < slice {
            break;
        }
    }
    let reached = known.reached;
    Ok((known, clock.report(reached, false)))
}

/// Why what is waited for will not come any more.
#[must_use]
pub fn hopeless(known: &FollowMessageResult, until: Milestone) -> Option<RpcError> {
    if known.reached {
        return None;
    }
    let message = &known.message.handle;
    if let Some(call) = known.call.as_ref().filter(|call| call.state == CallState::Ended)
        && (until == Milestone::Reply || until == Milestone::Read)
    {
        return Some(ended(call));
    }
    let state = known.message.delivery.as_ref()?.state;
    if state == DeliveryState::Cancelled {
        let text = format!("{message} was cancelled");
        return Some(RpcError::new(ErrorCode::TooLate, text).hint(format!("p2p read {message}")));
    }
    let gone = state == DeliveryState::Undelivered;
    gone.then(|| {
        RpcError::new(ErrorCode::Unreachable, format!("{message} was given up as undelivered"))
            .hint(format!("p2p read {message}"))
    })
}

/// A call that ended, as an error: what it exits with says who is to blame.
#[must_use]
pub fn ended(call: &CallView) -> RpcError {
    let (handle, who) = (&call.handle, words::name(&call.peer));
    if let Some(other) = &call.merged_into {
        let error = RpcError::new(ErrorCode::CallEnded, format!("{handle} goes on as {other}"));
        return error.hint(format!("p2p wait --call {other}"));
    }
    let (code, text) = match call.reason {
        Some(EndReason::Declined) => (ErrorCode::Declined, format!("{who} declined {handle}")),
        Some(EndReason::Busy) => (ErrorCode::Busy, format!("{who} is busy; {handle} is over")),
        Some(EndReason::NoAnswer) => {
            (ErrorCode::NoAnswer, format!("{who} did not answer {handle}"))
        }
        Some(EndReason::Unreachable) => {
            (ErrorCode::Unreachable, format!("{who} could not be reached; {handle} is over"))
        }
        Some(EndReason::PeerLost) => {
            (ErrorCode::Unreachable, format!("{who} fell silent; {handle} is over"))
        }
        Some(EndReason::Failed) => (ErrorCode::Internal, format!("{handle} failed")),
        Some(EndReason::Blocked) => {
            (ErrorCode::CallEnded, format!("{handle} with {who} ended: one side blocked the other"))
        }
        Some(EndReason::Completed | EndReason::Cancelled | EndReason::Merged) | None => {
            (ErrorCode::CallEnded, format!("{handle} with {who} is over"))
        }
    };
    RpcError::new(code, text).hint(match code {
        ErrorCode::Busy | ErrorCode::NoAnswer | ErrorCode::Unreachable => {
            format!("p2p call --back {handle} or p2p dm {} \"<text>\"", words::argument(&call.peer))
        }
        _ => format!("p2p transcript {handle}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples;
    use p2p_ipc::ExitCode;

    #[test]
    fn a_followed_call_that_ended_exits_by_its_reason() {
        let exit = |reason| {
            ended(&CallView { state: CallState::Ended, reason, ..samples::call() }).exit_code()
        };
        for (reason, code) in [
            (EndReason::Declined, ExitCode::PeerSaidNo),
            (EndReason::Busy, ExitCode::PeerSaidNo),
            (EndReason::Completed, ExitCode::PeerSaidNo),
            (EndReason::Cancelled, ExitCode::PeerSaidNo),
            (EndReason::Merged, ExitCode::PeerSaidNo),
            (EndReason::Blocked, ExitCode::PeerSaidNo),
            (EndReason::NoAnswer, ExitCode::NotReached),
            (EndReason::Unreachable, ExitCode::NotReached),
            (EndReason::PeerLost, ExitCode::NotReached),
            (EndReason::Failed, ExitCode::Internal),
        ] {
            assert_eq!(exit(Some(reason)), code, "{reason:?}");
        }
    }

    #[test]
    fn what_cannot_come_any_more_is_not_waited_for() {
        let over = CallView { state: CallState::Ended, ..samples::call() };
        let mut known = FollowMessageResult {
            message: samples::sent(),
            reached: false,
            call: Some(samples::call()),
        };
        assert!(hopeless(&known, Milestone::Reply).is_none());
        known.call = Some(over);
        // Its receipt may still come after the end.
        assert!(hopeless(&known, Milestone::Delivered).is_none());
        assert_eq!(hopeless(&known, Milestone::Reply).unwrap().code, ErrorCode::CallEnded);
        known.message.delivery.as_mut().unwrap().state = DeliveryState::Undelivered;
        assert_eq!(hopeless(&known, Milestone::Delivered).unwrap().code, ErrorCode::Unreachable);
        known.reached = true;
        assert!(hopeless(&known, Milestone::Reply).is_none());
    }
}

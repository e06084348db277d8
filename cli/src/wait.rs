//! Waits for calls and messages, with progress on the screen; errors of waits without result.

use p2p_client::follow::{self, Hopeless};
use p2p_client::wait::{WaitClock, WaitReport};
use p2p_ipc::method::{FollowMessageResult, Milestone};
use p2p_ipc::view::{CallView, EndReason};
use p2p_ipc::{ErrorCode, RpcError};

use crate::render::words;
use crate::session::Session;

/// Follows a call until it is active or has ended, and shows each state on the way.
///
/// # Errors
/// Fails if the daemon refuses the request.
pub fn follow_call(
    session: &mut Session,
    call: CallView,
    clock: WaitClock,
) -> Result<(CallView, WaitReport), RpcError> {
    let screen = session.screen;
    follow::follow_call(session, call, clock, |call| {
        screen.progress(&format!("{} {}", call.handle, words::state(call.state)));
    })
}

/// Returns the error of a message that can no longer reach the milestone.
#[must_use]
pub fn hopeless(known: &FollowMessageResult, until: Milestone) -> Option<RpcError> {
    let message = &known.message.handle;
    let (code, text) = match follow::hopeless(known, until)? {
        Hopeless::CallEnded => return known.call.as_ref().map(ended),
        Hopeless::Cancelled => (ErrorCode::TooLate, format!("{message} was cancelled")),
        Hopeless::Undelivered => {
            (ErrorCode::Unreachable, format!("{message} was given up as undelivered"))
        }
    };
    Some(RpcError::new(code, text).hint(format!("p2p read {message}")))
}

/// Returns the error of a call that ended; its exit code names the responsible side.
#[must_use]
pub fn ended(call: &CallView) -> RpcError {
    let (handle, who) = (&call.handle, words::name(&call.peer));
    if let Some(other) = &call.merged_into {
        let error = RpcError::new(ErrorCode::CallEnded, format!("{handle} continues as {other}"));
        return error.hint(format!("p2p wait --call {other}"));
    }
    let (code, text) = match call.reason {
        Some(EndReason::Declined) => (ErrorCode::Declined, format!("{who} declined {handle}")),
        Some(EndReason::Busy) => (ErrorCode::Busy, format!("{who} is busy; {handle} has ended")),
        Some(EndReason::NoAnswer) => {
            (ErrorCode::NoAnswer, format!("{who} did not answer {handle}"))
        }
        Some(EndReason::Unreachable) => {
            (ErrorCode::Unreachable, format!("{who} could not be reached; {handle} has ended"))
        }
        Some(EndReason::PeerLost) => {
            (ErrorCode::Unreachable, format!("{who} fell silent; {handle} has ended"))
        }
        Some(EndReason::Failed) => (ErrorCode::Internal, format!("{handle} failed")),
        Some(EndReason::Blocked) => {
            (ErrorCode::CallEnded, format!("{handle} with {who} ended: one side blocked the other"))
        }
        Some(EndReason::Completed | EndReason::Cancelled | EndReason::Merged) | None => {
            (ErrorCode::CallEnded, format!("{handle} with {who} has ended"))
        }
    };
    RpcError::new(code, text).hint(match code {
        ErrorCode::Busy | ErrorCode::NoAnswer | ErrorCode::Unreachable => {
            let peer = words::argument(&call.peer);
            format!("p2p call --back {handle}\np2p dm {peer} \"<text>\"")
        }
        _ => format!("p2p transcript {handle}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples;
    use p2p_ipc::ExitCode;
    use p2p_ipc::view::{CallState, DeliveryState};

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
    fn a_milestone_that_cannot_be_reached_any_more_is_an_error() {
        let over = CallView { state: CallState::Ended, ..samples::call() };
        let mut known = FollowMessageResult {
            message: samples::sent(),
            reached: false,
            call: Some(samples::call()),
        };
        assert!(hopeless(&known, Milestone::Reply).is_none());
        known.call = Some(over);
        // A receipt may still arrive after the end.
        assert!(hopeless(&known, Milestone::Delivered).is_none());
        assert_eq!(hopeless(&known, Milestone::Reply).unwrap().code, ErrorCode::CallEnded);
        known.message.delivery.as_mut().unwrap().state = DeliveryState::Undelivered;
        assert_eq!(hopeless(&known, Milestone::Delivered).unwrap().code, ErrorCode::Unreachable);
        known.reached = true;
        assert!(hopeless(&known, Milestone::Reply).is_none());
    }
}

//! `p2p answer`: accepts or rejects a call that rings here.

use clap::ValueEnum;
use p2p_client::follow::Waits;
use p2p_client::wait::{WaitReport, Waited, ms};
use p2p_ipc::method::{AnswerParams, StatusParams, WatchParams};
use p2p_ipc::view::{CallState, CallView, ItemKind};
use p2p_ipc::{ErrorCode, RpcError};

use crate::input::{OPENING_LIMIT, Words, usage};
use crate::outcome::{Ending, Failure, Outcome};
use crate::render::call::{Answered, NobodyRings};
use crate::session::Session;
use crate::wait;
use p2p_client::wait::WaitClock;

/// Arguments of `answer`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  p2p answer accept
  p2p answer accept --call c8 --wait 10
  p2p answer reject \"Busy until noon\"")]
pub struct Args {
    /// Accept or reject the call
    choice: Choice,
    #[command(flatten)]
    words: Words,
    /// The call, if more than one rings
    #[arg(long)]
    call: Option<String>,
    /// Seconds to wait for a ring, and until both ends are in the call
    #[arg(long, value_name = "SECS")]
    wait: Option<u64>,
}

/// Accept or reject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Choice {
    Accept,
    Reject,
}

/// Answers the call.
///
/// # Errors
/// Fails if the daemon refuses the request, or if the call ends during the wait.
pub fn run(args: &Args, session: &mut Session) -> Ending {
    let accept = args.choice == Choice::Accept;
    let reason = args.words.optional("reason", OPENING_LIMIT)?;
    if accept && reason.is_some() {
        return Err(usage("accepting takes no reason: accept first, and then send it")
            .hint("p2p answer accept\np2p send \"<text>\"")
            .into());
    }
    let params = AnswerParams { call: args.call.clone(), accept, reason };
    let Some(wait_s) = args.wait.filter(|_| accept) else {
        let call = session.call(&params)?;
        return Ok(Outcome::new(Answered { call, reached: None, waiting: None }));
    };
    let clock = WaitClock::start(wait_s);
    let call = match accept_ring(&params, clock, session)? {
        Ring::Accepted(call) => *call,
        Ring::Nobody(report) => {
            return Ok(Outcome::new(NobodyRings::new(wait_s, report)).reached(false));
        }
    };
    let (call, waiting) = wait::follow_call(session, call, clock)?;
    let over = (call.state == CallState::Ended).then(|| wait::ended(&call));
    let reached = waiting.reached;
    let shown = Answered { call, reached: Some(reached), waiting: Some(waiting) };
    match over {
        Some(error) => Err(Failure::with(error, shown)),
        None => Ok(Outcome::new(shown).reached(reached)),
    }
}

/// Result of waiting for a ring.
enum Ring {
    Accepted(Box<CallView>),
    Nobody(WaitReport),
}

/// Accepts the ringing call, or waits for the next ring. A call that was named is not waited for.
fn accept_ring(
    params: &AnswerParams,
    clock: WaitClock,
    session: &mut Session,
) -> Result<Ring, RpcError> {
    let mut after = session.call(&StatusParams::default())?.seq;
    loop {
        match session.call(params) {
            Err(error) if error.code == ErrorCode::NoCall && params.call.is_none() => {}
            answered => return Ok(Ring::Accepted(Box::new(answered?))),
        }
        // Counts only rings after the log's last entry: earlier ones have stopped.
        let Some(slice) = clock.slice() else { return Ok(Ring::Nobody(clock.report(false))) };
        let kinds = vec![ItemKind::Ring, ItemKind::Knock];
        let (limit, max_bytes, wait_ms) = (1, 1024, ms(slice));
        let watch =
            WatchParams { kinds, after, limit, max_bytes, wait_ms, ..WatchParams::default() };
        match session.wait(watch, slice)? {
            Waited::Answer(page) => after = page.seq,
            Waited::Interrupted => return Ok(Ring::Nobody(clock.interrupted(false))),
        }
    }
}

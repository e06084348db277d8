//! `p2p answer`: accepts or rejects a call that rings here.

use clap::ValueEnum;
use p2p_ipc::method::AnswerParams;
use p2p_ipc::view::CallState;

use crate::input::{OPENING_LIMIT, Words, usage};
use crate::outcome::{Ending, Failure, Outcome};
use crate::render::call::Answered;
use crate::session::Session;
use crate::wait;
use p2p_client::wait::WaitClock;

/// What `answer` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  p2p answer accept
  p2p answer accept --call c8 --wait 10
  p2p answer reject \"Busy until noon\"")]
pub struct Args {
    /// Take the call, or not
    choice: Choice,
    #[command(flatten)]
    words: Words,
    /// Which call, when more than one rings
    #[arg(long)]
    call: Option<String>,
    /// Wait so long until both ends are in the call
    #[arg(long, value_name = "SECS")]
    wait: Option<u64>,
}

/// Yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Choice {
    Accept,
    Reject,
}

/// Answers the call.
///
/// # Errors
/// The daemon's; where it was waited for, why the call ended.
pub fn run(args: &Args, session: &mut Session) -> Ending {
    let accept = args.choice == Choice::Accept;
    let reason = args.words.optional("reason", OPENING_LIMIT)?;
    if accept && reason.is_some() {
        return Err(usage("accepting takes no reason: accept first, and then send it")
            .hint("p2p answer accept\np2p send \"<text>\"")
            .into());
    }
    let call = session.call(&AnswerParams { call: args.call.clone(), accept, reason })?;
    let Some(wait_s) = args.wait.filter(|_| accept) else {
        return Ok(Outcome::new(Answered { call, reached: None, waiting: None }));
    };
    let (call, waiting) = wait::follow_call(session, call, WaitClock::start(wait_s))?;
    let over = (call.state == CallState::Ended).then(|| wait::ended(&call));
    let reached = waiting.reached;
    let shown = Answered { call, reached: Some(reached), waiting: Some(waiting) };
    match over {
        Some(error) => Err(Failure::with(error, shown)),
        None => Ok(Outcome::new(shown).reached(reached)),
    }
}

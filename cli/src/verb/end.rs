//! `p2p end`: ends, cancels or rejects a call, and shows its last messages.

use p2p_ipc::method::EndParams;

use crate::input::{OPENING_LIMIT, Words};
use crate::outcome::{Ending, Outcome};
use crate::session::Session;

/// Arguments of `end`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  p2p end\n  p2p end --call c7 \"Thanks, all done\"")]
pub struct Args {
    #[command(flatten)]
    words: Words,
    /// The call, if more than one is open
    #[arg(long)]
    call: Option<String>,
}

/// Ends the call.
///
/// # Errors
/// Fails if the daemon refuses the request.
pub fn run(args: &Args, session: &mut Session) -> Ending {
    let reason = args.words.optional("reason", OPENING_LIMIT)?;
    Ok(Outcome::new(session.call(&EndParams { call: args.call.clone(), reason })?))
}

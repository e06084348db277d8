//! `p2p end`: ends, cancels or refuses a call, and shows its last words.

use p2p_ipc::method::EndParams;

use crate::input::{OPENING_LIMIT, Words};
use crate::outcome::{Ending, Outcome};
use crate::session::Session;

/// What `end` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  p2p end\n  p2p end --call c7 \"Thanks, all done\"")]
pub struct Args {
    #[command(flatten)]
    words: Words,
    /// Which call, when it is not clear
    #[arg(long)]
    call: Option<String>,
}

/// Ends the call.
///
/// # Errors
/// The daemon's.
pub fn run(args: &Args, session: &mut Session) -> Ending {
    let reason = args.words.optional("reason", OPENING_LIMIT)?;
    Ok(Outcome::new(session.call(&EndParams { call: args.call.clone(), reason })?))
}

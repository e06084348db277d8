//! `p2p calls`: calls, newest first.

use clap::value_parser;
use p2p_ipc::method::CallsParams;

use crate::outcome::{Ending, Outcome};
use crate::session::Session;

/// Arguments of `calls`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  p2p calls\n  p2p calls --limit 50 --json")]
pub struct Args {
    /// Maximum number to show
    #[arg(long, default_value_t = 20, value_parser = value_parser!(u32).range(1..))]
    limit: u32,
}

/// Lists calls.
///
/// # Errors
/// Fails if the daemon refuses the request.
pub fn run(args: &Args, session: &mut Session) -> Ending {
    Ok(Outcome::new(session.call(&CallsParams { limit: args.limit })?))
}

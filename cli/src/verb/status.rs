//! `p2p status`: the identity, relays, calls and unread items.

use std::time::Duration;

use p2p_ipc::method::StatusParams;

use crate::outcome::{Ending, Outcome, PendingLine};
use crate::render::status::Full;
use crate::session::Session;

/// Arguments of `status`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  p2p status\n  p2p status --probe --json")]
pub struct Args {
    /// Measure a round trip to each relay first
    #[arg(long)]
    probe: bool,
}

/// Shows the full status.
///
/// # Errors
/// Fails if the daemon refuses the request.
pub fn run(args: &Args, session: &mut Session) -> Ending {
    let params = StatusParams { probe: args.probe, reader: session.reader.clone() };
    let probing = Duration::from_secs(if args.probe { 20 } else { 0 });
    let status = session.call_within(&params, probing)?;
    Ok(Outcome::new(Full(status)).pending_line(PendingLine::Shown))
}

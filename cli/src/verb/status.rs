//! `p2p status`: who we are, which relays, which calls, what waits.

use std::time::Duration;

use p2p_ipc::method::StatusParams;

use crate::outcome::{Ending, Outcome, PendingLine};
use crate::render::status::Full;
use crate::session::Session;

/// What `status` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  p2p status\n  p2p status --probe --json")]
pub struct Args {
    /// Measure a round trip to each relay first
    #[arg(long)]
    probe: bool,
}

/// Shows everything.
///
/// # Errors
/// The daemon's.
pub fn run(args: &Args, session: &mut Session) -> Ending {
    let params = StatusParams { probe: args.probe, reader: session.reader.clone() };
    let probing = Duration::from_secs(if args.probe { 20 } else { 0 });
    let status = session.call_within(&params, probing)?;
    Ok(Outcome::new(Full(status)).pending_line(PendingLine::Shown))
}

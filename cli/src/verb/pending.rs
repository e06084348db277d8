//! `p2p pending`: one line about unread items, for a prompt or a hook. It contains no text from
//! peers, marks nothing as read, and starts no daemon.

use crate::outcome::{Ending, Outcome, PendingLine};
use crate::render::status::Waits;
use crate::session::Session;

/// Arguments of `pending`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  p2p pending\n  p2p pending --reader me\n\nPrints nothing when nothing waits, or no daemon runs; exits with 0 then, too."
)]
pub struct Args {
    /// Count by the cursor of this name [env: P2P_READER]
    #[arg(long, value_name = "NAME")]
    reader: Option<String>,
}

/// Shows the line.
///
/// # Errors
/// Fails if a running daemon refuses the request.
pub fn run(args: &Args, session: &mut Session) -> Ending {
    if let Some(reader) = &args.reader {
        session.reader = Some(reader.clone());
    }
    // Without a daemon, no unread items are known.
    let pending = if session.daemon.join_running()? { session.pending() } else { None };
    Ok(Outcome::new(Waits(pending.unwrap_or_default())).pending_line(PendingLine::Shown))
}

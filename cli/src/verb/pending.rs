//! `p2p pending`: one line about what waits, for a prompt or a hook. It holds no peer's words,
//! consumes nothing and starts nothing.

use crate::outcome::{Ending, Outcome, PendingLine};
use crate::render::status::Waits;
use crate::session::Session;

/// What `pending` takes.
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
/// When a daemon is there but refuses.
pub fn run(args: &Args, session: &mut Session) -> Ending {
    if let Some(reader) = &args.reader {
        session.reader = Some(reader.clone());
    }
    // Without a daemon nothing is known to wait.
    let pending = if session.daemon.join_running()? { session.pending() } else { None };
    Ok(Outcome::new(Waits(pending.unwrap_or_default())).pending_line(PendingLine::Shown))
}

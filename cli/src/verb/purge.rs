//! `p2p purge`: deletes calls that are over.

use clap::value_parser;
use p2p_ipc::method::PurgeParams;

use crate::outcome::{Ending, Outcome};
use crate::render::purge::Deleted;
use crate::session::Session;

/// What `purge` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  p2p purge c7
  p2p purge --older-than 30
  p2p purge --older-than 30 --yes

Without --yes nothing is deleted: it says what would be. Files that came in a call are deleted from
the downloads folder too. A call that is open, unread, or still on its way to the peer stays; for
one that was named this way that is exit 9.")]
pub struct Args {
    /// A call that is over: `c7`
    #[arg(required_unless_present = "older_than")]
    call: Option<String>,
    /// All calls that ended so many days ago, or longer
    #[arg(long, value_name = "DAYS", conflicts_with = "call",
          value_parser = value_parser!(u32).range(..=36_500))]
    older_than: Option<u32>,
    /// Do it
    #[arg(long)]
    yes: bool,
}

/// Deletes them, or says what it would.
///
/// # Errors
/// When the call that was named stays, and the daemon's.
pub fn run(args: &Args, session: &mut Session) -> Ending {
    let (call, older_than_days) = (args.call.clone(), args.older_than);
    let again = match (&call, older_than_days) {
        (Some(call), _) => crate::render::words::shell_word(call),
        (None, days) => format!("--older-than {}", days.unwrap_or_default()),
    };
    let purged = session.call(&PurgeParams { call, older_than_days, confirmed: args.yes })?;
    Ok(Outcome::new(Deleted { purged, command: format!("p2p purge {again} --yes") }))
}

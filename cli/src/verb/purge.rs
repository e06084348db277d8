//! `p2p purge`: deletes ended calls.

use clap::value_parser;
use p2p_ipc::method::PurgeParams;

use crate::outcome::{Ending, Outcome};
use crate::render::purge::Deleted;
use crate::session::Session;

/// Arguments of `purge`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  p2p purge c7
  p2p purge --older-than 30
  p2p purge --older-than 30 --yes

Without --yes nothing is deleted: it says what would be. Files that came in a call are deleted from
the downloads folder too. A call that is open, unread, or still on its way to the peer stays; for
one that was named this way that is exit 9.")]
pub struct Args {
    /// An ended call: `c7`
    #[arg(required_unless_present = "older_than")]
    call: Option<String>,
    /// All calls that ended this many days ago, or earlier
    #[arg(long, value_name = "DAYS", conflicts_with = "call",
          value_parser = value_parser!(u32).range(..=36_500))]
    older_than: Option<u32>,
    /// Delete; without this, only show what would be deleted
    #[arg(long)]
    yes: bool,
}

/// Deletes calls, or shows the calls that would be deleted.
///
/// # Errors
/// Fails if the named call cannot be deleted, or if the daemon refuses the request.
pub fn run(args: &Args, session: &mut Session) -> Ending {
    let (call, older_than_days) = (args.call.clone(), args.older_than);
    let again = match (&call, older_than_days) {
        (Some(call), _) => crate::render::words::shell_word(call),
        (None, days) => format!("--older-than {}", days.unwrap_or_default()),
    };
    let purged = session.call(&PurgeParams { call, older_than_days, confirmed: args.yes })?;
    Ok(Outcome::new(Deleted { purged, command: format!("p2p purge {again} --yes") }))
}

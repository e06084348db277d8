//! `p2p cancel`: takes back a message that has not gone out.

use p2p_ipc::method::CancelParams;

use crate::outcome::{Ending, Outcome};
use crate::session::Session;

/// What `cancel` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  p2p cancel m41
  p2p cancel f3 --json

What waits for the answer to a call, or for a relay to be there, can be taken back: then nobody
ever hears it, by whatever relay. Once a relay was sent it, it is too late: exit 9, and nothing
changes. So it is for what an earlier run of the daemon may have sent.")]
pub struct Args {
    /// A message or a file of ours: `m41`, `f3`
    message: String,
}

/// Takes it back.
///
/// # Errors
/// The daemon's; that it is too late.
pub fn run(args: &Args, session: &mut Session) -> Ending {
    Ok(Outcome::new(session.call(&CancelParams { message: args.message.clone() })?))
}

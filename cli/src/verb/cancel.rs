//! `p2p cancel`: takes back a message that has not gone out.

use p2p_ipc::method::CancelParams;

use crate::outcome::{Ending, Outcome};
use crate::session::Session;

/// Arguments of `cancel`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  p2p cancel m41
  p2p cancel f3 --json

What waits for the answer to a call, or for a relay to be there, can be taken back: then nobody
ever hears it, by whatever relay. Once a relay was sent it, it is too late: exit 9, and nothing
changes. So it is for what an earlier run of the daemon may have sent.")]
pub struct Args {
    /// One of your messages or files: `m41`, `f3`
    message: String,
}

/// Cancels a message or a file.
///
/// # Errors
/// Fails if the message has been transmitted already, or if the daemon refuses the request.
pub fn run(args: &Args, session: &mut Session) -> Ending {
    Ok(Outcome::new(session.call(&CancelParams { message: args.message.clone() })?))
}

//! `p2p whoami`: this agent's name and keys, to give to others.

use p2p_ipc::method::StatusParams;

use crate::outcome::{Ending, Outcome};
use crate::render::status::Whoami;
use crate::session::Session;

/// Arguments of `whoami`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  p2p whoami\n  p2p whoami --json")]
pub struct Args {}

/// Shows the identity.
///
/// # Errors
/// Fails if the daemon refuses the request.
pub fn run(_: &Args, session: &mut Session) -> Ending {
    Ok(Outcome::new(Whoami(session.call(&StatusParams::default())?.identity)))
}

//! `p2p questions`: what the human was asked, and the answers.

use p2p_ipc::method::QuestionsParams;

use crate::outcome::{Ending, Outcome};
use crate::session::Session;

/// What `questions` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  p2p questions\n  p2p questions --json")]
pub struct Args {}

/// Lists them.
///
/// # Errors
/// The daemon's.
pub fn run(_: &Args, session: &mut Session) -> Ending {
    Ok(Outcome::new(session.call(&QuestionsParams {})?))
}

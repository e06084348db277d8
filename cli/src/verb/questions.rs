//! `p2p questions`: questions to the human, and the answers.

use p2p_ipc::method::QuestionsParams;

use crate::outcome::{Ending, Outcome};
use crate::session::Session;

/// Arguments of `questions`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  p2p questions\n  p2p questions --json")]
pub struct Args {}

/// Lists questions.
///
/// # Errors
/// Fails if the daemon refuses the request.
pub fn run(_: &Args, session: &mut Session) -> Ending {
    Ok(Outcome::new(session.call(&QuestionsParams {})?))
}

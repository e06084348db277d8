//! `p2p demo`: two agents on this machine go through every verb, over a relay of their own. Each
//! step is checked, so the demo is also a test of the installation.

mod play;
mod stage;

use std::sync::Arc;

use p2p_ipc::{ErrorCode, RpcError};

use crate::interrupt::Interrupts;
use crate::outcome::{Ending, Outcome, PendingLine};
use crate::render::service::Demonstrated;
use crate::session::Session;
use p2p_client::wait::Waited;
use stage::Stage;

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  p2p demo\n\nNeeds no network and touches no identity of yours; takes some fifteen seconds."
)]
pub struct Args {}

/// Runs the demo.
///
/// # Errors
/// Fails if a step does not have the expected result.
pub fn run(_: &Args, session: &Session) -> Ending {
    let interrupts = Interrupts::listen()?;
    let stage = Arc::new(Stage::set(session.screen)?);
    let actors = Arc::clone(&stage);
    let waited = interrupts.or(move || play::run(&actors));
    // Cleans up in every case, before the result is reported.
    let (steps, seconds) = stage.clear();
    match waited? {
        Waited::Answer(played) => played?,
        Waited::Interrupted => {
            return Err(RpcError::new(ErrorCode::Internal, "the demo was interrupted").into());
        }
    }
    Ok(Outcome::new(Demonstrated { steps, seconds }).pending_line(PendingLine::Shown))
}

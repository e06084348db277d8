//! `p2p readers`: names under which the inbox is read.

use clap::Subcommand;
use p2p_ipc::method::{ReadersParams, RemoveReaderParams};

use crate::outcome::{Ending, Outcome};
use crate::render::readers::RemovedReader;
use crate::session::Session;

/// Arguments of `readers`.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  p2p readers
  p2p readers remove nightly

Each `--reader NAME` of inbox, wait and watch has its own place in the inbox. Nothing is deleted
before every reader was shown it: remove a reader that no longer reads."
)]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
}

/// The action; without one, readers are listed.
#[derive(Debug, Subcommand)]
enum Action {
    /// Remove a reader
    #[command(after_help = "Examples:\n  p2p readers remove nightly")]
    Remove {
        /// The reader's name
        name: String,
    },
}

/// Lists the readers, or removes one.
///
/// # Errors
/// Fails if the daemon refuses the request.
pub fn run(args: &Args, session: &mut Session) -> Ending {
    match &args.action {
        None => Ok(Outcome::new(session.call(&ReadersParams {})?)),
        Some(Action::Remove { name }) => {
            session.call(&RemoveReaderParams { name: name.clone() })?;
            Ok(Outcome::new(RemovedReader { removed: name.clone() }))
        }
    }
}

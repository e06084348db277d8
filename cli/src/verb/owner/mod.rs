//! `p2p owner`: actions of the human behind this agent at a terminal, and pairing.

mod order;
mod pair;
mod passphrase;
mod proof;

use clap::Subcommand;
use p2p_ipc::method::OwnerParams;

use crate::outcome::{Ending, Outcome};
use crate::session::Session;

/// Arguments of `owner`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  p2p owner
  p2p owner pair
  p2p owner answer q2 \"yes\"
  p2p owner takeover --call c7

Once somebody owns this agent, what changes something asks for the owner's passphrase, or for a
one-time code that an owner gets by sending /code to the agent. It is typed at a terminal: where
there is none, that is exit 9. An owner can do all of it by direct message too: /help says how.")]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
}

/// Actions.
#[derive(Debug, Subcommand)]
enum Action {
    /// Show the owners of this agent
    #[command(after_help = "Examples:\n  p2p owner show --json")]
    Show,
    /// Pair a human: shows a code that they send to this agent
    Pair(pair::Args),
    /// Set, change or remove the passphrase
    Passphrase(passphrase::Args),
    #[command(flatten)]
    Order(order::Order),
}

/// Runs the action.
///
/// # Errors
/// `owner_only` without a terminal, `wrong_proof`, and errors of the daemon.
pub fn run(args: &Args, session: &mut Session) -> Ending {
    match &args.action {
        None | Some(Action::Show) => Ok(Outcome::new(session.call(&OwnerParams::default())?)),
        Some(Action::Pair(args)) => pair::run(args, session),
        Some(Action::Passphrase(args)) => passphrase::run(args, session),
        Some(Action::Order(order)) => order::run(order, session),
    }
}

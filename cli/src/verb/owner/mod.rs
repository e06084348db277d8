//! `p2p owner`: what the human behind this agent does at a terminal, and how to become that.

mod order;
mod pair;
mod passphrase;
mod proof;

use clap::Subcommand;
use p2p_ipc::method::OwnerParams;

use crate::outcome::{Ending, Outcome};
use crate::session::Session;

/// What `owner` takes.
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

/// What to do.
#[derive(Debug, Subcommand)]
enum Action {
    /// Who owns this agent
    #[command(after_help = "Examples:\n  p2p owner show --json")]
    Show,
    /// Pair a human: shows a code that they send to this agent
    Pair(pair::Args),
    /// Set, change or remove the passphrase
    Passphrase(passphrase::Args),
    #[command(flatten)]
    Order(order::Order),
}

/// Does it.
///
/// # Errors
/// `owner_only` without a terminal, `wrong_proof`, and the daemon's.
pub fn run(args: &Args, session: &mut Session) -> Ending {
    match &args.action {
        None | Some(Action::Show) => Ok(Outcome::new(session.call(&OwnerParams::default())?)),
        Some(Action::Pair(args)) => pair::run(args, session),
        Some(Action::Passphrase(args)) => passphrase::run(args, session),
        Some(Action::Order(order)) => order::run(order, session),
    }
}

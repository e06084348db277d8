//! `p2p contacts`: names for keys, and who may ring.

use clap::Subcommand;
use p2p_ipc::method::{ContactAction, ContactsParams, EditContactParams};

use crate::outcome::{Ending, Outcome};
use crate::render::contact::Changed;
use crate::session::Session;

/// Arguments of `contacts`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  p2p contacts\n  p2p contacts add npub1x7kabcdefg bob\n  p2p contacts block mallory"
)]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
}

/// Actions.
#[derive(Debug, Subcommand)]
enum Action {
    /// List contacts
    #[command(after_help = "Examples:\n  p2p contacts list --json")]
    List,
    /// Pin a name to a key
    #[command(after_help = "Examples:\n  p2p contacts add npub1x7kabcdefg bob")]
    Add {
        /// An npub, 64 hex digits, or a key that `list` showed
        agent: String,
        /// The contact's name [default: the name that the agent claims]
        name: Option<String>,
    },
    /// Let an agent ring; undoes a block
    #[command(after_help = "Examples:\n  p2p contacts allow npub1x7kabcdefg")]
    Allow {
        /// A contact or a key
        agent: String,
    },
    /// Drop everything from an agent
    #[command(after_help = "Examples:\n  p2p contacts block mallory")]
    Block {
        /// A contact or a key
        agent: String,
    },
    /// Remove a contact
    #[command(after_help = "Examples:\n  p2p contacts remove bob")]
    Remove {
        /// A contact or a key
        agent: String,
    },
}

/// Lists or changes contacts.
///
/// # Errors
/// Fails if the daemon refuses the request.
pub fn run(args: &Args, session: &mut Session) -> Ending {
    let (change, agent, name, action) = match &args.action {
        None | Some(Action::List) => return Ok(Outcome::new(session.call(&ContactsParams {})?)),
        Some(Action::Add { agent, name }) => (ContactAction::Add, agent, name.clone(), "added"),
        Some(Action::Allow { agent }) => (ContactAction::Allow, agent, None, "allowed"),
        Some(Action::Block { agent }) => (ContactAction::Block, agent, None, "blocked"),
        Some(Action::Remove { agent }) => (ContactAction::Remove, agent, None, "removed"),
    };
    let edited = session.call(&EditContactParams { action: change, agent: agent.clone(), name })?;
    Ok(Outcome::new(Changed { action, edited }))
}

//! `p2p owner passphrase`: the passphrase that proves the owner at a terminal.

use p2p_ipc::method::{OwnerParams, PassphraseParams};

use crate::outcome::{Ending, Outcome};
use crate::render::owner::Passphrase;
use crate::session::Session;
use crate::terminal;

/// Arguments of `owner passphrase`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  p2p owner passphrase
  p2p owner passphrase --remove

It is typed twice, at a terminal, by who owns this agent: for the first one an owner sends /code to
the agent and types what comes back. It is void when an owner is removed.")]
pub struct Args {
    /// Remove the passphrase
    #[arg(long)]
    remove: bool,
}

/// Sets or removes the passphrase.
///
/// # Errors
/// `owner_only` without a terminal, `wrong_proof`.
pub fn run(args: &Args, session: &mut Session) -> Ending {
    let state = session.call(&OwnerParams::default())?;
    let proof = super::proof::ask(&state)?;
    let new = if args.remove { None } else { Some(terminal::new_passphrase()?) };
    let set = new.is_some();
    session.call(&PassphraseParams { proof, new })?;
    Ok(Outcome::new(Passphrase { set }))
}

//! `p2p invite`: tokens that let strangers ring.

use clap::{Subcommand, value_parser};
use p2p_ipc::method::{InviteParams, InvitesParams, RevokeInviteParams};

use crate::outcome::{Ending, Outcome};
use crate::render::invite::Revoked;
use crate::session::Session;

/// Arguments of `invite`.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  p2p invite
  p2p invite --uses 5 --hours 168
  p2p invite list
  p2p invite revoke 3

Prints a token. A stranger who calls with it rings like a contact, and is one from then on, under
the policies ask and allow-list. It is shown once; only its hash is kept."
)]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    /// Number of strangers who may ring with it
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = value_parser!(u32).range(1..=1000))]
    uses: u32,
    /// Hours until it expires
    #[arg(long, default_value_t = 24, value_name = "HOURS", value_parser = value_parser!(u32).range(1..=8784))]
    hours: u32,
}

/// Actions.
#[derive(Debug, Subcommand)]
enum Action {
    /// List the valid tokens
    #[command(after_help = "Examples:\n  p2p invite list")]
    List,
    /// Revoke a token
    #[command(after_help = "Examples:\n  p2p invite revoke 3")]
    Revoke {
        /// The token's number, shown by `list`
        id: u32,
    },
}

/// Makes, lists or revokes tokens.
///
/// # Errors
/// Fails if the daemon refuses the request.
pub fn run(args: &Args, session: &mut Session) -> Ending {
    match args.action {
        None => {
            let (uses, hours) = (args.uses, args.hours);
            Ok(Outcome::new(session.call(&InviteParams { uses, hours })?))
        }
        Some(Action::List) => Ok(Outcome::new(session.call(&InvitesParams {})?)),
        Some(Action::Revoke { id }) => {
            session.call(&RevokeInviteParams { id })?;
            Ok(Outcome::new(Revoked { revoked: id }))
        }
    }
}

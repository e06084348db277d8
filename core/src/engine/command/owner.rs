//! Commands about owners and invites.

use super::super::execute::Command;
use super::super::{Engine, Refusal};
use crate::human::command::OwnerCommand;
use crate::ids::PublicKey;
use crate::invite::Token;
use crate::record::Invite;
use crate::text::Text;
use crate::time::Time;

/// Begins to pair an owner.
#[derive(Debug, Clone, Copy)]
pub struct Pair {
    /// The only key that may use the code.
    pub only: Option<PublicKey>,
    /// True if an owner has proven to be behind the command.
    pub proven: bool,
}

/// A code by which an owner is paired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairingCode {
    /// The code, as it is shown.
    pub code: Text,
    /// Time of expiry.
    pub until: Time,
}

impl Command for Pair {
    type Reply = PairingCode;

    fn run(self, engine: &mut Engine, now: Time) -> Result<PairingCode, Refusal> {
        engine.pair(now, self.only, self.proven)
    }
}

/// Carries out a command of an authenticated owner. The reply is for the owner.
#[derive(Debug, Clone)]
pub struct OwnerOrder(pub OwnerCommand);

impl Command for OwnerOrder {
    type Reply = Text;

    fn run(self, engine: &mut Engine, now: Time) -> Result<Text, Refusal> {
        engine.command_at_terminal(now, self.0)
    }
}

/// Carries out a command without authentication, if the command needs none.
#[derive(Debug, Clone)]
pub struct UnauthenticatedOrder(pub OwnerCommand);

impl Command for UnauthenticatedOrder {
    type Reply = Text;

    fn run(self, engine: &mut Engine, now: Time) -> Result<Text, Refusal> {
        engine.unauthenticated(now, self.0)
    }
}

/// Uses up a code that an owner got by direct message and typed at the terminal.
#[derive(Debug, Clone)]
pub struct RedeemCode(pub Text);

impl Command for RedeemCode {
    type Reply = ();

    fn run(self, engine: &mut Engine, now: Time) -> Result<(), Refusal> {
        engine.redeem(now, &self.0)
    }
}

/// Makes a token that lets a stranger ring. The reply is its number and the token.
#[derive(Debug, Clone, Copy)]
pub struct CreateInvite {
    /// Number of times that the token can be used.
    pub uses: u32,
    /// Lifetime of the token, in seconds.
    pub lifetime: u64,
}

impl Command for CreateInvite {
    type Reply = (u32, Token);

    fn run(self, engine: &mut Engine, now: Time) -> Result<(u32, Token), Refusal> {
        engine.invite(now, self.uses, self.lifetime)
    }
}

/// Revokes an invite.
#[derive(Debug, Clone, Copy)]
pub struct RevokeInvite(pub u32);

impl Command for RevokeInvite {
    type Reply = ();

    fn run(self, engine: &mut Engine, _: Time) -> Result<(), Refusal> {
        engine.revoke(self.0).then_some(()).ok_or(Refusal::NoInvite)
    }
}

/// Lists the invites that are still valid.
#[derive(Debug, Clone, Copy)]
pub struct ListInvites;

impl Command for ListInvites {
    type Reply = Vec<Invite>;

    fn run(self, engine: &mut Engine, now: Time) -> Result<Vec<Invite>, Refusal> {
        engine.forget_invites(now);
        Ok(engine.invites.values().copied().collect())
    }
}

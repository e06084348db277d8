//! `p2p invite`: tokens that let strangers ring.

use p2p_core::engine::command;
use p2p_core::record;
use p2p_ipc::method::{Done, Invite, Invites, InvitesResult, MadeInvite, MakeInvite, RevokeInvite};
use p2p_ipc::{ErrorCode, RpcError};

use super::handler::{Attention, Effect, Handler};
use crate::context::Context;

impl Handler for MakeInvite {
    const EFFECT: Effect = Effect::Acts;
    const ATTENTION: Attention = Attention::Agent;

    async fn handle(self, context: &Context) -> Result<MadeInvite, RpcError> {
        let lifetime = u64::from(self.hours) * 3600;
        let create = command::CreateInvite { uses: self.uses, lifetime };
        let (id, token) = context.engine.command(create).await?;
        let known = good(context).await?.into_iter().find(|invite| invite.id == id);
        let gone = || RpcError::new(ErrorCode::Internal, "the new invite is not valid any more");
        let invite = known.ok_or_else(gone)?;
        Ok(MadeInvite { invite, token: token.to_string(), npub: context.me.npub() })
    }
}

impl Handler for Invites {
    const EFFECT: Effect = Effect::Reads;

    async fn handle(self, context: &Context) -> Result<InvitesResult, RpcError> {
        Ok(InvitesResult { invites: good(context).await? })
    }
}

impl Handler for RevokeInvite {
    const EFFECT: Effect = Effect::Acts;
    const ATTENTION: Attention = Attention::Agent;

    async fn handle(self, context: &Context) -> Result<Done, RpcError> {
        context.engine.command(command::RevokeInvite(self.id)).await?;
        Ok(Done {})
    }
}

async fn good(context: &Context) -> Result<Vec<Invite>, RpcError> {
    let invites = context.engine.command(command::ListInvites).await?;
    let shown = |record::Invite { id, uses, expires, at, .. }| Invite {
        id,
        uses,
        expires_ms: expires.0,
        made_ms: at.0,
    };
    Ok(invites.into_iter().map(shown).collect())
}

//! `p2p invite`: tokens that let strangers ring.

use p2p_core::engine::command;
use p2p_core::record;
use p2p_ipc::method::{
    Done, InviteParams, InviteResult, InviteView, InvitesParams, InvitesResult, RevokeInviteParams,
};
use p2p_ipc::{ErrorCode, RpcError};

use super::handler::{Attention, Effect, Handler};
use crate::context::Context;

impl Handler for InviteParams {
    const EFFECT: Effect = Effect::Acts;
    const ATTENTION: Attention = Attention::Agent;

    async fn handle(self, context: &Context) -> Result<InviteResult, RpcError> {
        let lifetime = u64::from(self.hours) * 3600;
        let create = command::CreateInvite { uses: self.uses, lifetime };
        let (id, token) = context.engine.command(create).await?;
        let known = good(context).await?.into_iter().find(|invite| invite.id == id);
        let gone = || RpcError::new(ErrorCode::Internal, "the new invite is not valid any more");
        let invite = known.ok_or_else(gone)?;
        Ok(InviteResult { invite, token: token.to_string(), npub: context.me.npub() })
    }
}

impl Handler for InvitesParams {
    const EFFECT: Effect = Effect::Reads;

    async fn handle(self, context: &Context) -> Result<InvitesResult, RpcError> {
        Ok(InvitesResult { invites: good(context).await? })
    }
}

impl Handler for RevokeInviteParams {
    const EFFECT: Effect = Effect::Acts;
    const ATTENTION: Attention = Attention::Agent;

    async fn handle(self, context: &Context) -> Result<Done, RpcError> {
        context.engine.command(command::RevokeInvite(self.id)).await?;
        Ok(Done {})
    }
}

async fn good(context: &Context) -> Result<Vec<InviteView>, RpcError> {
    let invites = context.engine.command(command::ListInvites).await?;
    let shown = |record::Invite { id, uses, expires, at, .. }| InviteView {
        id,
        uses_left: uses,
        expires_ms: expires.0,
        created_ms: at.0,
    };
    Ok(invites.into_iter().map(shown).collect())
}

//! `p2p invite`: tokens that let strangers ring.

use p2p_core::engine::command;
use p2p_core::record;
use p2p_ipc::method::{Done, Invite, Invites, InvitesResult, MadeInvite, MakeInvite, RevokeInvite};
use p2p_ipc::{ErrorCode, RpcError};

use crate::service::Service;

pub(super) async fn make(service: &Service, params: MakeInvite) -> Result<MadeInvite, RpcError> {
    service.act();
    let lifetime = u64::from(params.hours) * 3600;
    let create = command::CreateInvite { uses: params.uses, lifetime };
    let (id, token) = service.host.command(create).await?;
    let known = good(service).await?.into_iter().find(|invite| invite.id == id);
    let gone = || RpcError::new(ErrorCode::Internal, "the new invite is not valid any more");
    let invite = known.ok_or_else(gone)?;
    Ok(MadeInvite { invite, token: token.to_string(), npub: service.me.npub() })
}

pub(super) async fn list(service: &Service, _: Invites) -> Result<InvitesResult, RpcError> {
    Ok(InvitesResult { invites: good(service).await? })
}

pub(super) async fn revoke(service: &Service, params: RevokeInvite) -> Result<Done, RpcError> {
    service.act();
    service.host.command(command::RevokeInvite(params.id)).await?;
    Ok(Done {})
}

async fn good(service: &Service) -> Result<Vec<Invite>, RpcError> {
    let invites = service.host.command(command::ListInvites).await?;
    let shown = |record::Invite { id, uses, expires, at, .. }| Invite {
        id,
        uses,
        expires_ms: expires.0,
        made_ms: at.0,
    };
    Ok(invites.into_iter().map(shown).collect())
}

//! `p2p owner pair`: a code that a human sends to this agent, to own it.

use p2p_core::PublicKey;
use p2p_core::engine::command;
use p2p_ipc::method::{OwnerPairParams, PairingCode};
use p2p_ipc::{ErrorCode, RpcError};

use super::proof;
use crate::context::Context;
use crate::verb::handler::{Effect, Handler};

impl Handler for OwnerPairParams {
    const EFFECT: Effect = Effect::Acts;

    async fn handle(self, context: &Context) -> Result<PairingCode, RpcError> {
        let only = self.only.as_deref().map(key).transpose()?;
        let proven = !proof::unowned(context)?;
        if proven {
            proof::prove(context, self.proof.as_deref()).await?;
        }
        let command::PairingCode { code, until } =
            context.engine.command(command::Pair { only, proven }).await?;
        let npub = context.me.npub();
        let uri = format!("nostr:{npub}");
        Ok(PairingCode { code: code.into(), expires_ms: until.0, npub, uri })
    }
}

/// Returns a whole key. The beginning of a key is not enough to name an owner.
fn key(text: &str) -> Result<PublicKey, RpcError> {
    let text = text.trim();
    let text = text.strip_prefix("nostr:").unwrap_or(text);
    PublicKey::parse(text).map_err(|_| {
        let message = format!("{text:?} is neither an npub nor 64 hex digits");
        RpcError::new(ErrorCode::NoAgent, message).hint("p2p owner pair")
    })
}

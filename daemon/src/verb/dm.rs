//! `p2p dm`: a direct message, outside any call, that any NIP-17 app can read.

use std::time::Duration;

use p2p_core::engine::Input;
use p2p_core::record::Speaks;
use p2p_core::{Conversation, PublicKey};
use p2p_ipc::RpcError;
use p2p_ipc::method::{DmParams, SendResult};

use super::handler::{Attention, Effect, Handler};
use super::{resolve, send};
use crate::context::Context;
use crate::errors::unreadable;

/// Longest wait of `dm` to learn what kind of app a contact uses.
const LOOKUP: Duration = Duration::from_secs(2);

impl Handler for DmParams {
    const EFFECT: Effect = Effect::Acts;
    const ATTENTION: Attention = Attention::Agent;

    async fn handle(self, context: &Context) -> Result<SendResult, RpcError> {
        let peer = resolve::agent(context, &context.reader(), &self.to)?;
        recognize(context, peer).await?;
        send::say(context, Conversation::Direct(peer), self.text, self.again).await
    }
}

/// Looks up whether a contact that never spoke to us is an agent like this one: then the message
/// is numbered and acknowledged, instead of plain.
async fn recognize(context: &Context, peer: PublicKey) -> Result<(), RpcError> {
    let known = context.reader().peer(peer).map_err(unreadable)?;
    let unknown = known.is_some_and(|known| known.speaks == Speaks::Unknown);
    if !unknown {
        return Ok(());
    }
    let lookup = tokio::time::timeout(LOOKUP, context.relays.speaks_p2p(peer));
    if lookup.await == Ok(Some(true)) {
        context.engine.input(Input::AgentFound { peer }).await;
    }
    Ok(())
}

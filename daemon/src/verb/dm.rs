//! `p2p dm`: a direct message, outside any call, that any NIP-17 app can read.

use p2p_core::Conversation;
use p2p_ipc::RpcError;
use p2p_ipc::method::{DmParams, SendResult};

use super::handler::{Attention, Effect, Handler};
use super::{resolve, send};
use crate::context::Context;

impl Handler for DmParams {
    const EFFECT: Effect = Effect::Acts;
    const ATTENTION: Attention = Attention::Agent;

    async fn handle(self, context: &Context) -> Result<SendResult, RpcError> {
        let peer = resolve::agent(context, &context.reader(), &self.to)?;
        send::say(context, Conversation::Direct(peer), self.text, self.again).await
    }
}

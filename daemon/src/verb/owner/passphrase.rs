//! `p2p owner passphrase`: what proves an owner at a terminal.

use p2p_ipc::method::{Done, PassphraseParams};
use p2p_ipc::{ErrorCode, RpcError};

use super::proof;
use crate::context::Context;
use crate::passphrase;
use crate::verb::handler::{Effect, Handler};

/// The shortest, in characters.
const SHORTEST: usize = 8;
/// The longest, in bytes.
const LONGEST: usize = 1024;

impl Handler for PassphraseParams {
    const EFFECT: Effect = Effect::Acts;

    async fn handle(self, context: &Context) -> Result<Done, RpcError> {
        let new = self.new.as_deref();
        if let Some(new) = new.filter(|new| new.chars().count() < SHORTEST || new.len() > LONGEST) {
            let size = new.chars().count();
            let message = format!("a passphrase of {size} characters: it takes {SHORTEST} or more");
            return Err(RpcError::new(ErrorCode::Usage, message).hint("p2p owner passphrase"));
        }
        // One that was set before would be the agent's own.
        if proof::unowned(context)? {
            return Err(proof::nobody());
        }
        proof::prove(context, self.proof.as_deref()).await?;
        let hash = match self.new {
            Some(new) => Some(hashed(new).await?),
            None => None,
        };
        if !context.engine.set_passphrase(hash).await {
            let message = "the store could not be written: the passphrase is as it was";
            return Err(RpcError::new(ErrorCode::StoreFailed, message).hint("p2p daemon logs"));
        }
        Ok(Done {})
    }
}

async fn hashed(new: String) -> Result<String, RpcError> {
    let internal =
        |error: &dyn std::fmt::Display| RpcError::new(ErrorCode::Internal, error.to_string());
    let hash = tokio::task::spawn_blocking(move || passphrase::hash(&new)).await;
    hash.map_err(|error| internal(&error))?.map_err(|error| internal(&error))
}

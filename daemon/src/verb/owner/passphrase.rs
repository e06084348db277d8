//! `p2p owner passphrase`: what proves an owner at a terminal.

use p2p_ipc::method::{Done, SetPassphrase};
use p2p_ipc::{ErrorCode, RpcError};

use super::proof;
use crate::passphrase;
use crate::service::Service;

/// The shortest, in characters.
const SHORTEST: usize = 8;
/// The longest, in bytes.
const LONGEST: usize = 1024;

pub async fn run(service: &Service, params: SetPassphrase) -> Result<Done, RpcError> {
    let new = params.new.as_deref();
    if let Some(new) = new.filter(|new| new.chars().count() < SHORTEST || new.len() > LONGEST) {
        let size = new.chars().count();
        let message = format!("a passphrase of {size} characters: it takes {SHORTEST} or more");
        return Err(RpcError::new(ErrorCode::Usage, message).hint("p2p owner passphrase"));
    }
    // One that was set before would be the agent's own.
    if proof::unowned(service)? {
        return Err(proof::nobody());
    }
    proof::prove(service, params.proof.as_deref()).await?;
    let hash = match params.new {
        Some(new) => Some(hashed(new).await?),
        None => None,
    };
    if !service.host.set_passphrase(hash).await {
        let message = "the store could not be written: the passphrase is as it was";
        return Err(RpcError::new(ErrorCode::StoreFailed, message).hint("p2p daemon logs"));
    }
    Ok(Done {})
}

async fn hashed(new: String) -> Result<String, RpcError> {
    let internal =
        |error: &dyn std::fmt::Display| RpcError::new(ErrorCode::Internal, error.to_string());
    let hash = tokio::task::spawn_blocking(move || passphrase::hash(&new)).await;
    hash.map_err(|error| internal(&error))?.map_err(|error| internal(&error))
}

//! Proof that an owner is present: the passphrase, or a code that an owner got by direct message.

use p2p_core::engine::{Refusal, command};
use p2p_ipc::{ErrorCode, RpcError};

use crate::auth_throttle::Proof;
use crate::context::Context;
use crate::errors::{refused, unreadable};
use crate::passphrase;

/// Returns true while nobody owns this agent. Anybody may then pair and set the policy for
/// strangers; the engine checks this again.
pub fn unowned(context: &Context) -> Result<bool, RpcError> {
    Ok(context.reader().owners().map_err(unreadable)?.is_empty())
}

/// Returns the error for an act of an owner while nobody owns this agent.
pub fn nobody() -> RpcError {
    let message = "nobody owns this agent, and only an owner may do that";
    RpcError::new(ErrorCode::OwnerOnly, message).hint("p2p owner pair")
}

/// Checks the proof of an owner.
pub async fn prove(context: &Context, proof: Option<&str>) -> Result<(), RpcError> {
    let Some(proof) = proof else { return Err(refused(&Refusal::OwnerOnly)) };
    match context.auth_throttle.attempt(crate::now, is_right(context, proof)).await? {
        Proof::Right => Ok(()),
        Proof::Wrong => Err(wrong("neither the passphrase nor a code that is still good".into())),
        Proof::Throttled(left) => {
            let left = left.as_secs().max(1);
            Err(wrong(format!("too many proofs were wrong: none is looked at for {left} s")))
        }
    }
}

async fn is_right(context: &Context, proof: &str) -> Result<bool, RpcError> {
    match context.engine.command(command::RedeemCode(proof.into())).await {
        Ok(_) => return Ok(true),
        Err(error) if error.code == ErrorCode::WrongProof => {}
        Err(error) => return Err(error),
    }
    let kept = context.reader().passphrase().map_err(unreadable)?;
    let Some(kept) = kept else { return Ok(false) };
    let proof = proof.to_owned();
    // It takes its time on purpose.
    tokio::task::spawn_blocking(move || passphrase::fits(&kept, &proof))
        .await
        .map_err(|error| RpcError::new(ErrorCode::Internal, error.to_string()))
}

fn wrong(message: String) -> RpcError {
    RpcError::new(ErrorCode::WrongProof, message).hint("p2p owner show")
}

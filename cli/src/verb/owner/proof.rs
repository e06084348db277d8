//! The owner's proof, typed at a terminal.

use p2p_ipc::RpcError;
use p2p_ipc::method::OwnerResult;

use crate::terminal;

/// Asks for the owner's proof, if the agent has an owner.
///
/// # Errors
/// `owner_only` without a terminal.
pub fn ask(state: &OwnerResult) -> Result<Option<String>, RpcError> {
    if state.owners.is_empty() {
        return Ok(None);
    }
    terminal::proof().map(Some)
}

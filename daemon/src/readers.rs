//! The names of readers. Each reader has cursors of its own over the event log.

use p2p_ipc::{ErrorCode, RpcError};

/// The reader that is our agent itself: its cursors count where no reader is named.
pub(crate) const AGENT: &str = "agent";
/// Longest name of a reader, in bytes.
const NAME_LIMIT: usize = 64;

/// Returns the reader that a request names, or the agent.
///
/// # Errors
/// `usage` when the name is empty, too long or has control characters.
pub(crate) fn reader_name(name: Option<&str>) -> Result<&str, RpcError> {
    let name = name.unwrap_or(AGENT);
    if name.is_empty() || name.len() > NAME_LIMIT || name.chars().any(char::is_control) {
        let message = format!("a reader's name has 1 to {NAME_LIMIT} bytes");
        return Err(RpcError::new(ErrorCode::Usage, message));
    }
    Ok(name)
}

//! Rows of the store that a request names and that must exist.

use p2p_ipc::{ErrorCode, RpcError};
use p2p_store::{FileRow, MessageRow, QuestionRow, Reader};

use crate::errors::unreadable;

/// Returns a message.
pub(super) fn message(store: &Reader, handle: u32) -> Result<MessageRow, RpcError> {
    store.message(handle).map_err(unreadable)?.ok_or_else(|| {
        RpcError::new(ErrorCode::NotFound, format!("there is no message m{handle}"))
            .hint("p2p inbox --last 20")
    })
}

/// Returns a file.
pub(super) fn file(store: &Reader, handle: u32) -> Result<FileRow, RpcError> {
    store.file(handle).map_err(unreadable)?.ok_or_else(|| {
        RpcError::new(ErrorCode::NotFound, format!("there is no file f{handle}")).hint("p2p files")
    })
}

/// Returns a question.
pub(super) fn question(store: &Reader, handle: u32) -> Result<QuestionRow, RpcError> {
    store.question(handle).map_err(unreadable)?.ok_or_else(|| {
        let message = format!("there is no question q{handle}");
        RpcError::new(ErrorCode::NotFound, message).hint("p2p questions")
    })
}

//! The async runtime, and the signals that end the process.

use p2p_ipc::{ErrorCode, RpcError};
use tokio::signal::unix::{SignalKind, signal};

/// Builds the runtime.
///
/// # Errors
/// When the system refuses threads or descriptors.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, RpcError> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| RpcError::new(ErrorCode::Internal, format!("no runtime: {e}")))
}

/// Waits for SIGINT or SIGTERM.
pub(crate) async fn terminated() {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

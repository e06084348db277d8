//! The embedded relay as a program: on loopback, in memory, for demos and tests.

use p2p_ipc::{ErrorCode, RpcError};

use p2p_relays::embedded;

use crate::runtime::{runtime, terminated};

/// Serves a relay on `127.0.0.1:port` (0 is any free port) until SIGINT or SIGTERM. `ready` is
/// called with its URL once it takes connections.
///
/// # Errors
/// `no_relay` when the port cannot be bound.
pub fn serve(port: u16, ready: impl FnOnce(&str)) -> Result<(), RpcError> {
    let failed = |what: String| RpcError::new(ErrorCode::NoRelay, what);
    let runtime = runtime()?;
    runtime.block_on(async {
        let relay = embedded::start(port)
            .await
            .map_err(|e| failed(format!("no relay on 127.0.0.1:{port}: {e}")))?;
        ready(relay.url());
        terminated().await;
        relay.stop().await;
        Ok(())
    })
}

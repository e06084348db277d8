//! Waiting: for a change in the store, and for the first relay.

use std::time::Duration;

use p2p_ipc::method::MAX_WAIT_MS;
use p2p_ipc::{ErrorCode, RpcError};

use crate::context::Context;

/// Returns the wait that a request asks for, capped.
pub(super) fn capped(ms: u64) -> Duration {
    Duration::from_millis(ms.min(MAX_WAIT_MS))
}

/// Calls `look` after each change until it finds something. Returns `None` when the time is up.
pub(super) async fn until<T>(
    context: &Context,
    wait: Duration,
    look: impl Fn() -> Result<Option<T>, RpcError>,
) -> Result<Option<T>, RpcError> {
    let mut changes = context.engine.changes();
    let deadline = tokio::time::Instant::now() + wait;
    loop {
        changes.borrow_and_update();
        if let Some(found) = look()? {
            return Ok(Some(found));
        }
        match tokio::time::timeout_at(deadline, changes.changed()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(RpcError::new(ErrorCode::NoDaemon, "the daemon is stopping")),
            Err(_) => return Ok(None),
        }
    }
}

/// Waits a few seconds for the first relay, where the service has just started, and never longer
/// than `at_most`.
///
/// # Errors
/// `no_relay` when none is connected by then.
pub(super) async fn until_connected(context: &Context, at_most: Duration) -> Result<(), RpcError> {
    const PATIENCE: Duration = Duration::from_secs(8);
    const LOOK: Duration = Duration::from_millis(20);
    let deadline = tokio::time::Instant::now() + PATIENCE.min(at_most);
    while context.relays.connected() == 0 {
        if tokio::time::Instant::now() >= deadline {
            return Err(no_relay(context));
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

fn no_relay(context: &Context) -> RpcError {
    let relays = context.relays.status().into_iter();
    let causes: Vec<String> = relays
        .map(|relay| {
            format!("{}: {}", relay.url, relay.cause.as_deref().unwrap_or(relay.state.as_str()))
        })
        .collect();
    let message = match causes.as_slice() {
        [] => "no relay is configured".into(),
        causes => format!("no relay is connected ({})", causes.join("; ")),
    };
    RpcError::new(ErrorCode::NoRelay, message).hint("p2p status --probe")
}

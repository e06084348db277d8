//! `p2p daemon stop`.

use p2p_ipc::RpcError;
use p2p_ipc::method::{Done, StopParams};

use super::handler::{Effect, Handler};
use crate::context::Context;

impl Handler for StopParams {
    const EFFECT: Effect = Effect::Reads;

    async fn handle(self, context: &Context) -> Result<Done, RpcError> {
        // Stopping closes the connection, so that the answer goes first.
        let stop = context.stop.clone();
        tokio::spawn(async move {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            stop.send_replace(true);
        });
        Ok(Done {})
    }
}

//! `p2p calls`: every call, the newest first.

use p2p_ipc::RpcError;
use p2p_ipc::method::{CallsParams, CallsResult};

use super::handler::{Effect, Handler};
use super::presenter::Presenter;
use crate::context::Context;
use crate::errors::unreadable;
use crate::readers::AGENT;

impl Handler for CallsParams {
    const EFFECT: Effect = Effect::Reads;

    async fn handle(self, context: &Context) -> Result<CallsResult, RpcError> {
        let store = context.reader();
        let presenter = Presenter::new(context, &store, None);
        let (rows, remaining) =
            store.calls(AGENT, self.limit.clamp(1, 1000)).map_err(unreadable)?;
        let calls = rows.iter().map(|row| presenter.call(row)).collect::<Result<_, _>>()?;
        Ok(CallsResult { calls, remaining })
    }
}

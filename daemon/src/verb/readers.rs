//! `p2p readers`: lists and removes readers of the inbox. A reader that no longer reads keeps
//! entries and calls from being deleted.

use p2p_core::engine::command::RemoveReader;
use p2p_ipc::method::{Done, ReaderView, ReadersParams, ReadersResult, RemoveReaderParams};
use p2p_ipc::{ErrorCode, RpcError};
use p2p_store::ReaderRow;

use super::handler::{Attention, Effect, Handler};
use crate::context::Context;
use crate::errors::unreadable;
use crate::readers::AGENT;

impl Handler for ReadersParams {
    const EFFECT: Effect = Effect::Reads;

    async fn handle(self, context: &Context) -> Result<ReadersResult, RpcError> {
        let rows = context.reader().readers().map_err(unreadable)?.into_iter();
        let view = |row: ReaderRow| ReaderView {
            name: row.name,
            unread: row.unread,
            shown_to_ms: row.shown_to.map(|at| at.0),
        };
        Ok(ReadersResult { readers: rows.map(view).collect() })
    }
}

impl Handler for RemoveReaderParams {
    const EFFECT: Effect = Effect::Reads;
    const ATTENTION: Attention = Attention::Agent;

    async fn handle(self, context: &Context) -> Result<Done, RpcError> {
        let Self { name } = self;
        if name == AGENT {
            let message = format!("the reader {name:?} is the agent itself and cannot be removed");
            return Err(RpcError::new(ErrorCode::Usage, message).hint("p2p readers"));
        }
        let known = context.reader().readers().map_err(unreadable)?;
        if !known.iter().any(|row| row.name == name) {
            let message = format!("there is no reader {name:?}");
            return Err(RpcError::new(ErrorCode::NotFound, message).hint("p2p readers"));
        }
        context.engine.command(RemoveReader(name)).await?;
        Ok(Done {})
    }
}

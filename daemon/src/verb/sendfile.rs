//! `p2p sendfile`: sends a file in a call.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p2p_core::engine::command;
use p2p_ipc::method::SendFileParams;
use p2p_ipc::{ErrorCode, RpcError, view};

use super::handler::{Attention, Effect, Handler};
use super::presenter::Presenter;
use super::{resolve, rows};
use crate::context::Context;

impl Handler for SendFileParams {
    const EFFECT: Effect = Effect::Acts;
    const ATTENTION: Attention = Attention::Agent;

    async fn handle(self, context: &Context) -> Result<view::FileView, RpcError> {
        let command = "p2p sendfile {} <path>";
        let call = resolve::to_speak_in(&context.reader(), self.call.as_deref(), command)?.id;
        let bytes = STANDARD.decode(self.base64).map_err(|e| {
            RpcError::new(ErrorCode::Usage, format!("the file's content is not Base64: {e}"))
        })?;
        let file = context
            .engine
            .command(command::SendFile { call, name: self.name.into(), bytes: bytes.into() })
            .await?;
        let store = context.reader();
        let row = rows::file(&store, file)?;
        Presenter::new(context, &store, None).file(&row)
    }
}

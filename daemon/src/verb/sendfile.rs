//! `p2p sendfile`: sends a file in a call.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p2p_core::engine::command;
use p2p_ipc::method::SendFile;
use p2p_ipc::{ErrorCode, RpcError, view};

use super::files::kept;
use super::show::Show;
use super::which;
use crate::service::Service;

pub(super) async fn run(service: &Service, params: SendFile) -> Result<view::File, RpcError> {
    service.act();
    let command = "p2p sendfile {} <path>";
    let call = which::to_speak_in(&service.reader(), params.call.as_deref(), command)?.id;
    let bytes = STANDARD.decode(params.base64).map_err(|e| {
        RpcError::new(ErrorCode::Usage, format!("the file's content is not Base64: {e}"))
    })?;
    let file = service
        .host
        .command(command::SendFile { call, name: params.name.into(), bytes: bytes.into() })
        .await?;
    let store = service.reader();
    let row = kept(&store, file)?;
    Show::new(service, &store, None).file(&row)
}

//! `p2p files`: what was sent and received, and the bytes of what was received.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p2p_core::record::FileState;
use p2p_ipc::method::{FetchFileParams, FetchFileResult, FilesParams, FilesResult};
use p2p_ipc::{ErrorCode, RpcError};
use sha2::{Digest, Sha256};

use super::handler::{Effect, Handler};
use super::handles::numbered;
use super::presenter::Presenter;
use super::{resolve, rows};
use crate::context::Context;
use crate::errors::unreadable;

impl Handler for FilesParams {
    const EFFECT: Effect = Effect::Reads;

    async fn handle(self, context: &Context) -> Result<FilesResult, RpcError> {
        let store = context.reader();
        let presenter = Presenter::new(context, &store, None);
        let call = self.call.map(|name| resolve::named_call(&store, &name)).transpose()?;
        let rows = store.files(call.map(|row| row.call.id)).map_err(unreadable)?;
        Ok(FilesResult {
            files: rows.iter().map(|row| presenter.file(row)).collect::<Result<_, _>>()?,
        })
    }
}

impl Handler for FetchFileParams {
    const EFFECT: Effect = Effect::Reads;

    async fn handle(self, context: &Context) -> Result<FetchFileResult, RpcError> {
        let handle = numbered('f', "file", &self.file)?;
        let store = context.reader();
        let row = rows::file(&store, handle)?;
        let name = &self.file;
        let path = match &row.file.state {
            FileState::Complete(Some(path)) => Path::new(path.as_str()),
            FileState::Complete(None) => {
                let message = format!("{name} was sent by this agent, which keeps no copy");
                return Err(RpcError::new(ErrorCode::NotFound, message));
            }
            FileState::Transferring => {
                let message = format!("{name} has not arrived completely yet");
                return Err(
                    RpcError::new(ErrorCode::NothingYet, message).hint("p2p wait --for file")
                );
            }
            FileState::Failed(cause) => {
                return Err(RpcError::new(
                    ErrorCode::NotFound,
                    format!("{name} failed: {}", cause.as_str()),
                ));
            }
        };
        let bytes = crate::downloads::read(path).map_err(|e| {
            let message = format!("{name} cannot be read at {path:?}: {e}");
            RpcError::new(ErrorCode::LocalFile, message)
        })?;
        if Sha256::digest(&bytes)[..] != row.file.sha256.0 {
            let message = format!("{name} was changed since it arrived: {path:?}");
            return Err(RpcError::new(ErrorCode::LocalFile, message));
        }
        let file = Presenter::new(context, &store, None).file(&row)?;
        Ok(FetchFileResult { file, base64: STANDARD.encode(bytes) })
    }
}

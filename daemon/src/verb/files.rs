//! `p2p files`: what was sent and received, and the bytes of what was received.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p2p_core::record::FileState;
use p2p_ipc::method::{FetchFile, FileBytes, Files, FilesResult};
use p2p_ipc::{ErrorCode, RpcError};
use sha2::{Digest, Sha256};

use super::show::Show;
use super::{stored, which};
use crate::service::Service;
use p2p_store::{FileRow, Reader};

pub(super) async fn list(service: &Service, params: Files) -> Result<FilesResult, RpcError> {
    let store = service.reader();
    let show = Show::new(service, &store, None);
    let call = params.call.map(|name| which::named_call(&store, &name)).transpose()?;
    let rows = store.files(call.map(|row| row.call.id)).map_err(stored)?;
    Ok(FilesResult { files: rows.iter().map(|row| show.file(row)).collect::<Result<_, _>>()? })
}

pub(super) async fn fetch(service: &Service, params: FetchFile) -> Result<FileBytes, RpcError> {
    let handle = which::numbered('f', "file", &params.file)?;
    let store = service.reader();
    let row = kept(&store, handle)?;
    let name = &params.file;
    let path = match &row.file.state {
        FileState::Complete(Some(path)) => Path::new(path.as_str()),
        FileState::Complete(None) => {
            let message = format!("{name} was sent from here; it is not kept");
            return Err(RpcError::new(ErrorCode::NoSuch, message));
        }
        FileState::Transferring => {
            let message = format!("{name} is not whole yet");
            return Err(RpcError::new(ErrorCode::NothingYet, message).hint("p2p wait --for file"));
        }
        FileState::Failed(cause) => {
            return Err(RpcError::new(
                ErrorCode::NoSuch,
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
    let file = Show::new(service, &store, None).file(&row)?;
    Ok(FileBytes { file, base64: STANDARD.encode(bytes) })
}

/// A file that must be there.
pub(super) fn kept(store: &Reader, handle: u32) -> Result<FileRow, RpcError> {
    store.file(handle).map_err(stored)?.ok_or_else(|| {
        RpcError::new(ErrorCode::NoSuch, format!("there is no file f{handle}")).hint("p2p files")
    })
}

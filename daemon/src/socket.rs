//! The private socket: peers are checked, requests and answers are lines.
//!
//! The folder is 0700 and the socket 0600, and the uid of every connection is checked. A connection
//! makes one request at a time. Closing it ends the wait for an answer and never undoes the request.

use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

use p2p_ipc::codec::{Request, Response};
use p2p_ipc::method::{HelloParams, HelloResult};
use p2p_ipc::{ErrorCode, LINE_LIMIT, Method, PROTOCOL_VERSION, RpcError};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;

use crate::context::Context;
use crate::verb;
use crate::verb::handler;

/// Connections at the same time. Further ones wait.
const CONNECTIONS: usize = 128;

/// Binds the socket in a folder that only this user can enter.
///
/// # Errors
/// `no_daemon` when the folder is not private or the socket cannot be made, `already_running`
/// when another daemon answers there.
pub fn bind(path: &Path) -> Result<UnixListener, RpcError> {
    let failed = |e: &io::Error| {
        RpcError::new(ErrorCode::NoDaemon, format!("no socket at {}: {e}", path.display()))
            .hint("export P2P_HOME=\"$HOME/.p2p-agent\"")
    };
    let folder = path.parent().unwrap_or(Path::new("/"));
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|e| failed(&e))?;
    let metadata = std::fs::symlink_metadata(folder).map_err(|e| failed(&e))?;
    if !metadata.is_dir() || metadata.uid() != nix::unistd::geteuid().as_raw() {
        let e = io::Error::other(format!("{} is not this user's folder", folder.display()));
        return Err(failed(&e));
    }
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))
        .map_err(|e| failed(&e))?;
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        let message = format!("another daemon already answers on {}", path.display());
        return Err(RpcError::new(ErrorCode::AlreadyRunning, message));
    }
    // This process holds the identity's lock, so that the daemon which left this socket is gone.
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(failed(&e)),
        _ => {}
    }
    let listener = UnixListener::bind(path).map_err(|e| failed(&e))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
        .map_err(|e| failed(&e))?;
    Ok(listener)
}

/// Serves connections until the task is aborted.
pub(crate) async fn serve(listener: UnixListener, context: Arc<Context>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let uid = nix::unistd::geteuid().as_raw();
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Most likely out of descriptors, until connections close.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                continue;
            }
        };
        let context = context.clone();
        tokio::spawn(async move {
            let foreign = !stream.peer_cred().is_ok_and(|peer| allowed(peer.uid(), uid));
            if let Err(error) = converse(stream, context, foreign).await {
                tracing::debug!(%error, "a connection broke");
            }
            drop(place);
        });
    }
}

/// Returns true for a uid that may connect: our own, and root, which can read everything anyway.
fn allowed(peer: u32, own: u32) -> bool {
    peer == own || peer == 0
}

async fn converse(stream: UnixStream, context: Arc<Context>, foreign: bool) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    if foreign {
        let error = RpcError::new(ErrorCode::BadRequest, "this socket belongs to another user");
        return write(&mut writer, &Response::error(None, error)).await;
    }
    let mut reader = BufReader::new(reader);
    let mut greeted = false;
    loop {
        let line = match next_line(&mut reader).await? {
            Line::End => return Ok(()),
            Line::TooLong => {
                let message = format!("a line is longer than {LINE_LIMIT} bytes");
                let error = RpcError::new(ErrorCode::TooLarge, message);
                return write(&mut writer, &Response::error(None, error)).await;
            }
            Line::Text(line) => line,
        };
        let answer = tokio::select! {
            answer = answer(&line, &context, &mut greeted) => answer,
            () = hung_up(&mut reader) => return Ok(()),
        };
        write(&mut writer, &answer).await?;
    }
}

/// Waits until the client is gone. Never ends while the client has sent more.
async fn hung_up(reader: &mut BufReader<OwnedReadHalf>) {
    match reader.fill_buf().await {
        Ok(more) if !more.is_empty() => std::future::pending().await,
        _ => {}
    }
}

enum Line {
    Text(Vec<u8>),
    TooLong,
    End,
}

async fn next_line(reader: &mut BufReader<OwnedReadHalf>) -> io::Result<Line> {
    let mut line = Vec::new();
    let limit = LINE_LIMIT as u64 + 1;
    let read = reader.take(limit).read_until(b'\n', &mut line).await?;
    match line.last() {
        _ if read == 0 => Ok(Line::End),
        Some(b'\n') if line.len() <= LINE_LIMIT => Ok(Line::Text(line)),
        _ if line.len() > LINE_LIMIT => Ok(Line::TooLong),
        _ => Ok(Line::End),
    }
}

async fn answer(line: &[u8], context: &Arc<Context>, greeted: &mut bool) -> Response {
    let request: Request = match serde_json::from_slice(line) {
        Ok(request) => request,
        Err(e) => {
            let error =
                RpcError::new(ErrorCode::BadRequest, format!("not a JSON-RPC request: {e}"));
            return Response::error(None, error);
        }
    };
    if request.jsonrpc != "2.0" {
        let error = RpcError::new(ErrorCode::BadRequest, "jsonrpc must be \"2.0\"");
        return Response::error(Some(request.id), error);
    }
    let id = request.id;
    let result = if request.method == HelloParams::NAME {
        serde_json::from_value(request.params)
            .map_err(|e| handler::bad_params(HelloParams::NAME, &e))
            .and_then(|hello| greet(context, &hello))
            .inspect(|_| *greeted = true)
            .and_then(handler::to_value)
    } else if *greeted {
        // Somebody is here: a relay that waits for its next attempt is tried soon.
        context.relays.hasten();
        verb::dispatch(context, &request.method, request.params).await
    } else {
        Err(RpcError::new(ErrorCode::BadRequest, "the first request of a connection must be hello"))
    };
    match result {
        Ok(value) => {
            let response = Response::ok(id, value);
            match response.line() {
                Ok(line) if line.len() <= LINE_LIMIT => response,
                _ => {
                    let message = "the answer is too long for one line";
                    Response::error(Some(id), RpcError::new(ErrorCode::TooLarge, message))
                }
            }
        }
        Err(error) => Response::error(Some(id), error),
    }
}

fn greet(context: &Context, hello: &HelloParams) -> Result<HelloResult, RpcError> {
    settle(&hello.versions)?;
    let differs = hello.env.iter().find(|(name, value)| context.env.get(*name) != Some(value));
    if let Some((name, value)) = differs {
        let running = context.env.get(name).map_or("not set", String::as_str);
        let message = format!(
            "{name} is {value} here, and {running} in the running daemon: unset it, or \
             stop the daemon, and it starts anew with this"
        );
        return Err(RpcError::new(ErrorCode::EnvDiffers, message)
            .hint(format!("unset {name}\np2p daemon stop")));
    }
    Ok(HelloResult { version: PROTOCOL_VERSION, daemon: env!("CARGO_PKG_VERSION").into() })
}

/// Checks that the client speaks our version of the protocol.
fn settle(versions: &[u32]) -> Result<(), RpcError> {
    if versions.contains(&PROTOCOL_VERSION) {
        return Ok(());
    }
    let newer = versions.iter().any(|version| *version > PROTOCOL_VERSION);
    let than = if newer { "older" } else { "newer" };
    let message = format!(
        "the running daemon is {than} than this p2p: it speaks version {PROTOCOL_VERSION} of the \
         socket protocol, this p2p speaks {versions:?}"
    );
    // A newer p2p can stop this daemon; an older one has to give way to the daemon's program.
    let program = std::env::current_exe().ok().filter(|path| !newer && path.exists());
    Err(RpcError::new(ErrorCode::Version, message).hint(match program {
        Some(program) => format!("{} status", p2p_ipc::quoted(&program)),
        None => "p2p daemon stop".into(),
    }))
}

async fn write(writer: &mut OwnedWriteHalf, response: &Response) -> io::Result<()> {
    let line = response.line().map_err(io::Error::other)?;
    writer.write_all(line.as_bytes()).await
}

#[cfg(test)]
mod tests {
    use super::{allowed, settle};
    use p2p_ipc::{ErrorCode, PROTOCOL_VERSION};

    #[test]
    fn a_client_of_another_version_is_told_which_side_is_older_and_what_to_run() {
        assert_eq!(settle(&[PROTOCOL_VERSION - 1, PROTOCOL_VERSION]), Ok(()));
        let older = settle(&[PROTOCOL_VERSION - 1]).unwrap_err();
        assert_eq!(older.code, ErrorCode::Version);
        assert!(older.message.starts_with("the running daemon is newer than this p2p"), "{older}");
        let hint = older.hint.unwrap();
        assert!(hint.starts_with('/') && hint.ends_with(" status"), "{hint}");
        let newer = settle(&[PROTOCOL_VERSION + 1]).unwrap_err();
        assert!(newer.message.starts_with("the running daemon is older than this p2p"), "{newer}");
        assert_eq!(newer.hint.as_deref(), Some("p2p daemon stop"));
    }

    #[test]
    fn only_our_own_uid_and_root_may_connect() {
        assert!(allowed(1000, 1000));
        assert!(allowed(0, 1000));
        assert!(!allowed(1001, 1000));
        assert!(!allowed(65534, 0));
    }
}

//! Requests and responses as lines: the part that the blocking and the async client share.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use p2p_ipc::codec::{Request, Response};
use p2p_ipc::method::HelloParams;
use p2p_ipc::{ErrorCode, LINE_LIMIT, Method, PROTOCOL_VERSION, RpcError};

/// The time that a client waits for an answer beyond the wait that the request names.
pub const GRACE: Duration = Duration::from_secs(20);

/// Reason why a connection could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nothing listens on the socket.
    #[error("no daemon listens on {path}: {source}")]
    NotListening {
        /// The socket.
        path: String,
        /// The system's error.
        source: io::Error,
    },
    /// The daemon answered the hello with an error.
    #[error(transparent)]
    Refused(#[from] RpcError),
}

impl ConnectError {
    /// Wraps the system's error about a socket.
    pub fn not_listening(path: &Path, source: io::Error) -> Self {
        Self::NotListening { path: path.display().to_string(), source }
    }

    /// Returns true if nothing listens, so that a daemon may be started.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        use io::ErrorKind::{ConnectionRefused, NotFound};
        matches!(self, Self::NotListening { source, .. }
            if matches!(source.kind(), ConnectionRefused | NotFound))
    }
}

/// Returns the hello of a client that speaks our version of the protocol.
pub fn hello(client: &str, env: BTreeMap<String, String>) -> HelloParams {
    HelloParams { versions: vec![PROTOCOL_VERSION], client: client.into(), env }
}

/// Returns a request's line.
pub fn encode<M: Method>(id: u64, params: &M) -> Result<String, RpcError> {
    let line = Request::line(id, params).map_err(|e| disagree(&e))?;
    if line.len() > LINE_LIMIT {
        let message = format!("the request is {} bytes long, more than {LINE_LIMIT}", line.len());
        return Err(RpcError::new(ErrorCode::TooLarge, message));
    }
    Ok(line)
}

/// Returns the result in a response's line.
pub fn decode<M: Method>(id: u64, line: &str) -> Result<M::Result, RpcError> {
    let response: Response = serde_json::from_str(line).map_err(|e| disagree(&e))?;
    if let Some(error) = response.error {
        return Err(error.data);
    }
    if response.id != Some(id) {
        return Err(RpcError::new(ErrorCode::Internal, "the daemon answered another request"));
    }
    serde_json::from_value(response.result.unwrap_or_default()).map_err(|e| disagree(&e))
}

/// Returns the error of a daemon that fell silent or closed the connection.
pub fn lost(error: &io::Error) -> RpcError {
    let message = format!(
        "the daemon did not answer: {error}; if it is gone, the same command starts it again"
    );
    RpcError::new(ErrorCode::NoDaemon, message).hint("p2p status")
}

/// Returns the system's error for a connection that ended without an answer.
pub fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the connection was closed")
}

/// Says plainly that the daemon is of another version; the daemon's hint says what to run.
pub fn other_version(error: RpcError) -> RpcError {
    if error.code != ErrorCode::Version {
        return error;
    }
    let message = format!(
        "the running daemon does not speak version {PROTOCOL_VERSION} of the socket protocol, \
         which this p2p needs ({})",
        error.message
    );
    RpcError { message, ..error }
}

fn disagree(error: &serde_json::Error) -> RpcError {
    let message = format!(
        "the running daemon and p2p are of different versions: {error}; stop the daemon, and the \
         next command starts this version"
    );
    RpcError::new(ErrorCode::Internal, message).hint("p2p daemon stop")
}

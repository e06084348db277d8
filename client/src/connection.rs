//! A blocking client for one connection: connect, say hello, then one request at a time.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use p2p_ipc::codec::{Request, Response};
use p2p_ipc::method::{HelloParams, HelloResult, StatusParams, StopParams};
use p2p_ipc::{ErrorCode, LINE_LIMIT, Method, PROTOCOL_VERSION, RpcError};
use serde::{Deserialize, Serialize};

/// How much longer than the wait that a request names the client waits for the answer.
const GRACE: Duration = Duration::from_secs(20);

/// Why no connection came about.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nothing listens on the socket.
    #[error("no daemon listens on {path}: {source}")]
    NotListening {
        /// The socket.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// The daemon answered the hello with an error.
    #[error(transparent)]
    Refused(#[from] RpcError),
}

/// A connection to the daemon.
#[derive(Debug)]
pub struct Client {
    reader: BufReader<UnixStream>,
    next_id: u64,
    /// What the daemon said in its hello.
    pub hello: HelloResult,
}

impl Client {
    /// Connects and says hello.
    ///
    /// # Errors
    /// [`ConnectError::NotListening`] where no daemon is, [`ConnectError::Refused`] where it is of
    /// another version or was started with other `P2P_*` variables.
    pub fn connect(
        path: &Path,
        client: &str,
        env: BTreeMap<String, String>,
    ) -> Result<Self, ConnectError> {
        Self::open(path, client, env, vec![PROTOCOL_VERSION])
    }

    /// Stops the daemon that listens on `path`, of whatever version, and returns its process id.
    ///
    /// # Errors
    /// As [`Client::connect`], and the daemon's own.
    pub fn stop_daemon(path: &Path, client: &str) -> Result<u32, ConnectError> {
        let versions = (1..=PROTOCOL_VERSION).collect();
        let mut this = Self::open(path, client, BTreeMap::new(), versions)?;
        let status = this.call(&AnyStatus {}, Duration::ZERO)?;
        this.call(&StopParams {}, Duration::ZERO)?;
        Ok(status.daemon.pid)
    }

    fn open(
        path: &Path,
        client: &str,
        env: BTreeMap<String, String>,
        versions: Vec<u32>,
    ) -> Result<Self, ConnectError> {
        let stream = UnixStream::connect(path).map_err(|source| ConnectError::NotListening {
            path: path.display().to_string(),
            source,
        })?;
        let hello = HelloResult { version: PROTOCOL_VERSION, daemon: String::new() };
        let mut this = Self { reader: BufReader::new(stream), next_id: 1, hello };
        let params = HelloParams { versions, client: client.into(), env };
        this.hello = this.call(&params, Duration::ZERO).map_err(other_version)?;
        Ok(this)
    }

    /// Makes a request and waits for its answer, for `wait` and some grace.
    ///
    /// # Errors
    /// The daemon's own error, or `no_daemon` when the connection broke or stayed silent.
    pub fn call<M: Method>(&mut self, params: &M, wait: Duration) -> Result<M::Result, RpcError> {
        let id = self.next_id;
        self.next_id += 1;
        let line = Request::line(id, params).map_err(|e| internal(&e))?;
        if line.len() > LINE_LIMIT {
            return Err(RpcError::new(
                ErrorCode::TooLarge,
                format!("the request is {} bytes long, more than {LINE_LIMIT}", line.len()),
            ));
        }
        let answer = self.exchange(&line, wait).map_err(|e| {
            let message = format!(
                "the daemon did not answer: {e}; the same command again starts it, should it be gone"
            );
            RpcError::new(ErrorCode::NoDaemon, message).hint("p2p status")
        })?;
        let response: Response = serde_json::from_str(&answer).map_err(|e| internal(&e))?;
        if let Some(error) = response.error {
            return Err(error.data);
        }
        if response.id != Some(id) {
            return Err(RpcError::new(ErrorCode::Internal, "the daemon answered another request"));
        }
        serde_json::from_value(response.result.unwrap_or_default()).map_err(|e| internal(&e))
    }

    fn exchange(&mut self, line: &str, wait: Duration) -> io::Result<String> {
        let stream = self.reader.get_mut();
        stream.set_read_timeout(Some(wait + GRACE))?;
        let written = stream.write_all(line.as_bytes());
        let mut answer = String::new();
        let limit = LINE_LIMIT as u64 + 1;
        let read = self.reader.by_ref().take(limit).read_line(&mut answer);
        if read.is_ok() && answer.ends_with('\n') {
            // A daemon that refuses a client says why and closes, and may do so before it is asked.
            return Ok(answer);
        }
        written?;
        read?;
        Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the connection was closed"))
    }
}

/// Requests `status`, of which every version of the protocol has the process id.
#[derive(Serialize, Deserialize)]
struct AnyStatus {}

#[derive(Serialize, Deserialize)]
struct AnyStatusResult {
    daemon: AnyDaemon,
}

#[derive(Serialize, Deserialize)]
struct AnyDaemon {
    pid: u32,
}

impl Method for AnyStatus {
    const NAME: &'static str = StatusParams::NAME;
    type Result = AnyStatusResult;
}

/// Says plainly that the daemon is of another version; the daemon's hint says what to run.
fn other_version(error: RpcError) -> RpcError {
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

fn internal(error: &serde_json::Error) -> RpcError {
    let message = format!(
        "the daemon and p2p disagree on a type: {error}; stopped, it starts in this version"
    );
    RpcError::new(ErrorCode::Internal, message).hint("p2p daemon stop")
}

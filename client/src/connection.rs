//! A blocking client for one connection: connect, say hello, then one request at a time.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use p2p_ipc::method::{HelloParams, HelloResult, StatusParams, StopParams};
use p2p_ipc::{LINE_LIMIT, Method, PROTOCOL_VERSION, RpcError};
use serde::{Deserialize, Serialize};

use crate::exchange::{ConnectError, GRACE, closed, decode, encode, hello, lost, other_version};

/// A blocking connection to the daemon.
#[derive(Debug)]
pub struct Client {
    reader: BufReader<UnixStream>,
    next_id: u64,
    /// The daemon's answer to the hello.
    pub hello: HelloResult,
}

impl Client {
    /// Connects and says hello.
    ///
    /// # Errors
    /// [`ConnectError::NotListening`] if no daemon runs, [`ConnectError::Refused`] if the daemon
    /// is of another version or was started with other `P2P_*` variables.
    pub fn connect(
        path: &Path,
        client: &str,
        env: BTreeMap<String, String>,
    ) -> Result<Self, ConnectError> {
        Self::open(path, &hello(client, env))
    }

    /// Stops the daemon that listens on `path`, of whatever version, and returns its process id.
    ///
    /// # Errors
    /// As [`Client::connect`], and the daemon's own.
    pub fn stop_daemon(path: &Path, client: &str) -> Result<u32, ConnectError> {
        let versions = (1..=PROTOCOL_VERSION).collect();
        let any = HelloParams { versions, ..hello(client, BTreeMap::new()) };
        let mut this = Self::open(path, &any)?;
        let status = this.call(&AnyStatus {}, Duration::ZERO)?;
        this.call(&StopParams {}, Duration::ZERO)?;
        Ok(status.daemon.pid)
    }

    fn open(path: &Path, hello: &HelloParams) -> Result<Self, ConnectError> {
        let stream = UnixStream::connect(path).map_err(|e| ConnectError::not_listening(path, e))?;
        let unknown = HelloResult { version: PROTOCOL_VERSION, daemon: String::new() };
        let mut this = Self { reader: BufReader::new(stream), next_id: 1, hello: unknown };
        this.hello = this.call(hello, Duration::ZERO).map_err(other_version)?;
        Ok(this)
    }

    /// Makes a request and waits for its answer, for `wait` and some grace.
    ///
    /// # Errors
    /// The daemon's own error, or `no_daemon` when the connection broke or stayed silent.
    pub fn call<M: Method>(&mut self, params: &M, wait: Duration) -> Result<M::Result, RpcError> {
        let id = self.next_id;
        self.next_id += 1;
        let answer = self.exchange(&encode(id, params)?, wait).map_err(|e| lost(&e))?;
        decode::<M>(id, &answer)
    }

    fn exchange(&mut self, line: &str, wait: Duration) -> io::Result<String> {
        let stream = self.reader.get_mut();
        stream.set_read_timeout(Some(wait + GRACE))?;
        let written = stream.write_all(line.as_bytes());
        let mut answer = String::new();
        let limit = LINE_LIMIT as u64 + 1;
        let read = self.reader.by_ref().take(limit).read_line(&mut answer);
        if read.is_ok() && answer.ends_with('\n') {
            // A daemon that refuses a client may say so and close before it reads the request.
            return Ok(answer);
        }
        written?;
        read?;
        Err(closed())
    }
}

/// Parameters of `status`; every version of the protocol has the process id in its answer.
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

//! The same connection for front ends that run on tokio.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use p2p_ipc::method::HelloResult;
use p2p_ipc::{ErrorCode, LINE_LIMIT, Method, PROTOCOL_VERSION, Place, RpcError, place};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::exchange::{ConnectError, GRACE, closed, decode, encode, hello, lost, other_version};
use crate::on_demand::DaemonConnection;

/// An async connection to the daemon.
#[derive(Debug)]
pub struct AsyncClient {
    stream: BufReader<UnixStream>,
    next_id: u64,
    /// True while a request has no answer: its future may have been dropped.
    unanswered: bool,
    /// The daemon's answer to the hello.
    pub hello: HelloResult,
}

impl AsyncClient {
    /// Connects and says hello.
    ///
    /// # Errors
    /// As [`Client::connect`](crate::Client::connect).
    pub async fn connect(
        path: &Path,
        client: &str,
        env: BTreeMap<String, String>,
    ) -> Result<Self, ConnectError> {
        let stream =
            UnixStream::connect(path).await.map_err(|e| ConnectError::not_listening(path, e))?;
        let unknown = HelloResult { version: PROTOCOL_VERSION, daemon: String::new() };
        let stream = BufReader::new(stream);
        let mut this = Self { stream, next_id: 1, unanswered: false, hello: unknown };
        let params = hello(client, env);
        this.hello = this.call(&params, Duration::ZERO).await.map_err(other_version)?;
        Ok(this)
    }

    /// Connects, and starts the daemon if none runs.
    ///
    /// # Errors
    /// The reason why there is no daemon.
    pub async fn connect_or_start(place: Place, client: &'static str) -> Result<Self, RpcError> {
        let socket = place.socket.clone();
        let start = move || DaemonConnection::new(place, client).client().map(|_| ());
        spawn_blocking(start)
            .await
            .map_err(|e| RpcError::new(ErrorCode::Internal, e.to_string()))??;
        Self::connect(&socket, client, place::daemon_env()).await.map_err(|error| match error {
            ConnectError::Refused(error) => error,
            error => RpcError::new(ErrorCode::NoDaemon, error.to_string()),
        })
    }

    /// Makes a request and waits for its answer, for `wait` and some grace. Dropping the future
    /// leaves the connection without the answer's place in order: then connect again.
    ///
    /// # Errors
    /// The daemon's own error, or `no_daemon` when the connection broke, stayed silent, or has an
    /// unanswered request.
    pub async fn call<M: Method>(
        &mut self,
        params: &M,
        wait: Duration,
    ) -> Result<M::Result, RpcError> {
        if self.unanswered {
            return Err(lost(&io::Error::other("an earlier request was given up")));
        }
        let id = self.next_id;
        self.next_id += 1;
        let line = encode(id, params)?;
        self.unanswered = true;
        let exchanged = timeout(wait + GRACE, self.exchange(&line)).await;
        let answer = exchanged.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let answer = answer.map_err(|e| lost(&e))?;
        self.unanswered = false;
        decode::<M>(id, &answer)
    }

    async fn exchange(&mut self, line: &str) -> io::Result<String> {
        let written = self.stream.get_mut().write_all(line.as_bytes()).await;
        let mut answer = String::new();
        let limit = LINE_LIMIT as u64 + 1;
        let read = (&mut self.stream).take(limit).read_line(&mut answer).await;
        if read.is_ok() && answer.ends_with('\n') {
            // A daemon that refuses a client may say so and close before it reads the request.
            return Ok(answer);
        }
        written?;
        read?;
        Err(closed())
    }
}

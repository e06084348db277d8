//! A connection that is made when it is first needed, starting the daemon if none runs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use p2p_ipc::method::StatusParams;
use p2p_ipc::view::IdentityView;
use p2p_ipc::{ErrorCode, Method, Place, RpcError, place};

use crate::autostart;
use crate::connection::Client;
use crate::exchange::ConnectError;

/// A front end's way to the daemon.
#[derive(Debug)]
pub struct DaemonConnection {
    /// The daemon's files and its socket.
    pub place: Place,
    name: &'static str,
    client: Option<Client>,
    created: Option<IdentityView>,
}

impl DaemonConnection {
    /// Creates a connection that is not made yet; `name` is the front end's, for the daemon's log.
    #[must_use]
    pub fn new(place: Place, name: &'static str) -> Self {
        Self { place, name, client: None, created: None }
    }

    /// Makes a request that may take `wait`. Starts the daemon if none runs.
    ///
    /// # Errors
    /// The daemon's error, or the reason why there is no daemon.
    pub fn call<M: Method>(&mut self, params: &M, wait: Duration) -> Result<M::Result, RpcError> {
        self.client()?.call(params, wait)
    }

    /// Returns the client, connecting and starting the daemon if need be.
    ///
    /// # Errors
    /// The reason why there is no daemon.
    pub fn client(&mut self) -> Result<&mut Client, RpcError> {
        if self.client.is_none() {
            self.client = Some(self.connect()?);
        }
        self.client
            .as_mut()
            .ok_or_else(|| RpcError::new(ErrorCode::Internal, "the connection went missing"))
    }

    /// Lends the client to another thread. Without [`DaemonConnection::give_back`], the next
    /// request makes a new connection.
    ///
    /// # Errors
    /// The reason why there is no daemon.
    pub fn lend(&mut self) -> Result<Client, RpcError> {
        match self.client.take() {
            Some(client) => Ok(client),
            None => self.connect(),
        }
    }

    /// Takes a lent client back.
    pub fn give_back(&mut self, client: Client) {
        self.client = Some(client);
    }

    /// Returns the client if there is a connection.
    pub fn connected(&mut self) -> Option<&mut Client> {
        self.client.as_mut()
    }

    /// Returns the identity that a daemon created which this connection started. Only once.
    pub fn take_created(&mut self) -> Option<IdentityView> {
        self.created.take()
    }

    /// Connects to a daemon that runs already, and returns false if none does. The connection
    /// ignores this process's `P2P_*` variables, so that the daemon can be asked from any shell.
    ///
    /// # Errors
    /// Fails if the daemon refuses the request, or if the socket cannot be used.
    pub fn join_running(&mut self) -> Result<bool, RpcError> {
        if self.client.is_some() {
            return Ok(true);
        }
        match Client::connect(&self.place.socket, self.name, BTreeMap::new()) {
            Ok(client) => self.client = Some(client),
            Err(error) if error.is_absent() => return Ok(false),
            Err(error) => return Err(refused(error)),
        }
        Ok(true)
    }

    /// Stops the running daemon, of whatever version and with whatever settings. Returns its
    /// process id, or nothing when no daemon runs.
    ///
    /// # Errors
    /// Fails if the daemon refuses the request, or if the socket cannot be used.
    pub fn stop_daemon(&mut self) -> Result<Option<u32>, RpcError> {
        self.leave();
        match Client::stop_daemon(&self.place.socket, self.name) {
            Ok(pid) => Ok(Some(pid)),
            Err(error) if error.is_absent() => Ok(None),
            Err(error) => Err(refused(error)),
        }
    }

    /// Closes the connection.
    pub fn leave(&mut self) {
        self.client = None;
    }

    fn connect(&mut self) -> Result<Client, RpcError> {
        let since = Instant::now();
        let first_run = !self.place.identity.exists();
        let connect = || Client::connect(&self.place.socket, self.name, place::daemon_env());
        match connect() {
            Ok(client) => return Ok(client),
            // No daemon, or one that was on its way out when it was asked.
            Err(ConnectError::Refused(error)) if error.code == ErrorCode::NoDaemon => {}
            Err(error) if error.is_absent() => {}
            Err(error) => return Err(refused(error)),
        }
        let folder = self.place.socket.parent().map(PathBuf::from).unwrap_or_default();
        let mut client = autostart::start(&self.place, &folder, since, connect)?;
        if first_run {
            let identity = client.call(&StatusParams::default(), Duration::ZERO)?.identity;
            self.created = Some(identity).filter(|identity| identity.created);
        }
        Ok(client)
    }
}

fn refused(error: ConnectError) -> RpcError {
    match error {
        ConnectError::Refused(error) => error,
        error => RpcError::new(ErrorCode::NoDaemon, error.to_string()),
    }
}

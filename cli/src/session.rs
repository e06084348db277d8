//! A verb's connection to the daemon: made when first needed, starting the daemon if need be.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use p2p_client::{Client, ConnectError, autostart};
use p2p_ipc::method::{
    ConfirmParams, PendingParams, ReadMark, ReadParams, ReadResult, StatusParams,
};
use p2p_ipc::view::{CallView, PendingView};
use p2p_ipc::{ErrorCode, Method, Place, RpcError, place};

use crate::interrupt::{Interrupts, Waited};
use crate::render::{Screen, service};

/// How the client names itself in the daemon's log.
const CLIENT: &str = concat!("p2p/", env!("CARGO_PKG_VERSION"));

/// One run of one verb.
pub struct Session {
    /// Where the daemon and its files are.
    pub place: Place,
    /// Whose cursor reading moves; the agent's own without it.
    pub reader: Option<String>,
    /// Where to print.
    pub screen: Screen,
    client: Option<Client>,
    interrupts: Option<Interrupts>,
}

impl Session {
    /// A session that is not connected yet.
    ///
    /// # Errors
    /// When there is no home to look in.
    pub fn new(screen: Screen) -> Result<Self, RpcError> {
        let place = Place::from_env().map_err(|e| {
            RpcError::new(ErrorCode::Config, e.to_string())
                .hint("export P2P_HOME=\"$HOME/.p2p-agent\"")
        })?;
        let reader = std::env::var("P2P_READER").ok().filter(|name| !name.is_empty());
        Ok(Self { place, reader, screen, client: None, interrupts: None })
    }

    /// Makes a request that answers at once. Starts the daemon where none runs.
    ///
    /// # Errors
    /// The daemon's error, or why there is no daemon.
    pub fn call<M: Method>(&mut self, params: &M) -> Result<M::Result, RpcError> {
        self.call_within(params, Duration::ZERO)
    }

    /// Makes a request that may take `wait`, and that a signal simply kills.
    ///
    /// # Errors
    /// As [`Session::call`].
    pub fn call_within<M: Method>(
        &mut self,
        params: &M,
        wait: Duration,
    ) -> Result<M::Result, RpcError> {
        self.daemon()?.call(params, wait)
    }

    /// Makes a request that waits until `deadline` at most, and that SIGTERM and SIGINT end
    /// early: then the connection is gone, and what is known already is all there is to report.
    ///
    /// # Errors
    /// As [`Session::call`].
    pub fn wait<M>(&mut self, params: M, wait: Duration) -> Result<Waited<M::Result>, RpcError>
    where
        M: Method + Send + 'static,
        M::Result: Send + 'static,
    {
        self.daemon()?;
        if self.interrupts.is_none() {
            self.interrupts = Some(Interrupts::listen()?);
        }
        let (Some(interrupts), Some(mut client)) = (&self.interrupts, self.client.take()) else {
            return Err(RpcError::new(ErrorCode::Internal, "waiting without a connection"));
        };
        let waited = interrupts.or(move || {
            let answer = client.call(&params, wait);
            (client, answer)
        })?;
        Ok(match waited {
            Waited::Answer((client, answer)) => {
                self.client = Some(client);
                Waited::Answer(answer?)
            }
            Waited::Interrupted => Waited::Interrupted,
        })
    }

    /// Looks for a daemon that runs already. It is asked whatever variables this shell has set,
    /// so that it can be stopped from any.
    ///
    /// # Errors
    /// When a daemon is there but refuses, or the socket cannot be used.
    pub fn join_running(&mut self) -> Result<bool, RpcError> {
        if self.client.is_none() {
            match Client::connect(&self.place.socket, CLIENT, BTreeMap::new()) {
                Ok(client) => self.client = Some(client),
                Err(ConnectError::Refused(error)) => return Err(error),
                Err(error) if autostart::is_absent(&error) => return Ok(false),
                Err(error) => return Err(RpcError::new(ErrorCode::NoDaemon, error.to_string())),
            }
        }
        Ok(true)
    }

    /// Stops the running daemon, of whatever version and with whatever settings. Returns its
    /// process id, or nothing when no daemon runs.
    ///
    /// # Errors
    /// When the daemon refuses, or the socket cannot be used.
    pub fn stop_daemon(&mut self) -> Result<Option<u32>, RpcError> {
        self.client = None;
        match Client::stop_daemon(&self.place.socket, CLIENT) {
            Ok(pid) => Ok(Some(pid)),
            Err(ConnectError::Refused(error)) => Err(error),
            Err(error) if autostart::is_absent(&error) => Ok(None),
            Err(error) => Err(RpcError::new(ErrorCode::NoDaemon, error.to_string())),
        }
    }

    /// Closes the connection.
    pub fn leave(&mut self) {
        self.client = None;
    }

    /// What waits for the agent, where this run talked to the daemon at all.
    #[must_use]
    pub fn pending(&mut self) -> Option<PendingView> {
        let params = PendingParams { reader: self.reader.clone() };
        self.client.as_mut()?.call(&params, Duration::ZERO).ok()
    }

    /// Says that items were shown.
    pub fn confirm(&mut self, marks: Vec<ReadMark>) {
        if marks.is_empty() {
            return;
        }
        let params = ConfirmParams { reader: self.reader.clone(), marks };
        let done = match self.client.as_mut() {
            Some(client) => client.call(&params, Duration::ZERO),
            None => return,
        };
        if let Err(error) = done {
            self.screen.notice(&format!("these items will be shown again: {error}"));
        }
    }

    /// Looks up a call by its handle or UUID.
    ///
    /// # Errors
    /// When there is none such.
    pub fn find_call(&mut self, call: &str) -> Result<CallView, RpcError> {
        let found: ReadResult = self.call(&ReadParams { handle: call.to_owned() })?;
        found.call.ok_or_else(|| {
            RpcError::new(ErrorCode::NoCall, format!("{call} is not a call")).hint("p2p calls")
        })
    }

    /// The folder of the socket.
    #[must_use]
    pub fn run_folder(&self) -> PathBuf {
        self.place.socket.parent().map(PathBuf::from).unwrap_or_default()
    }

    fn daemon(&mut self) -> Result<&mut Client, RpcError> {
        if self.client.is_none() {
            let started = Instant::now();
            let connect = || Client::connect(&self.place.socket, CLIENT, place::daemon_env());
            let first_run = !self.place.identity.exists();
            let (client, here) = match connect() {
                Ok(client) => (client, false),
                Err(ConnectError::Refused(error)) if error.code != ErrorCode::NoDaemon => {
                    return Err(error);
                }
                // Nobody there, or a daemon that was dying when it was spoken to.
                Err(error)
                    if autostart::is_absent(&error)
                        || matches!(error, ConnectError::Refused(_)) =>
                {
                    (autostart::start(&self.place, &self.run_folder(), started, connect)?, true)
                }
                Err(error) => return Err(RpcError::new(ErrorCode::NoDaemon, error.to_string())),
            };
            let client = self.client.insert(client);
            if here && first_run {
                let status = client.call(&StatusParams::default(), Duration::ZERO)?;
                if status.identity.created {
                    service::introduce(self.screen, &status.identity);
                }
            }
        }
        self.client
            .as_mut()
            .ok_or_else(|| RpcError::new(ErrorCode::Internal, "the connection went missing"))
    }
}

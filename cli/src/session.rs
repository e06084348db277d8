//! One run of one verb: its connection to the daemon, its reader, its screen.

use std::time::Duration;

use p2p_client::DaemonConnection;
use p2p_client::follow::Waits;
use p2p_client::wait::Waited;
use p2p_ipc::method::{ConfirmParams, PendingParams, ReadMark, ReadParams, ReadResult};
use p2p_ipc::view::{CallView, PendingView};
use p2p_ipc::{ErrorCode, Method, Place, RpcError};

use crate::interrupt::Interrupts;
use crate::render::{Screen, service};

/// The client's name in the daemon's log.
const CLIENT: &str = concat!("p2p/", env!("CARGO_PKG_VERSION"));

/// One run of one verb.
pub struct Session {
    /// The connection, made when it is first needed.
    pub daemon: DaemonConnection,
    /// The reader whose cursor reading moves; the agent's own without it.
    pub reader: Option<String>,
    /// The output.
    pub screen: Screen,
    interrupts: Option<Interrupts>,
}

impl Session {
    /// Creates a session that is not connected yet.
    ///
    /// # Errors
    /// When there is no home directory.
    pub fn new(screen: Screen) -> Result<Self, RpcError> {
        let place = Place::from_env().map_err(|e| {
            RpcError::new(ErrorCode::Config, e.to_string())
                .hint("export P2P_HOME=\"$HOME/.p2p-agent\"")
        })?;
        let reader = std::env::var("P2P_READER").ok().filter(|name| !name.is_empty());
        Ok(Self { daemon: DaemonConnection::new(place, CLIENT), reader, screen, interrupts: None })
    }

    /// Makes a request that answers at once. Starts the daemon if none runs.
    ///
    /// # Errors
    /// The daemon's error, or the reason why there is no daemon.
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
        self.connect()?;
        self.daemon.call(params, wait)
    }

    /// Returns the counts of what waits, if this run has talked to the daemon.
    #[must_use]
    pub fn pending(&mut self) -> Option<PendingView> {
        let params = PendingParams { reader: self.reader.clone() };
        self.daemon.connected()?.call(&params, Duration::ZERO).ok()
    }

    /// Marks items as read. A failure is only reported on stderr: the items are shown again.
    pub fn confirm(&mut self, marks: Vec<ReadMark>) {
        if marks.is_empty() {
            return;
        }
        let params = ConfirmParams { reader: self.reader.clone(), marks };
        let Some(client) = self.daemon.connected() else { return };
        if let Err(error) = client.call(&params, Duration::ZERO) {
            self.screen.notice(&format!("these items will be shown again: {error}"));
        }
    }

    /// Looks up a call by its handle or UUID.
    ///
    /// # Errors
    /// When there is no such call.
    pub fn find_call(&mut self, call: &str) -> Result<CallView, RpcError> {
        let found: ReadResult = self.call(&ReadParams { handle: call.to_owned() })?;
        found.call.ok_or_else(|| {
            RpcError::new(ErrorCode::NoCall, format!("{call} is not a call")).hint("p2p calls")
        })
    }

    /// Connects if need be, and introduces a new identity.
    fn connect(&mut self) -> Result<(), RpcError> {
        self.daemon.client()?;
        if let Some(identity) = self.daemon.take_created() {
            service::introduce(self.screen, &identity);
        }
        Ok(())
    }
}

impl Waits for Session {
    /// Makes a request that SIGTERM and SIGINT end early: then the connection is gone, and there
    /// is nothing to report but what is known already.
    fn wait<M>(&mut self, params: M, wait: Duration) -> Result<Waited<M::Result>, RpcError>
    where
        M: Method + Send + 'static,
        M::Result: Send + 'static,
    {
        self.connect()?;
        let interrupts = match self.interrupts.take() {
            Some(interrupts) => interrupts,
            None => Interrupts::listen()?,
        };
        let interrupts = self.interrupts.insert(interrupts);
        let mut client = self.daemon.lend()?;
        let waited = interrupts.or(move || {
            let answer = client.call(&params, wait);
            (client, answer)
        })?;
        Ok(match waited {
            Waited::Answer((client, answer)) => {
                self.daemon.give_back(client);
                Waited::Answer(answer?)
            }
            Waited::Interrupted => Waited::Interrupted,
        })
    }
}

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
    /// The connection, made on first use.
    pub daemon: DaemonConnection,
    /// The reader whose cursor moves; without a name, the agent's own.
    pub reader: Option<String>,
    /// The output.
    pub screen: Screen,
    interrupts: Option<Interrupts>,
}

impl Session {
    /// Creates a session that is not connected yet.
    ///
    /// # Errors
    /// Fails if there is no home directory.
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
    /// Fails if the daemon refuses the request, or cannot be reached or started.
    pub fn call<M: Method>(&mut self, params: &M) -> Result<M::Result, RpcError> {
        self.call_within(params, Duration::ZERO)
    }

    /// Makes a request that may take as long as `wait`; a signal ends the process.
    ///
    /// # Errors
    /// Fails as [`Session::call`] does.
    pub fn call_within<M: Method>(
        &mut self,
        params: &M,
        wait: Duration,
    ) -> Result<M::Result, RpcError> {
        self.connect()?;
        self.daemon.call(params, wait)
    }

    /// Returns the counts of unread items, if this run has talked to the daemon.
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
    /// Fails if there is no such call.
    pub fn find_call(&mut self, call: &str) -> Result<CallView, RpcError> {
        let found: ReadResult = self.call(&ReadParams { handle: call.to_owned() })?;
        found.call.ok_or_else(|| {
            RpcError::new(ErrorCode::NoCall, format!("{call} is not a call")).hint("p2p calls")
        })
    }

    /// Connects if there is no connection yet, and introduces a new identity.
    fn connect(&mut self) -> Result<(), RpcError> {
        self.daemon.client()?;
        if let Some(identity) = self.daemon.take_created() {
            service::introduce(self.screen, &identity);
        }
        Ok(())
    }
}

impl Waits for Session {
    /// Makes a request that SIGTERM and SIGINT end early. Then the connection is closed, and only
    /// the results so far can be reported.
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

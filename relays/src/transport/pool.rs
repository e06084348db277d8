//! Opening connections: to our own relays at the start, to peers' relays when there is a message.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::context::Context;
use crate::publish::packets::Job;
use crate::settings::{RelaySpec, Roles};
use crate::transport::link::Link;
use crate::transport::state::LinkState;
use crate::transport::status::Status;
use crate::transport::table::{Entry, Table};

/// Commands that wait for one relay's task.
const COMMANDS: usize = 2048;

/// The means to open a connection.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    pub context: Arc<Context>,
    pub table: Arc<Table>,
}

impl Pool {
    /// Opens connections to our own relays.
    pub fn open_own(&self) {
        for RelaySpec { url, roles } in &self.context.own {
            self.table.insert(url, || self.open(url, *roles));
        }
    }

    /// Hands a message to a relay, and opens a connection where only a peer uses the relay.
    pub fn publish(&self, url: &str, job: Job) {
        self.table.publish(url, job, || self.open(url, Roles::default()));
    }

    fn open(&self, url: &str, roles: Roles) -> Entry {
        let (sender, commands) = mpsc::channel(COMMANDS);
        let status = Status::new(url, roles, self.context.platform.now);
        let state = LinkState::new(
            Arc::clone(&self.context),
            Arc::clone(&self.table),
            commands,
            status.clone(),
        );
        let task = tokio::spawn(Link::new(state).run()).abort_handle();
        Entry { roles, commands: sender, status, task }
    }
}

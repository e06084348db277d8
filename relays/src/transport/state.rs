//! The state of one relay's task that outlives its connections.

use std::sync::Arc;

use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use crate::bucket::TokenBucket;
use crate::context::Context;
use crate::inbox::admission;
use crate::publish::outbox::Outbox;
use crate::settings::Roles;
use crate::transport::address::Reach;
use crate::transport::command::RelayCommand;
use crate::transport::query::Queries;
use crate::transport::status::Status;
use crate::transport::table::Table;

/// The state.
#[derive(Debug)]
pub(crate) struct LinkState {
    pub context: Arc<Context>,
    pub table: Arc<Table>,
    pub url: Arc<str>,
    pub roles: Roles,
    pub commands: mpsc::Receiver<RelayCommand>,
    pub status: Status,
    pub outbox: Outbox,
    pub queries: Queries,
    /// The events that the relay may have checked.
    pub budget: TokenBucket,
    /// An event for us was lost: ask for stored messages again.
    pub has_missed: bool,
    /// The machine slept: a connection that stands must prove it.
    pub has_woken: bool,
    /// Ends the pause before the next attempt at once.
    pub wake: Arc<Notify>,
    /// Shortens the pause before the next attempt.
    pub hasten: Arc<Notify>,
    pub closing: Option<(Instant, oneshot::Sender<()>)>,
    /// The reason why there is no connection, once an attempt failed: the answer to questions.
    pub failure: Option<String>,
}

impl LinkState {
    /// Returns the state of a relay that was never connected to.
    pub fn new(
        context: Arc<Context>,
        table: Arc<Table>,
        commands: mpsc::Receiver<RelayCommand>,
        status: Status,
    ) -> Self {
        let (line, now) = (status.read(), Instant::now());
        let url = Arc::<str>::from(line.url);
        Self {
            context,
            table,
            roles: line.roles,
            commands,
            status,
            outbox: Outbox::new(Arc::clone(&url), now),
            queries: Queries::default(),
            budget: admission::budget(now),
            url,
            has_missed: false,
            has_woken: false,
            wake: Arc::default(),
            hasten: Arc::default(),
            closing: None,
            failure: None,
        }
    }

    /// Returns the addresses that this relay may have. Our own configuration is the human's choice.
    pub fn reach(&self) -> Reach {
        if self.roles.is_ours() { Reach::Anywhere } else { Reach::PublicOnly }
    }

    /// Carries out a command, or notes it for the connection.
    pub fn take(&mut self, command: RelayCommand) {
        match command {
            RelayCommand::Publish(job) => self.outbox.add_message(job),
            RelayCommand::Notify(notice) => self.outbox.add_notice(notice),
            RelayCommand::Ask(query) => {
                self.queries.add(query);
                if let Some(cause) = &self.failure {
                    self.queries.fail(cause);
                }
            }
            RelayCommand::HearAgain => self.has_missed = true,
            RelayCommand::Wake => {
                self.has_woken = true;
                self.wake.notify_waiters();
            }
            RelayCommand::Hasten => self.hasten.notify_waiters(),
            RelayCommand::Close { by, done } => self.closing = Some((by, done)),
        }
    }

    /// Returns when the outbox or a question needs attention.
    pub fn next_deadline(&self) -> Option<Instant> {
        [self.outbox.next_deadline(), self.queries.next_deadline()].into_iter().flatten().min()
    }

    /// Leaves the table, if only peers use this relay and nothing waits for it.
    pub fn retires(&self) -> bool {
        !self.roles.is_ours()
            && self.outbox.is_empty()
            && self.table.retire(&self.url, &self.commands)
    }
}

/// Waits for a time, or forever where there is none.
pub(crate) async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

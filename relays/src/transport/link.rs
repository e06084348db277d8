//! The task of one relay: it keeps the connection up, and serves commands with and without one.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use nostr::secp256k1::rand::{Rng, thread_rng};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::backoff::Backoff;
use crate::settings::Roles;
use crate::transport::address::Failure;
use crate::transport::connect::{Connected, connect};
use crate::transport::session::Session;
use crate::transport::state::{LinkState, until};
use crate::transport::status::RelayState;
use crate::transport::upkeep;

/// The pauses between attempts to connect: first, longest.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// A connection that stood this long starts the pauses over.
const STABLE: Duration = Duration::from_secs(30);
/// The shortest pause after a failure where somebody uses the daemon.
const HASTENED: Duration = Duration::from_secs(2);

/// The end of the task: nothing is to be done any more.
struct Closed;

/// One relay's task.
#[derive(Debug)]
pub(crate) struct Link {
    state: LinkState,
    backoff: Backoff,
    /// True once there was a connection.
    has_served: bool,
    /// Tasks beside a connection.
    chores: JoinSet<()>,
}

impl Link {
    /// Returns a link that [`Link::run`] connects.
    pub fn new(state: LinkState) -> Self {
        let backoff = Backoff::new(RETRY.0, RETRY.1);
        Self { state, backoff, has_served: false, chores: JoinSet::new() }
    }

    /// Connects, serves, and connects again, until the relay is closed or no longer used.
    pub async fn run(mut self) {
        while self.attempt().await.is_ok() {}
        let cause = "shut down before the message was sent";
        self.state.status.lost(RelayState::Closed, "shut down".to_owned(), None);
        self.state.outbox.abandon(cause);
        self.state.queries.fail("shut down");
        if let Some((_, done)) = self.state.closing {
            let _ = done.send(());
        }
    }

    /// Makes one connection, serves it, and pauses after its end.
    async fn attempt(&mut self) -> Result<(), Closed> {
        self.state.status.connecting();
        let (url, reach) = (Arc::clone(&self.state.url), self.state.reach());
        let network = Arc::clone(&self.state.context.platform.network);
        let connecting = async move { connect(&*network, &url, reach).await };
        let failure = match self.meanwhile(connecting).await? {
            Ok(connected) => self.serve(connected).await,
            Err(failure) => failure,
        };
        let pause = self.backoff.next().mul_f64(thread_rng().gen_range(0.5..1.0));
        let next = Instant::now() + pause;
        self.lost(failure, pause);
        if self.state.closing.is_some() || self.state.retires() {
            return Err(Closed);
        }
        self.pause(next).await?;
        if self.state.retires() { Err(Closed) } else { Ok(()) }
    }

    async fn serve(&mut self, connected: Connected) -> Failure {
        let Connected { socket, date, took } = connected;
        self.state.failure = None;
        let (context, table) = (&self.state.context, &self.state.table);
        if let Some(date) = date {
            context.note_time(&self.state.url, &date, took);
        }
        let (context, table, url) =
            (Arc::clone(context), Arc::clone(table), Arc::clone(&self.state.url));
        if table.wants_limits(&url) {
            let reach = self.state.reach();
            self.chores.spawn(upkeep::learn(context, Arc::clone(&table), Arc::clone(&url), reach));
        }
        if self.has_served && self.state.roles.is_ours() {
            let me = self.state.context.identity.public;
            self.chores.spawn(upkeep::republish(table, url, me));
        }
        self.has_served = true;
        let start = Instant::now();
        let failure = Session::serve(&mut self.state, socket).await;
        self.chores.abort_all();
        if start.elapsed() >= STABLE {
            self.backoff.reset();
        }
        failure
    }

    /// Notes that there is no connection, and when the next attempt is made.
    fn lost(&mut self, failure: Failure, pause: Duration) {
        let Failure { is_refusal, cause } = failure;
        let state = &mut self.state;
        tracing::info!(relay = %state.url, cause, "not connected");
        let line = if is_refusal { RelayState::Refused } else { RelayState::WaitingToRetry };
        state.status.lost(line, cause.clone(), Some(pause));
        state.outbox.lost(&cause, Instant::now());
        state.queries.fail(&cause);
        if is_refusal && !state.roles.is_ours() {
            state.outbox.abandon(&format!("not connected: {cause}"));
        }
        state.failure = Some(cause);
    }

    /// Waits for the next attempt. A machine that wakes ends the pause, a user shortens it.
    async fn pause(&mut self, next: Instant) -> Result<(), Closed> {
        let (wake, hasten) = (Arc::clone(&self.state.wake), Arc::clone(&self.state.hasten));
        let soonest = Instant::now() + HASTENED;
        let pausing = async move {
            tokio::select! {
                () = sleep_until(next) => {}
                () = wake.notified() => {}
                () = hasten.notified() => sleep_until(soonest.min(next)).await,
            }
        };
        self.meanwhile(pausing).await
    }

    /// Serves commands while there is no connection, until `event` happens.
    async fn meanwhile<F: Future>(&mut self, event: F) -> Result<F::Output, Closed> {
        let mut event = pin!(event);
        let state = &mut self.state;
        loop {
            let deadline = state.next_deadline();
            tokio::select! {
                // The event first, so that a command cannot come before it is waited for.
                biased;
                output = &mut event => return Ok(output),
                command = state.commands.recv() => state.take(command.ok_or(Closed)?),
                () = until(deadline) => {}
            }
            if state.closing.is_some() {
                return Err(Closed);
            }
            let now = Instant::now();
            state.outbox.expire(now);
            state.queries.expire(now);
            if std::mem::take(&mut state.has_woken) && state.roles != Roles::default() {
                self.chores.spawn(upkeep::learn(
                    Arc::clone(&state.context),
                    Arc::clone(&state.table),
                    Arc::clone(&state.url),
                    state.reach(),
                ));
            }
        }
    }
}

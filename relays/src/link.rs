//! One relay: a task that keeps the connection up, and serves orders whether it is or not.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use nostr::secp256k1::rand::{Rng, thread_rng};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use super::about;
use super::admission::Budget;
use super::connect::{Connected, Failure, connect};
use super::hub::Hub;
use super::outbox::{Job, Notice, Outbox};
use super::query::{Queries, Query};
use super::settings::Roles;
use super::status::Status;

/// Pauses between attempts to connect: from, to.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// A connection that held this long starts the pauses over.
const STABLE: Duration = Duration::from_secs(30);
/// A connection to a relay that only peers use ends after this long without anything to send.
pub(super) const IDLE: Duration = Duration::from_secs(600);

/// What a connection may be told.
#[derive(Debug)]
pub(super) enum Order {
    /// Publish a message for a peer.
    Publish(Job),
    /// Publish an event about ourselves.
    Notify(Notice),
    /// Ask something.
    Ask(Query),
    /// What was heard is to be heard again.
    HearAgain,
    /// The machine slept: is the connection still there?
    Wake,
    /// Send what waits, and close.
    Close {
        /// By then at the latest.
        by: Instant,
        /// Told when it is done.
        done: oneshot::Sender<()>,
    },
}

/// One relay's task.
#[derive(Debug)]
pub(super) struct Link {
    pub hub: Arc<Hub>,
    pub url: Arc<str>,
    pub roles: Roles,
    pub orders: mpsc::Receiver<Order>,
    pub status: Status,
    pub outbox: Outbox,
    pub queries: Queries,
    pub budget: Budget,
    /// Paging through what the relay kept: whether that was all.
    pub catching_up: JoinSet<bool>,
    /// An inbox missed something while nobody looked.
    pub missed: bool,
    /// The machine woke: a connection that stands is to prove it.
    pub woken: bool,
    /// The same, for a pause.
    wake: Arc<Notify>,
    pub closing: Option<(Instant, oneshot::Sender<()>)>,
    /// Why there is no connection, once an attempt failed: questions are answered with it.
    resting: Option<String>,
}

impl Link {
    pub fn new(
        hub: Arc<Hub>,
        url: &str,
        roles: Roles,
        orders: mpsc::Receiver<Order>,
        status: Status,
    ) -> Self {
        let (url, now) = (Arc::<str>::from(url), Instant::now());
        Self {
            hub,
            roles,
            orders,
            status,
            outbox: Outbox::new(Arc::clone(&url), now),
            queries: Queries::default(),
            budget: Budget::new(now),
            url,
            catching_up: JoinSet::new(),
            missed: false,
            woken: false,
            wake: Arc::default(),
            closing: None,
            resting: None,
        }
    }

    /// Connects, serves, and connects again.
    pub async fn run(mut self) {
        let (mut failures, mut served) = (0_u32, false);
        let mut chores = JoinSet::new();
        loop {
            self.status.connecting();
            let url = Arc::clone(&self.url);
            // An address of our own configuration is the human's choice; a peer's is not.
            let public_only = !self.roles.is_ours();
            let network = Arc::clone(&self.hub.platform.network);
            let connecting = async move { connect(&*network, &url, public_only).await };
            let Some(outcome) = self.meanwhile(connecting).await else { break };
            let failure = match outcome {
                Ok(Connected { socket, date, took }) => {
                    self.resting = None;
                    if let Some(date) = date {
                        self.hub.told_time(&self.url, &date, took);
                    }
                    if self.hub.wants_limits(&self.url) {
                        let (hub, url) = (Arc::clone(&self.hub), Arc::clone(&self.url));
                        chores.spawn(about::learn(hub, url, public_only));
                    }
                    if served && self.roles.is_ours() {
                        let (hub, url) = (Arc::clone(&self.hub), Arc::clone(&self.url));
                        chores.spawn(hub.remind(url));
                    }
                    served = true;
                    let start = Instant::now();
                    let failure = self.serve(socket).await;
                    chores.abort_all();
                    self.catching_up.shutdown().await;
                    if start.elapsed() >= STABLE {
                        failures = 0;
                    }
                    failure
                }
                Err(failure) => failure,
            };
            let Failure { is_refusal, cause } = failure;
            tracing::info!(relay = %self.url, cause, "not connected");
            let state = if is_refusal { "refused" } else { "waiting to retry" };
            self.status.lost(state, cause.clone());
            self.outbox.lost(&cause, Instant::now());
            self.queries.fail(&cause);
            if is_refusal && !self.roles.is_ours() {
                self.outbox.abandon(&format!("not connected: {cause}"));
            }
            self.resting = Some(cause);
            if self.closing.is_some() || self.retires() {
                break;
            }
            let pause = backoff(failures, thread_rng().gen_range(0.5..1.0));
            failures = failures.saturating_add(1);
            let wake = Arc::clone(&self.wake);
            // Over when the machine wakes: what failed before may do now.
            let resting = async move { timeout(pause, wake.notified()).await };
            if self.meanwhile(resting).await.is_none() {
                break;
            }
            if self.retires() {
                break;
            }
        }
        self.status.lost("closed", "shut down".to_owned());
        self.outbox.abandon("shut down before it was sent");
        self.queries.fail("shut down");
        if let Some((_, done)) = self.closing {
            let _ = done.send(());
        }
    }

    /// Serves orders while there is no connection, until `event` comes about. Nothing: close.
    async fn meanwhile<F: Future>(&mut self, event: F) -> Option<F::Output> {
        let mut event = pin!(event);
        loop {
            let deadline = self.next_deadline();
            tokio::select! {
                output = &mut event => return Some(output),
                order = self.orders.recv() => self.take(order?),
                () = until(deadline) => {}
            }
            if self.closing.is_some() {
                return None;
            }
            let now = Instant::now();
            self.outbox.expire(now);
            self.queries.expire(now);
        }
    }

    /// Notes an order.
    pub fn take(&mut self, order: Order) {
        match order {
            Order::Publish(job) => self.outbox.add_message(job),
            Order::Notify(notice) => self.outbox.add_notice(notice),
            Order::Ask(query) => {
                self.queries.add(query);
                if let Some(cause) = &self.resting {
                    self.queries.fail(cause);
                }
            }
            Order::HearAgain => self.missed = true,
            Order::Wake => {
                self.woken = true;
                self.wake.notify_waiters();
            }
            Order::Close { by, done } => self.closing = Some((by, done)),
        }
    }

    /// When the outbox or a question wants attention.
    pub fn next_deadline(&self) -> Option<Instant> {
        [self.outbox.next_deadline(), self.queries.next_deadline()].into_iter().flatten().min()
    }

    /// Leaves the table, if only peers use this relay and nothing waits for it.
    fn retires(&self) -> bool {
        !self.roles.is_ours() && self.outbox.is_empty() && self.hub.retire(&self.url, &self.orders)
    }
}

/// Waits for a time that may not be set.
pub(super) async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// The pause after so many failures in a row; `jitter` of a half to one spreads those who lost
/// the same relay at the same time.
fn backoff(failures: u32, jitter: f64) -> Duration {
    RETRY.0.saturating_mul(1 << failures.min(6)).min(RETRY.1).mul_f64(jitter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute() {
        let pauses: Vec<_> = (0..8).map(|n| backoff(n, 1.0).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(backoff(0, 0.5), Duration::from_millis(500));
        assert_eq!(backoff(u32::MAX, 1.0), RETRY.1);
    }
}

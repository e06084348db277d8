//! The handle to the relays, and their start and end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use nostr::{Filter, Keys, Kind, SecretKey};
use p2p_core::engine::Priority;
use p2p_core::presence::Presence;
use p2p_core::{PublicKey, Rumor, RumorId, Time};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::context::Context;
use crate::directory::dispatch::{self, Dispatch, Outgoing};
use crate::directory::lookup::{Route, look_up};
use crate::directory::presence::{self, FoundAgents};
use crate::directory::profile::{self, Profile};
use crate::drops::DropCounts;
use crate::event::RelayEvent;
use crate::inbox::ingest;
use crate::inbox::intake::Intake;
use crate::monotonic::SleepWatch;
use crate::platform::Platform;
use crate::settings::{RelaySettings, RelaySpec, normalized};
use crate::transport::command::RelayCommand;
use crate::transport::pool::Pool;
use crate::transport::query::Question;
use crate::transport::status::RelayStatus;
use crate::transport::table::RelayAnswer;

/// The time for relays to take our presence back.
const CLEARING: Duration = Duration::from_secs(2);
/// The time for sending what waits when we close.
const FLUSH: Duration = Duration::from_secs(2);
/// The interval of looking whether this machine slept.
const WATCH: Duration = Duration::from_secs(2);

/// The reason why the relays could not be started.
#[derive(Debug, thiserror::Error)]
pub enum RelaysError {
    /// The secret key is invalid.
    #[error("the secret key is not valid for secp256k1")]
    BadKey,
    /// An address of a relay is invalid.
    #[error("`{url}` is not the address of a relay: {cause}")]
    BadUrl {
        /// The address.
        url: String,
        /// The problem.
        cause: String,
    },
}

/// A handle to the relays. When the last handle is dropped, every connection ends.
#[derive(Debug, Clone)]
pub struct Relays(Arc<Tasks>);

#[derive(Debug)]
struct Tasks {
    pool: Pool,
    dispatch: mpsc::Sender<Dispatch>,
    tasks: Vec<AbortHandle>,
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
        self.pool.table.abort_all();
    }
}

impl Relays {
    /// Starts connecting, on the current tokio runtime. Reports go to `events`.
    ///
    /// # Errors
    /// When the key or an address is invalid. A relay that cannot be reached is not an error: see
    /// [`Relays::status`].
    pub fn start(
        settings: RelaySettings,
        events: mpsc::Sender<RelayEvent>,
    ) -> Result<Self, RelaysError> {
        Self::start_on(Platform::system(), settings, events)
    }

    /// Starts on a platform; see [`Relays::start`].
    pub(crate) fn start_on(
        platform: Platform,
        settings: RelaySettings,
        events: mpsc::Sender<RelayEvent>,
    ) -> Result<Self, RelaysError> {
        let secret = SecretKey::from_slice(&settings.secret);
        let keys = Keys::new(secret.map_err(|_| RelaysError::BadKey)?);
        let own = own_relays(settings.relays)?;
        let (intake, arrivals) = Intake::new();
        let (reports, reported) = mpsc::unbounded_channel();
        let (dispatch, sends) = mpsc::channel(dispatch::SENDS);
        let subscription_id = format!("p2p-{}", settings.instance);
        let context =
            Arc::new(Context::new(platform, keys, subscription_id, own, (intake, reports)));
        let pool = Pool { context: Arc::clone(&context), table: Arc::default() };
        pool.table.note_caught_up(settings.caught_up, 0);
        pool.open_own();
        let ingest = ingest::run(arrivals, Arc::clone(&context), events.clone());
        let tasks = vec![
            tokio::spawn(watch_for_sleep(pool.clone())).abort_handle(),
            tokio::spawn(ingest).abort_handle(),
            tokio::spawn(forward(reported, events)).abort_handle(),
            tokio::spawn(dispatch::run(pool.clone(), sends)).abort_handle(),
        ];
        Ok(Self(Arc::new(Tasks { pool, dispatch, tasks })))
    }

    /// Sends a message: it is wrapped once and goes to the relays where `to` receives. Returns at
    /// once; a [`RelayEvent::Report`] or [`RelayEvent::NoRoute`] follows in any case.
    pub fn send(&self, to: PublicKey, rumor: Rumor, priority: Priority) {
        let command = Dispatch::Send(Outgoing { to, rumor, priority });
        if let Err(error) = self.0.dispatch.try_send(command)
            && let Dispatch::Send(outgoing) = error.into_inner()
        {
            dispatch::refuse(self.context(), &outgoing, "too much is waiting to be sent");
        }
    }

    /// Announces that we are up (NIP-38), on the presence relays.
    pub async fn announce(&self, presence: &Presence) {
        presence::announce(&self.0.pool, presence, self.now());
    }

    /// Takes the announcement back. Returns when the connected relays answered, within 2 s.
    pub async fn clear_presence(&self) {
        presence::clear(&self.0.pool, self.now(), CLEARING).await;
    }

    /// Publishes our profile (kind 0) and where we are reached (kinds 10002, 10050) on all our
    /// relays; on those that are not connected, when they are.
    pub async fn publish_profile(&self, profile: &Profile) {
        profile::publish(&self.0.pool, profile, self.now());
    }

    /// Asks the presence relays for agents: all, or those with a capability. `limit` is capped at
    /// 500. Returns when all answered, at the latest a little after `timeout`.
    pub async fn find_agents(
        &self,
        capability: Option<&str>,
        limit: usize,
        timeout: Duration,
    ) -> FoundAgents {
        presence::find(&self.0.pool, capability, limit, timeout).await
    }

    /// Looks up whether a key's profile says that it speaks p2p. Returns nothing where no profile is
    /// found, within 7 s.
    pub async fn speaks_p2p(&self, peer: PublicKey) -> Option<bool> {
        look_up(&self.0.pool, peer).await.speaks_p2p
    }

    /// Returns the relays where a key receives, if they are found and may be used.
    pub async fn inbox_relays(&self, peer: PublicKey) -> Option<Vec<String>> {
        match look_up(&self.0.pool, peer).await.route {
            Route::Found(relays) => Some(relays),
            Route::NotFound | Route::NoAnswer(_) => None,
        }
    }

    /// Returns the status of each relay, ours and those that peers had us connect to.
    #[must_use]
    pub fn status(&self) -> Vec<RelayStatus> {
        let mut statuses = self.0.pool.table.statuses();
        for status in &mut statuses {
            status.drops = self.context().drops.of(&status.url);
        }
        statuses
    }

    /// Returns the number of our own relays that are connected.
    #[must_use]
    pub fn connected(&self) -> usize {
        let statuses = self.0.pool.table.statuses();
        statuses.iter().filter(|relay| relay.connected && relay.roles.is_ours()).count()
    }

    /// Makes the relays that wait for their next attempt connect soon. To be called for each use of
    /// the daemon.
    pub fn hasten(&self) {
        self.0.pool.table.command_all(|| RelayCommand::Hasten);
    }

    /// Measures the round trip to each connected relay with a small question.
    pub async fn probe(&self, timeout: Duration) {
        let me = nostr::PublicKey::from_byte_array(self.context().identity.public.0);
        let filter = Filter::new().kind(Kind::Metadata).author(me).limit(1);
        let question = Question { filter, max_events: 1, max_size: 64 * 1024, wait: timeout };
        let mut answers = self.0.pool.table.ask(|status| status.connected, &question);
        while let Some(RelayAnswer { status, answer, .. }) = answers.recv().await {
            if answer.complete.is_ok() {
                status.measured(answer.took);
            }
        }
    }

    /// Notes that the messages that a relay had stored at a time are durable: they are not asked for
    /// again. Returns all such times, to be kept for the next run ([`RelaySettings::caught_up`]), or
    /// nothing when they no longer count.
    #[must_use]
    pub fn caught_up(&self, relay: &str, at: Time, epoch: u64) -> Option<BTreeMap<String, Time>> {
        self.0.pool.table.note_caught_up([(relay.to_owned(), at)], epoch)
    }

    /// Withdraws messages: none of them is transmitted, now or later. Returns false when one of them
    /// may have been transmitted in this run: then nothing changes.
    #[must_use]
    pub fn withdraw(&self, rumors: &[RumorId]) -> bool {
        self.context().gate.withdraw(rumors)
    }

    /// Takes a withdrawal back.
    pub fn readmit(&self, rumors: &[RumorId]) {
        self.context().gate.readmit(rumors);
    }

    /// Asks relays for stored messages again, because one that was reported could not be kept.
    pub fn hear_again(&self) {
        self.context().seen.forget();
        self.0.pool.table.hear_again();
    }

    /// Returns the milliseconds that relays are ahead of this machine's clock; 0 where that is little.
    #[must_use]
    pub fn clock_ahead(&self) -> i64 {
        self.context().clock.offset()
    }

    /// Returns the time as others have it: this machine's clock, corrected.
    #[must_use]
    pub fn now(&self) -> Time {
        self.context().now()
    }

    /// Returns the numbers of inbound events that were dropped since the start, by reason.
    #[must_use]
    pub fn drops(&self) -> DropCounts {
        self.context().drops.total()
    }

    /// Sends what waits, for 2 s at most, and closes every connection. Other handles are of no use
    /// afterwards.
    pub async fn shutdown(self) {
        let by = Instant::now() + FLUSH;
        let (done, flushed) = oneshot::channel();
        if self.0.dispatch.try_send(Dispatch::Flush(done)).is_ok() {
            let _ = tokio::time::timeout_at(by, flushed).await;
        }
        self.0.pool.table.close_all(by).await;
        self.0.pool.table.abort_all();
        self.0.tasks.iter().for_each(AbortHandle::abort);
    }

    pub(crate) fn context(&self) -> &Context {
        &self.0.pool.context
    }

    /// Returns the pool, for tests that act inside of it.
    #[cfg(test)]
    pub(crate) fn pool(&self) -> &Pool {
        &self.0.pool
    }
}

/// Returns our relays in the order given, each address once with all its roles.
fn own_relays(relays: Vec<RelaySpec>) -> Result<Vec<RelaySpec>, RelaysError> {
    let mut own: Vec<RelaySpec> = Vec::new();
    for spec in relays {
        let url = normalized(&spec.url)
            .map_err(|cause| RelaysError::BadUrl { url: spec.url.clone(), cause })?;
        match own.iter_mut().find(|other| other.url == url) {
            Some(other) => other.roles = other.roles.or(spec.roles),
            None => own.push(RelaySpec { url, roles: spec.roles }),
        }
    }
    Ok(own)
}

/// Forwards reports. They have a channel of their own, so that they do not wait behind messages that
/// are to be opened.
async fn forward(
    mut reports: mpsc::UnboundedReceiver<RelayEvent>,
    events: mpsc::Sender<RelayEvent>,
) {
    while let Some(report) = reports.recv().await {
        if events.send(report).await.is_err() {
            return;
        }
    }
}

/// Tells the connections when this machine slept, or its clock was set forward.
async fn watch_for_sleep(pool: Pool) {
    let read = || ((pool.context.platform.now)(), std::time::Instant::now());
    let (now, at) = read();
    let mut watch = SleepWatch::new(now, at);
    loop {
        tokio::time::sleep(WATCH).await;
        let (now, at) = read();
        if watch.jumped(now, at) {
            tracing::info!("this machine slept, or its clock was set");
            wake(&pool);
        }
    }
}

/// Makes the connections prove that they stand, and those that wait connect at once.
pub(crate) fn wake(pool: &Pool) {
    pool.table.command_all(|| RelayCommand::Wake);
    pool.context.report(RelayEvent::Woke);
}

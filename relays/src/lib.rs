//! Relays: the one module that knows Nostr's transport.
//!
//! Rumors and presence go in, verified messages and reports come out, all in our own types; no
//! type of a Nostr crate crosses this boundary. Inside, each relay is a task that keeps its
//! connection up (`link`, `session`); one task opens what arrives (`ingest`), one finds
//! out where messages go (`dispatch`). Nothing here is durable: whoever sends keeps the
//! message until it is acknowledged, and whoever hears tells duplicates by their rumor id.
//!
//! The connection is our own, on top of the `nostr` crate's types, rather than the SDK's relay
//! pool: the pool verifies before any budget is checked, drops what a slow reader does not take,
//! does not say why a connection failed, and resolves a peer's host again after it was checked.

mod about;
mod admission;
mod catch_up;
mod clock;
mod connect;
mod delivery;
mod directory;
mod dispatch;
pub mod embedded;
mod hub;
mod inbox;
mod ingest;
mod link;
mod monotonic;
mod outbox;
mod pace;
mod packet;
mod platform;
mod profile;
mod query;
mod queue;
mod route;
mod session;
mod settings;
mod status;
#[cfg(test)]
mod tests;
mod verdict;
mod wire;
mod wrap;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use nostr::{Filter, Keys, Kind, SecretKey};
use p2p_core::engine::Priority;
use p2p_core::presence::Presence;
use p2p_core::{PublicKey, Rumor, RumorId, Time, Verified};
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::Instant;

pub use self::about::Limits;
pub use self::directory::Found;
use self::dispatch::Dispatch;
use self::hub::Hub;
use self::ingest::Ingest;
pub use self::monotonic::now;
use self::platform::{Platform, SystemNetwork};
pub use self::profile::Profile;
pub use self::settings::{RelaySpec, Roles, Settings};
pub use self::status::RelayState;

/// Opens a connection to where a URL says, encrypted where it says `https`.
///
/// # Errors
/// When the server cannot be reached.
pub async fn dial(
    url: &str,
) -> Result<impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + use<>, String> {
    connect::open(&SystemNetwork, url, false).await.map_err(|failure| failure.cause)
}

/// How long relays may take to note that we went.
const CLEARING: Duration = Duration::from_secs(2);
/// How long what waits may take to be sent when we close.
const FLUSH: Duration = Duration::from_secs(2);

/// How often it is looked whether this machine slept.
const WATCH: Duration = Duration::from_secs(2);

/// Why the relays could not be started.
#[derive(Debug, thiserror::Error)]
pub enum RelaysError {
    /// The secret key is none.
    #[error("the secret key is not one of secp256k1")]
    BadKey,
    /// A relay's address is none.
    #[error("`{url}` is not the address of a relay: {cause}")]
    BadUrl {
        /// What was given.
        url: String,
        /// What is wrong with it.
        cause: String,
    },
}

/// What the relays have to say to the engine.
#[derive(Debug)]
pub enum Heard {
    /// A message for us, every check done. The same rumor may come again in another wrap.
    Message {
        /// The message.
        message: Verified,
        /// The relay that had it first.
        relay: String,
    },
    /// How a message fares that was sent: cumulative, once for each relay that settled, last
    /// with nothing waiting. A refusal by `*` is our own: the message went nowhere.
    Report {
        /// The message.
        rumor: RumorId,
        /// The relays that took it.
        accepted: Vec<String>,
        /// Those that did not, with the cause.
        refused: Vec<(String, String)>,
        /// How many have not settled yet.
        waiting: usize,
    },
    /// The receiver has no relays to be found (kind 10050), or none that may be used.
    NoRoute {
        /// The message.
        rumor: RumorId,
        /// Its receiver.
        to: PublicKey,
    },
    /// None of the receiver's relays will ever take the message as it is: it is too large. A
    /// [`Heard::Report`] came before.
    Unfit {
        /// The message.
        rumor: RumorId,
        /// Why, of one of them.
        cause: String,
    },
    /// This machine slept, or its clock was set forward.
    Woke,
    /// What relays say of this machine's clock changed.
    Clock {
        /// Milliseconds that they are ahead of it; 0 where that is within what is normal.
        ahead: i64,
    },
    /// A relay is connected, and its subscription to what is for us is live.
    Connected {
        /// The relay.
        relay: String,
    },
    /// Everything that a relay kept for us was told, all of it before this: to be noted by
    /// [`Relays::caught_up`] when it is durable.
    CaughtUp {
        /// The relay.
        relay: String,
        /// When it was asked.
        at: Time,
        /// Of which hearing: after [`Relays::hear_again`] it counts no more.
        epoch: u64,
    },
}

/// A handle to the relays. When the last one is dropped, every connection ends.
#[derive(Debug, Clone)]
pub struct Relays(Arc<Running>);

#[derive(Debug)]
struct Running {
    hub: Arc<Hub>,
    dispatch: mpsc::Sender<Dispatch>,
    tasks: Vec<AbortHandle>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
        self.hub.abort_all();
    }
}

impl Relays {
    /// Starts connecting, on the current tokio runtime. What is heard goes to `heard`.
    ///
    /// # Errors
    /// When the key or an address is none. That a relay cannot be reached is no error: see
    /// [`Relays::status`].
    pub fn start(settings: Settings, heard: mpsc::Sender<Heard>) -> Result<Self, RelaysError> {
        Self::start_on(Platform::system(), settings, heard)
    }

    fn start_on(
        platform: Platform,
        settings: Settings,
        heard: mpsc::Sender<Heard>,
    ) -> Result<Self, RelaysError> {
        let secret = SecretKey::from_slice(&settings.secret);
        let keys = Keys::new(secret.map_err(|_| RelaysError::BadKey)?);
        let own = own_relays(settings.relays)?;
        let (ingest, arrivals) = Ingest::new();
        let (news, mut fresh_news) = mpsc::unbounded_channel();
        let (dispatch, sends) = mpsc::channel(dispatch::SENDS);
        let inbox_id = format!("p2p-{}", settings.instance);
        let hub = Arc::new(Hub::new(platform, keys, inbox_id, own, ingest, news));
        hub.note_caught_up(settings.caught_up, 0);
        hub.open_own();
        let listen = ingest::run(arrivals, Arc::clone(&hub), heard.clone());
        // Reports take their own way out: they are not behind messages that wait to be opened.
        let report = async move {
            while let Some(news) = fresh_news.recv().await {
                if heard.send(news).await.is_err() {
                    return;
                }
            }
        };
        let tasks = vec![
            tokio::spawn(watch_for_sleep(Arc::clone(&hub))).abort_handle(),
            tokio::spawn(listen).abort_handle(),
            tokio::spawn(report).abort_handle(),
            tokio::spawn(dispatch::run(Arc::clone(&hub), sends)).abort_handle(),
        ];
        Ok(Self(Arc::new(Running { hub, dispatch, tasks })))
    }

    /// Sends a message: it is wrapped once and goes to the relays where `to` receives. Returns
    /// at once; a [`Heard::Report`] or [`Heard::NoRoute`] follows in any case, while we run.
    pub fn send(&self, to: PublicKey, rumor: Rumor, priority: Priority) {
        let id = rumor.id();
        if self.0.dispatch.try_send(Dispatch::Send(to, rumor, priority)).is_err() {
            dispatch::refuse(&self.0.hub, id, "too much is waiting to be sent");
        }
    }

    /// Announces that we are up (NIP-38), on the presence relays.
    pub async fn announce(&self, presence: &Presence) {
        profile::announce(&self.0.hub, presence, self.0.hub.clock.now());
    }

    /// Takes the announcement back. Returns when the connected relays took note, within 2 s.
    pub async fn clear_presence(&self) {
        profile::clear(&self.0.hub, self.0.hub.clock.now(), CLEARING).await;
    }

    /// Publishes our profile (kind 0) and where we are to be reached (kinds 10002, 10050), on
    /// all our relays; on those that are not connected, when they are.
    pub async fn publish_profile(&self, profile: &Profile) {
        profile::publish(&self.0.hub, profile, self.0.hub.clock.now());
    }

    /// Asks the presence relays who is up: all, or those with a capability. `limit` is capped
    /// at 500. Returns when all answered, at the latest a little after `timeout`.
    pub async fn find_agents(
        &self,
        capability: Option<&str>,
        limit: usize,
        timeout: Duration,
    ) -> Found {
        directory::find(&self.0.hub, capability, limit, timeout).await
    }

    /// How each relay is doing, ours and those that peers had us connect to.
    #[must_use]
    pub fn status(&self) -> Vec<RelayState> {
        self.0.hub.statuses().iter().map(status::Status::read).collect()
    }

    /// How many of our own relays are connected.
    #[must_use]
    pub fn connected(&self) -> usize {
        self.status().iter().filter(|relay| relay.connected && relay.roles.is_ours()).count()
    }

    /// Measures the round trip to each connected relay with a small question.
    pub async fn probe(&self, timeout: Duration) {
        let me = nostr::PublicKey::from_byte_array(self.0.hub.me.0);
        let filter = Filter::new().kind(Kind::Metadata).author(me).limit(1);
        let is_connected = |status: &status::Status, _| status.read().connected;
        let mut answers = self.0.hub.ask(is_connected, &filter, 1, 64 * 1024, timeout);
        while let Some((_, status, answer)) = answers.recv().await {
            if answer.complete.is_ok() {
                status.measured(answer.took);
            }
        }
    }

    /// Notes that everything that a relay kept `at` that time is durable: it is not asked for
    /// again. All that is known of this, to be kept for the next run ([`Settings::caught_up`]);
    /// nothing, where it does not count any more.
    #[must_use]
    pub fn caught_up(&self, relay: &str, at: Time, epoch: u64) -> Option<BTreeMap<String, Time>> {
        self.0.hub.note_caught_up([(relay.to_owned(), at)], epoch)
    }

    /// Sees to it that none of these messages leaves, now or later. False when one of them may
    /// have left in this run: then nothing changes.
    #[must_use]
    pub fn withdraw(&self, rumors: &[RumorId]) -> bool {
        self.0.hub.wire.withdraw(rumors)
    }

    /// Takes back [`Relays::withdraw`].
    pub fn readmit(&self, rumors: &[RumorId]) {
        self.0.hub.wire.readmit(rumors);
    }

    /// Something that was heard could not be kept: relays are to tell it again.
    pub fn hear_again(&self) {
        self.0.hub.hear_again();
    }

    /// How many milliseconds relays are ahead of this machine's clock; 0 where that is little.
    #[must_use]
    pub fn clock_ahead(&self) -> i64 {
        self.0.hub.clock.offset()
    }

    /// The time, as others have it: this machine's clock, corrected.
    #[must_use]
    pub fn now(&self) -> Time {
        self.0.hub.clock.now()
    }

    /// How many events were refused since the start, by what was wrong with them.
    #[must_use]
    pub fn refused(&self) -> BTreeMap<&'static str, u64> {
        self.0.hub.gate.refused()
    }

    /// Sends what waits, for 2 s at most, and closes every connection. Other handles are of no
    /// use afterwards.
    pub async fn shutdown(self) {
        let by = Instant::now() + FLUSH;
        let (done, flushed) = oneshot::channel();
        if self.0.dispatch.try_send(Dispatch::Flush(done)).is_ok() {
            let _ = tokio::time::timeout_at(by, flushed).await;
        }
        self.0.hub.close_all(by).await;
        self.0.hub.abort_all();
        self.0.tasks.iter().for_each(AbortHandle::abort);
    }
}

/// Returns our relays in the order given, each address once with all its roles.
fn own_relays(relays: Vec<RelaySpec>) -> Result<Vec<RelaySpec>, RelaysError> {
    let mut own: Vec<RelaySpec> = Vec::new();
    for spec in relays {
        let url = settings::normalized(&spec.url)
            .map_err(|cause| RelaysError::BadUrl { url: spec.url.clone(), cause })?;
        match own.iter_mut().find(|other| other.url == url) {
            Some(other) => other.roles = other.roles.or(spec.roles),
            None => own.push(RelaySpec { url, roles: spec.roles }),
        }
    }
    Ok(own)
}

/// Tells the connections when this machine slept, or its clock was set forward.
async fn watch_for_sleep(hub: Arc<Hub>) {
    let read = || ((hub.platform.now)(), std::time::Instant::now());
    let (now, at) = read();
    let mut watch = monotonic::Watch::new(now, at);
    loop {
        tokio::time::sleep(WATCH).await;
        let (now, at) = read();
        if watch.jumped(now, at) {
            tracing::info!("this machine slept, or its clock was set");
            hub.wake();
        }
    }
}

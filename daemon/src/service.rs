//! The parts, put together: start, run until told to stop, stop in order.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use p2p_core::call::State;
use p2p_core::engine::Input;
use p2p_core::{InstanceId, PublicKey, Time};
use p2p_ipc::{ErrorCode, Place, RpcError};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

use crate::channels::{Channels, Desk};
use crate::downloads::Downloads;
use crate::gate::Gate;
use crate::host::{Host, Parts};
use crate::identity::Identity;
use crate::{hints, host, presence, settings, socket};
use p2p_config::{Config, PresenceMode};
use p2p_relays::{Heard, Profile, Relays, Settings};
use p2p_store::{Reader, Receipt, Store};

/// What relays said and the engine has not taken: past that, reading from relays waits.
const HEARD: usize = 1024;
/// How long after its start the service may keep a reader waiting for the first relay.
const CATCH_UP: Duration = Duration::from_secs(3);
/// How long the engine's thread may take to finish.
const LAST_COMMIT: Duration = Duration::from_secs(5);

/// How the service is started.
#[derive(Debug)]
pub struct Start {
    /// Where everything is.
    pub place: Place,
    /// `autostarted`, `transient`, `service` or `foreground`: shown by `status`.
    pub how: &'static str,
}

/// What every request may need.
pub(crate) struct Service {
    pub place: Place,
    pub config: Config,
    pub name: String,
    pub me: PublicKey,
    pub new: bool,
    pub instance: InstanceId,
    pub how: &'static str,
    pub started: Time,
    pub channels: Channels,
    pub env: BTreeMap<String, String>,
    pub host: Host,
    pub gate: Gate,
    pub relays: Relays,
    pub stop: watch::Sender<bool>,
    heard_all: watch::Sender<bool>,
    reader: Arc<Mutex<Reader>>,
    acted: AtomicU64,
    listed: Mutex<BTreeMap<PublicKey, String>>,
}

impl Service {
    /// The store, to read from.
    pub fn reader(&self) -> MutexGuard<'_, Reader> {
        lock(&self.reader)
    }

    /// Our agent did something or waits for something.
    pub fn act(&self) {
        self.acted.store(crate::now().0, Ordering::Relaxed);
    }

    /// When it last did.
    pub fn last_acted(&self) -> Time {
        Time(self.acted.load(Ordering::Relaxed))
    }

    /// Waits, where the service has just started, until one relay has told everything that it
    /// kept for us: before that, "nothing new" would not be so.
    pub async fn catch_up(&self) {
        let mut heard_all = self.heard_all.subscribe();
        let patience = CATCH_UP.saturating_sub(crate::now().since(self.started));
        let _ = tokio::time::timeout(patience, heard_all.wait_for(|so| *so)).await;
    }

    /// Calls that are answered, or being answered.
    pub fn calls_in_use(&self) -> usize {
        let open = self.reader().open_calls("agent").unwrap_or_default();
        let in_use = |state: &State| matches!(state, State::Connecting(_) | State::Active);
        open.iter().filter(|row| in_use(&row.call.state)).count()
    }

    /// Agents that `list` showed in this run, with the names they claim.
    pub fn listed(&self) -> MutexGuard<'_, BTreeMap<PublicKey, String>> {
        lock(&self.listed)
    }
}

/// A panic elsewhere leaves the value usable: nothing here is changed halfway.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Runs the service in the foreground until SIGINT, SIGTERM or the `stop` method.
///
/// # Errors
/// What keeps it from starting: identity, configuration, store, socket.
pub fn run(start: Start) -> Result<(), RpcError> {
    log_to_stderr();
    make_private_folder(&start.place)?;
    let identity = Identity::open(&start.place.identity, &start.place.store)?;
    let config = settings::read(&start.place.config)?;
    let runtime = runtime()?;
    let served = runtime.block_on(serve(start, identity, config));
    runtime.shutdown_timeout(Duration::from_secs(1));
    served
}

async fn serve(start: Start, identity: Identity, config: Config) -> Result<(), RpcError> {
    let place = start.place;
    let listener = socket::bind(&place.socket)?;
    let mut store =
        Store::open(&place.store, identity.secret()).map_err(|e| unusable(&place, &e))?;
    let reader = || store.reader().map(|reader| Arc::new(Mutex::new(reader)));
    let (queries, telling) = match (reader(), reader()) {
        (Ok(queries), Ok(telling)) => (queries, telling),
        (Err(e), _) | (_, Err(e)) => return Err(unusable(&place, &e)),
    };
    let warning = settings::warning(&config, &place.config);
    let channels = Channels::open(&config.notifiers, warning.as_deref(), &mut store)
        .map_err(|e| unusable(&place, &e))?;
    let mut instance = [0; 8];
    crate::random(&mut instance);
    let instance = InstanceId(instance);
    let name = config.name.clone().unwrap_or_else(|| default_name(identity.public));
    let (heard, hearing) = mpsc::channel(HEARD);
    let settings = Settings {
        secret: *identity.secret(),
        relays: settings::relays(&config),
        instance,
        caught_up: host::caught_up(&store).map_err(|e| unusable(&place, &e))?,
    };
    let relays = Relays::start(settings, heard).map_err(|e| wrong_relays(&place, &e))?;
    let engine = settings::engine(&config, &name);
    let downloads = Downloads::of(&place, &config);
    let parts = Parts {
        me: identity.public,
        instance,
        settings: engine,
        store,
        relays: relays.clone(),
        downloads,
        retention: config.retention,
    };
    let (host, thread) = Host::start(parts).map_err(|e| unusable(&place, &e))?;
    channels.start(Desk { ledger: host.clone(), reader: telling, me: identity.public });
    let (stop, stopped) = watch::channel(false);
    let service = Arc::new(Service {
        config,
        name,
        me: identity.public,
        new: identity.new,
        instance,
        how: start.how,
        started: crate::now(),
        channels,
        env: p2p_ipc::place::daemon_env(),
        host,
        gate: Gate::default(),
        relays,
        stop,
        heard_all: watch::Sender::new(false),
        reader: queries,
        acted: AtomicU64::new(0),
        listed: Mutex::new(BTreeMap::new()),
        place,
    });
    tracing::info!(npub = %service.me.npub(), how = service.how, "the service is up");
    let (reconnected, reconnections) = mpsc::channel(8);
    let announcing = tokio::spawn(presence::keep(service.clone(), reconnections, stopped.clone()));
    tokio::spawn(listen(service.clone(), hearing, reconnected));
    introduce(&service).await;
    let taking = tokio::spawn(socket::serve(listener, service.clone()));
    let leaving = tokio::spawn(leave_to_twin(service.clone()));
    wait_for_stop(stopped).await;

    leaving.abort();
    tracing::info!("stopping");
    taking.abort();
    let _ = std::fs::remove_file(&service.place.socket);
    service.stop.send_replace(true);
    let _ = tokio::time::timeout(Duration::from_secs(3), announcing).await;
    service.host.stop().await;
    let finished = tokio::task::spawn_blocking(move || thread.join());
    let _ = tokio::time::timeout(LAST_COMMIT, finished).await;
    service.relays.clone().shutdown().await;
    drop(identity);
    Ok(())
}

/// Publishes who we are and where we can be written to. An agent that is off in presence still
/// has an address, or nobody could call it.
async fn introduce(service: &Service) {
    let announced = service.config.presence == PresenceMode::Public;
    let profile = Profile {
        name: service.name.clone(),
        about: service.config.about.clone().filter(|_| announced),
    };
    service.relays.publish_profile(&profile).await;
}

/// Takes what relays say to the engine.
async fn listen(
    service: Arc<Service>,
    mut hearing: mpsc::Receiver<Heard>,
    reconnected: mpsc::Sender<()>,
) {
    while let Some(heard) = hearing.recv().await {
        let input = match heard {
            Heard::Message { message, .. } => Input::Received(message),
            Heard::Report { rumor, accepted, refused, waiting } => {
                let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
                let relays = count(accepted.len() + refused.len() + waiting);
                let took = accepted.into_iter().map(|relay| Receipt { relay, cause: None });
                let did_not =
                    refused.into_iter().map(|(relay, cause)| Receipt { relay, cause: Some(cause) });
                service.host.report(rumor, took.chain(did_not).collect(), relays).await;
                continue;
            }
            Heard::Unfit { rumor, cause } => Input::Unfit { rumor, why: cause },
            Heard::Woke => {
                let _ = reconnected.try_send(());
                Input::Tick
            }
            Heard::Clock { ahead } => Input::Clock { ahead },
            Heard::NoRoute { rumor, to } => {
                let cause = Receipt::no_relay("no relay of the receiver is known");
                service.host.report(rumor, vec![cause], 0).await;
                Input::NoRoute { peer: to }
            }
            Heard::Connected { .. } => {
                // Full means that an announcement is due anyway.
                let _ = reconnected.try_send(());
                Input::RelayBack
            }
            Heard::CaughtUp { relay, at, epoch } => {
                service.host.caught_up(relay, at, epoch).await;
                if !*service.heard_all.borrow() {
                    service.host.settle().await;
                    service.heard_all.send_replace(true);
                }
                continue;
            }
        };
        service.host.input(input).await;
    }
}

/// Another daemon with our key was there first: what a relay brings is for that one to
/// acknowledge. What is here can still be read.
async fn leave_to_twin(service: Arc<Service>) {
    let mut twin = service.host.twin();
    if twin.wait_for(Option::is_some).await.is_ok() {
        service.heard_all.send_replace(true);
        service.relays.clone().shutdown().await;
    }
}

async fn wait_for_stop(mut stopped: watch::Receiver<bool>) {
    tokio::select! {
        () = terminated() => {}
        _ = stopped.wait_for(|stop| *stop) => {}
    }
}

/// Ends on SIGINT or SIGTERM.
pub(crate) async fn terminated() {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, RpcError> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| RpcError::new(ErrorCode::Internal, format!("no runtime: {e}")))
}

/// `agent-x7k2`: from the key, and never the name of the machine or its user.
fn default_name(key: PublicKey) -> String {
    let npub = key.npub();
    format!("agent-{}", &npub[npub.len() - 4..])
}

fn make_private_folder(place: &Place) -> Result<(), RpcError> {
    use std::os::unix::fs::DirBuilderExt;
    let folder = place.store.parent().unwrap_or(std::path::Path::new("/"));
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|e| {
        RpcError::new(ErrorCode::LocalFile, format!("cannot make {}: {e}", folder.display()))
    })
}

fn unusable(place: &Place, error: &dyn std::fmt::Display) -> RpcError {
    let path = place.store.display();
    let message = format!(
        "the store {path} cannot be used: {error}. Put a backup in its place, or move it away to \
         begin with an empty one"
    );
    RpcError::new(ErrorCode::StoreFailed, message).hint(hints::move_store_away(&place.store))
}

fn wrong_relays(place: &Place, error: &dyn std::fmt::Display) -> RpcError {
    let overridden = p2p_ipc::place::daemon_env().contains_key("P2P_RELAYS");
    let key = if overridden { "P2P_RELAYS" } else { "relay" };
    settings::wrong_value(&place.config, key, &error.to_string())
}

/// `RUST_LOG` chooses what is logged; nothing that a peer wrote ever is.
fn log_to_stderr() {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| {
        EnvFilter::new("warn,p2p_daemon=info,p2p_relays=info,p2p_store=info,nostr_relay_pool=off")
    });
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_target(false)
        .with_writer(std::io::stderr)
        .try_init();
}

//! The service, composed of its parts: start, run until told to stop, stop in order.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use p2p_config::{Config, PresenceMode};
use p2p_core::{InstanceId, PublicKey};
use p2p_ipc::{ErrorCode, Place, RpcError};
use p2p_relays::{Profile, RelayEvent, RelaySettings, Relays};
use p2p_store::{Reader, Store};
use tokio::net::UnixListener;
use tokio::sync::{mpsc, watch};

use crate::auth_throttle::AuthThrottle;
use crate::context::Context;
use crate::downloads::Downloads;
use crate::engine::engine_loop::{self, EngineParts};
use crate::engine::handle::EngineHandle;
use crate::identity::Identity;
use crate::notifiers::Notifiers;
use crate::notifiers::sink_context::SinkContext;
use crate::random::random_bytes;
use crate::retention::RetentionRun;
use crate::runtime::{runtime, terminated};
use crate::{hints, presence, relay_events, settings, socket};

/// Events of relays that wait for the engine. Past that, reading from relays waits.
const RELAY_EVENTS: usize = 1024;
/// Longest time that clearing the presence may take when the service stops.
const CLEARING: Duration = Duration::from_secs(3);
/// Longest time that the last commit may take when the service stops.
const LAST_COMMIT: Duration = Duration::from_secs(5);
/// Longest time that tasks may take to end when the service stops.
const LAST_TASKS: Duration = Duration::from_secs(1);

/// The parameters of a start.
#[derive(Debug)]
pub struct Start {
    /// The paths of everything on disk.
    pub place: Place,
    /// `autostarted`, `transient`, `service` or `foreground`, as `status` shows it.
    pub how: &'static str,
}

/// Runs the service in the foreground until SIGINT, SIGTERM or the `stop` method.
///
/// # Errors
/// Anything that keeps it from starting: identity, configuration, store, relays, socket.
pub fn run(start: Start) -> Result<(), RpcError> {
    log_to_stderr();
    make_private_folder(&start.place)?;
    let identity = Identity::open(&start.place.identity, &start.place.store)?;
    let config = settings::read(&start.place.config)?;
    let runtime = runtime()?;
    let served = runtime.block_on(async {
        let service = Service::start(start, &identity, config)?;
        service.run().await;
        Ok(())
    });
    // Another daemon may use the key from here on.
    drop(identity);
    runtime.shutdown_timeout(LAST_TASKS);
    served
}

/// The running parts.
struct Service {
    context: Arc<Context>,
    listener: UnixListener,
    events: mpsc::Receiver<RelayEvent>,
    engine_thread: JoinHandle<()>,
    stopped: watch::Receiver<bool>,
}

impl Service {
    /// Starts the engine, the relays and the notifiers.
    fn start(start: Start, identity: &Identity, config: Config) -> Result<Self, RpcError> {
        let Start { place, how } = start;
        let listener = socket::bind(&place.socket)?;
        let (mut store, readers) = open_store(&place, identity)?;
        let [context_reader, sink_reader] = readers;
        let warning = settings::warning(&config, &place.config);
        let notifiers = Notifiers::open(&config.notifiers, warning.as_deref(), &mut store)
            .map_err(|e| unusable(&place, &e))?;
        let name = config.name.clone().unwrap_or_else(|| default_name(identity.public));
        let instance = InstanceId(random_bytes());
        let (events, relay_events) = mpsc::channel(RELAY_EVENTS);
        let relays = start_relays(&place, &config, identity, instance, &store, events)?;
        let parts = EngineParts {
            me: identity.public,
            instance,
            settings: settings::engine(&config, &name),
        };
        let downloads = Downloads::of(&place, &config);
        let retention = RetentionRun::new(config.retention);
        let (engine, engine_thread) =
            engine_loop::start(parts, store, relays.clone(), downloads, retention)
                .map_err(|e| unusable(&place, &e))?;
        let journal = engine.clone();
        notifiers.start(SinkContext { journal, reader: sink_reader, me: identity.public });
        let (stop, stopped) = watch::channel(false);
        let context = Arc::new(Context {
            place,
            config,
            name,
            me: identity.public,
            is_new: identity.is_new,
            instance,
            started_by: how,
            started: crate::now(),
            notifiers,
            env: p2p_ipc::place::daemon_env(),
            engine,
            auth_throttle: AuthThrottle::default(),
            relays,
            stop,
            caught_up: watch::Sender::new(false),
            store: context_reader,
            last_active: AtomicU64::new(0),
            listed: Mutex::new(BTreeMap::new()),
        });
        Ok(Self { context, listener, events: relay_events, engine_thread, stopped })
    }

    /// Serves until told to stop, then stops the parts in order.
    async fn run(self) {
        let Self { context, listener, events, engine_thread, stopped } = self;
        tracing::info!(npub = %context.me.npub(), how = context.started_by, "the service is up");
        let (reconnected, reconnections) = mpsc::channel(8);
        let announcing =
            tokio::spawn(presence::announce(context.clone(), reconnections, stopped.clone()));
        tokio::spawn(relay_events::forward(context.clone(), events, reconnected));
        publish_profile(&context).await;
        let serving = tokio::spawn(socket::serve(listener, context.clone()));
        let yielding = tokio::spawn(leave_relays_when_yielded(context.clone()));
        wait_for_stop(stopped).await;

        tracing::info!("stopping");
        yielding.abort();
        serving.abort();
        let _ = std::fs::remove_file(&context.place.socket);
        context.stop.send_replace(true);
        let _ = tokio::time::timeout(CLEARING, announcing).await;
        stop_engine(&context.engine, engine_thread).await;
        context.relays.clone().shutdown().await;
    }
}

type SharedReader = Arc<Mutex<Reader>>;

fn open_store(place: &Place, identity: &Identity) -> Result<(Store, [SharedReader; 2]), RpcError> {
    let open = || {
        let store = Store::open(&place.store, identity.secret())?;
        let reader = || store.reader().map(|reader| Arc::new(Mutex::new(reader)));
        let readers = [reader()?, reader()?];
        Ok((store, readers))
    };
    open().map_err(|e: p2p_store::StoreError| unusable(place, &e))
}

fn start_relays(
    place: &Place,
    config: &Config,
    identity: &Identity,
    instance: InstanceId,
    store: &Store,
    events: mpsc::Sender<RelayEvent>,
) -> Result<Relays, RpcError> {
    let settings = RelaySettings {
        secret: *identity.secret(),
        relays: settings::relays(config),
        instance,
        caught_up: engine_loop::caught_up(store).map_err(|e| unusable(place, &e))?,
    };
    Relays::start(settings, events).map_err(|e| wrong_relays(place, &e))
}

async fn stop_engine(engine: &EngineHandle, thread: JoinHandle<()>) {
    engine.stop().await;
    let finished = tokio::task::spawn_blocking(move || thread.join());
    let _ = tokio::time::timeout(LAST_COMMIT, finished).await;
}

/// Publishes the profile and the relays to write to. An agent that announces no presence still
/// has an address, or nobody could call it.
async fn publish_profile(context: &Context) {
    let announced = context.config.presence == PresenceMode::Public;
    let profile = Profile {
        name: context.name.clone(),
        about: context.config.about.clone().filter(|_| announced),
    };
    context.relays.publish_profile(&profile).await;
}

/// Leaves the relays once this daemon has yielded to another one with the same key, which then
/// acknowledges what relays deliver. The store can still be read.
async fn leave_relays_when_yielded(context: Arc<Context>) {
    let mut yielded = context.engine.yielded();
    if yielded.wait_for(Option::is_some).await.is_ok() {
        context.caught_up.send_replace(true);
        context.relays.clone().shutdown().await;
    }
}

async fn wait_for_stop(mut stopped: watch::Receiver<bool>) {
    tokio::select! {
        () = terminated() => {}
        _ = stopped.wait_for(|stop| *stop) => {}
    }
}

/// Returns a name like `agent-x7k2`, made from the key and never from the machine or its user.
fn default_name(key: PublicKey) -> String {
    let npub = key.npub();
    format!("agent-{}", &npub[npub.len() - 4..])
}

fn make_private_folder(place: &Place) -> Result<(), RpcError> {
    use std::os::unix::fs::DirBuilderExt;
    let folder = place.store.parent().unwrap_or(Path::new("/"));
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

/// Logs to stderr what `RUST_LOG` selects. Text of peers is never logged.
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

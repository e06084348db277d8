//! Whom we tell what happens here, besides direct messages to the owner: a command, a server, an
//! OpenClaw gateway, the desktop.
//!
//! Each channel has workers of its own and a durable mark of how far it was told, so that one that
//! fails or hangs holds up no other, nor the engine. Nothing is queued: after each commit a worker
//! asks the store what its channel has not been told. What was read meanwhile is not told any more.

mod announce;
mod ask;
mod command;
mod desktop;
mod health;
mod http;
mod news;
mod openclaw;
mod wake;
mod webhook;

#[cfg(test)]
mod tests;

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use p2p_core::PublicKey;
use p2p_ipc::view;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;

pub use self::news::News;
use health::Health;
use p2p_config::{HookEvent, Hooks, Notifiers, Openclaw, Webhook};
use p2p_store::{Reader, Store, StoreError};

/// How long to wait after each failure; the last one again and again.
const BACK_OFF: [Duration; 4] = if cfg!(test) {
    [Duration::from_millis(20); 4]
} else {
    [
        Duration::from_secs(1),
        Duration::from_secs(5),
        Duration::from_secs(30),
        Duration::from_secs(300),
    ]
};

/// What became of one try to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    /// It is known there.
    Took,
    /// It may be in a while.
    Later(String),
    /// It will not be taken like this.
    Never(String),
}

/// Who writes the store for us: the engine's thread.
pub(crate) trait Ledger: Send + Sync + 'static {
    /// Keeps a small fact. True once it is durable.
    fn note(&self, key: String, value: String) -> impl Future<Output = bool> + Send;
    /// Keeps that a channel was given a question, and whether it took it.
    fn told(
        &self,
        question: u32,
        channel: &'static str,
        took: bool,
    ) -> impl Future<Output = bool> + Send;
    /// Moves with each commit.
    fn changes(&self) -> watch::Receiver<u64>;
}

/// What all workers share.
pub(crate) struct Desk<L> {
    pub ledger: L,
    pub reader: Arc<Mutex<Reader>>,
    pub me: PublicKey,
}

impl<L> Desk<L> {
    /// Never held while something is waited for.
    fn reader(&self) -> MutexGuard<'_, Reader> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a channel is told.
#[derive(Debug)]
enum Way {
    Command(Hooks),
    Webhook(Webhook),
    Openclaw(Openclaw),
    Desktop,
}

impl Way {
    /// Tells it once. Gateways are woken otherwise (see [`wake`]).
    async fn tell(&self, news: &News) -> Outcome {
        if let Some(problem) = self.problem() {
            return Outcome::Later(problem);
        }
        let body = serde_json::to_string(news).unwrap_or_default();
        match self {
            Self::Command(hooks) => {
                command::run(&hooks.command, &(body + "\n"), self.limit()).await
            }
            Self::Webhook(webhook) => webhook::tell(webhook, body, crate::now()).await,
            Self::Desktop => desktop::show(news).await,
            Self::Openclaw(_) => Outcome::Never("it takes no news".into()),
        }
    }

    /// How long that may take.
    fn limit(&self) -> Duration {
        match self {
            Self::Command(hooks) => Duration::from_secs(hooks.timeout_s),
            _ => http::LIMIT,
        }
    }

    /// Why it is of no use, where that can be told beforehand.
    fn problem(&self) -> Option<String> {
        match self {
            Self::Command(hooks) => hooks.command.first().and_then(|name| command::problem(name)),
            Self::Desktop => desktop::problem(),
            Self::Webhook(_) | Self::Openclaw(_) => None,
        }
    }
}

/// One channel.
#[derive(Debug)]
struct Channel {
    name: &'static str,
    way: Way,
    events: Vec<HookEvent>,
    /// What was kept of it when the daemon started.
    kept: Option<String>,
    /// What its user should know, though it works.
    warning: Option<String>,
    health: Health,
}

impl Channel {
    /// The fact in the store that says how far it was told.
    fn key(&self) -> String {
        format!("channel {}", self.name)
    }

    fn mark<M: DeserializeOwned>(&self) -> Option<M> {
        serde_json::from_str(self.kept.as_deref()?).ok()
    }

    async fn keep<L: Ledger>(&self, desk: &Desk<L>, mark: &impl Serialize) {
        let value = serde_json::to_string(mark).unwrap_or_default();
        if !desk.ledger.note(self.key(), value).await {
            tracing::warn!(channel = self.name, "how far it was told could not be noted");
        }
    }

    fn asks(&self) -> bool {
        self.events.contains(&HookEvent::Escalate)
    }

    fn view(&self) -> view::Channel {
        let known = self.health.known();
        let undelivered = known.news.saturating_add(known.questions);
        let (state, cause, since_ms) = match (self.way.problem(), known.failing) {
            (Some(problem), _) => ("unusable", Some(problem), None),
            (None, Some((cause, since))) => ("failing", Some(cause), Some(since.0)),
            (None, None) => ("ok", self.warning.clone(), None),
        };
        view::Channel { name: self.name.into(), state: state.into(), undelivered, cause, since_ms }
    }
}

/// The channels that are configured.
#[derive(Debug, Default)]
pub(crate) struct Channels(Vec<Arc<Channel>>);

impl Channels {
    /// Sets them up, each from where it was. One that is new begins with what happens from now on.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn open(
        config: &Notifiers,
        warning: Option<&str>,
        store: &mut Store,
    ) -> Result<Self, StoreError> {
        let last = store.reader()?.max_event_seq()?;
        let mut channels = Vec::new();
        for (name, way, events) in ways(config) {
            let warning = match way {
                Way::Webhook(_) | Way::Openclaw(_) => warning.map(str::to_owned),
                Way::Command(_) | Way::Desktop => None,
            };
            let health = Health::default();
            let mut channel = Channel { name, way, events, kept: None, warning, health };
            channel.kept = store.meta(&channel.key())?;
            if channel.kept.is_none() && !matches!(channel.way, Way::Openclaw(_)) {
                let beginning = announce::beginning(last);
                store.set_meta(&channel.key(), &beginning)?;
                channel.kept = Some(beginning);
            }
            if let Some(problem) = channel.way.problem() {
                tracing::warn!(channel = name, %problem, "a channel is of no use");
            }
            channels.push(Arc::new(channel));
        }
        Ok(Self(channels))
    }

    /// Starts their workers.
    pub fn start<L: Ledger>(&self, desk: Desk<L>) {
        let desk = Arc::new(desk);
        for channel in &self.0 {
            if let Way::Openclaw(gateway) = &channel.way {
                tokio::spawn(wake::run(channel.clone(), gateway.clone(), desk.clone()));
                continue;
            }
            tokio::spawn(announce::run(channel.clone(), desk.clone()));
            if channel.asks() {
                tokio::spawn(ask::run(channel.clone(), desk.clone()));
            }
        }
    }

    /// Those that questions to the owner are put through.
    pub fn asking(&self) -> Vec<&'static str> {
        self.0.iter().filter(|channel| channel.asks()).map(|channel| channel.name).collect()
    }

    /// How long their first try may take.
    pub fn patience(&self) -> Duration {
        const SLACK: Duration = Duration::from_secs(1);
        let asking = self.0.iter().filter(|channel| channel.asks());
        asking.map(|channel| channel.way.limit() + SLACK).max().unwrap_or_default()
    }

    /// How they do.
    pub fn view(&self) -> Vec<view::Channel> {
        self.0.iter().map(|channel| channel.view()).collect()
    }
}

/// The channels of a configuration, with what each is told.
fn ways(config: &Notifiers) -> Vec<(&'static str, Way, Vec<HookEvent>)> {
    let mut ways = Vec::new();
    if !config.hooks.command.is_empty() {
        ways.push(("command", Way::Command(config.hooks.clone()), config.hooks.events.clone()));
    }
    if let Some(webhook) = &config.webhook {
        ways.push(("webhook", Way::Webhook(webhook.clone()), webhook.events.clone()));
    }
    if let Some(gateway) = &config.openclaw {
        ways.push(("openclaw", Way::Openclaw(gateway.clone()), gateway.events.clone()));
    }
    if config.desktop.enabled {
        ways.push(("desktop", Way::Desktop, vec![HookEvent::Ring, HookEvent::Escalate]));
    }
    ways
}

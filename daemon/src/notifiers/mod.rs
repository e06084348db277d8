//! Notifiers: a command, a server, an OpenClaw gateway and the desktop, which are told what happens
//! here besides the direct messages to the owner.
//!
//! Each notifier has workers of its own and stores its progress, so that a notifier that fails or
//! hangs delays no other, nor the engine. There is no queue: after each commit a worker asks the
//! store what its sink has not been notified of. Items that were read meanwhile are skipped.

mod backoff;
mod command;
mod desktop;
mod health;
mod http;
pub(crate) mod journal;
mod log_worker;
mod notification;
mod notifier;
mod openclaw;
mod outcome;
mod question_worker;
mod sink;
pub(crate) mod sink_context;
mod unread;
mod wake_worker;
mod webhook;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use p2p_config::HookEvent;
use p2p_ipc::view;
use p2p_store::{Store, StoreError};

use self::health::Health;
use self::journal::Journal;
use self::notifier::Notifier;
use self::sink::Sink;
use self::sink_context::SinkContext;

/// The configured notifiers.
#[derive(Debug, Default)]
pub(crate) struct Notifiers(Vec<Arc<Notifier>>);

impl Notifiers {
    /// Sets the notifiers up with the progress that the store holds. A new notifier begins with
    /// what happens from now on.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn open(
        config: &p2p_config::Notifiers,
        warning: Option<&str>,
        store: &mut Store,
    ) -> Result<Self, StoreError> {
        let newest = store.reader()?.max_event_seq()?;
        let mut notifiers = Vec::new();
        for (name, sink, events) in configured(config) {
            let warning = match sink {
                Sink::Webhook(_) | Sink::Openclaw(_) => warning.map(str::to_owned),
                Sink::Command(_) | Sink::Desktop => None,
            };
            let key = Notifier::key(name);
            let mut stored = store.meta(&key)?;
            if stored.is_none() && !matches!(sink, Sink::Openclaw(_)) {
                let beginning = log_worker::beginning(newest);
                store.set_meta(&key, &beginning)?;
                stored = Some(beginning);
            }
            if let Some(problem) = sink.problem() {
                tracing::warn!(notifier = name, %problem, "a notifier cannot be used");
            }
            let health = Health::default();
            notifiers.push(Arc::new(Notifier { name, sink, events, stored, warning, health }));
        }
        Ok(Self(notifiers))
    }

    /// Starts the workers of all notifiers.
    pub fn start<J: Journal>(&self, context: SinkContext<J>) {
        let context = Arc::new(context);
        for notifier in &self.0 {
            if let Sink::Openclaw(gateway) = &notifier.sink {
                let run = wake_worker::run(notifier.clone(), gateway.clone(), context.clone());
                tokio::spawn(run);
                continue;
            }
            tokio::spawn(log_worker::run(notifier.clone(), context.clone()));
            if notifier.takes_questions() {
                tokio::spawn(question_worker::run(notifier.clone(), context.clone()));
            }
        }
    }

    /// Returns the names of the notifiers that questions to the owner go through.
    pub fn asking(&self) -> Vec<&'static str> {
        self.taking_questions().map(|notifier| notifier.name).collect()
    }

    /// Returns the longest time that their first attempt may take.
    pub fn patience(&self) -> Duration {
        const SLACK: Duration = Duration::from_secs(1);
        let limits = self.taking_questions().map(|notifier| notifier.sink.limit() + SLACK);
        limits.max().unwrap_or_default()
    }

    fn taking_questions(&self) -> impl Iterator<Item = &Notifier> {
        self.0.iter().map(|notifier| &**notifier).filter(|notifier| notifier.takes_questions())
    }

    /// Describes the notifiers for `status`.
    pub fn view(&self) -> Vec<view::NotifierView> {
        self.0.iter().map(|notifier| notifier.view()).collect()
    }
}

/// Returns the notifiers of a configuration, each with the events that it is notified of.
fn configured(config: &p2p_config::Notifiers) -> Vec<(&'static str, Sink, Vec<HookEvent>)> {
    let mut notifiers = Vec::new();
    if !config.hooks.command.is_empty() {
        let events = config.hooks.events.clone();
        notifiers.push(("command", Sink::Command(config.hooks.clone()), events));
    }
    if let Some(webhook) = &config.webhook {
        notifiers.push(("webhook", Sink::Webhook(webhook.clone()), webhook.events.clone()));
    }
    if let Some(gateway) = &config.openclaw {
        notifiers.push(("openclaw", Sink::Openclaw(gateway.clone()), gateway.events.clone()));
    }
    if config.desktop.enabled {
        notifiers.push(("desktop", Sink::Desktop, vec![HookEvent::Ring, HookEvent::Escalate]));
    }
    notifiers
}

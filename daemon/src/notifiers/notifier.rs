//! One notifier: a sink, the events that it is notified of, and how it fares.

use p2p_config::HookEvent;
use p2p_ipc::view;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::health::Health;
use super::journal::Journal;
use super::sink::Sink;
use super::sink_context::SinkContext;

/// One configured notifier.
#[derive(Debug)]
pub(super) struct Notifier {
    pub name: &'static str,
    pub sink: Sink,
    pub events: Vec<HookEvent>,
    /// The progress that the store held when the daemon started.
    pub stored: Option<String>,
    /// A warning for the user about a notifier that works.
    pub warning: Option<String>,
    pub health: Health,
}

impl Notifier {
    /// Returns the key under which the store keeps the progress of the notifier of this name.
    pub fn key(name: &str) -> String {
        format!("channel {name}")
    }

    /// Returns the progress that an earlier run stored.
    pub fn stored<P: DeserializeOwned>(&self) -> Option<P> {
        serde_json::from_str(self.stored.as_deref()?).ok()
    }

    /// Stores the progress.
    pub async fn store<J: Journal>(&self, context: &SinkContext<J>, progress: &impl Serialize) {
        let value = serde_json::to_string(progress).unwrap_or_default();
        if !context.journal.note(Self::key(self.name), value).await {
            tracing::warn!(notifier = self.name, "the notifier's progress could not be stored");
        }
    }

    /// Returns true if questions to the owner go through this notifier.
    pub fn takes_questions(&self) -> bool {
        self.events.contains(&HookEvent::Escalate)
    }

    /// Describes the notifier for `status`.
    pub fn view(&self) -> view::NotifierView {
        let health = self.health.now();
        let undelivered = health.notifications.saturating_add(health.questions);
        let (state, cause, since_ms) = match (self.sink.problem(), health.failing) {
            (Some(problem), _) => ("unusable", Some(problem), None),
            (None, Some((cause, since))) => ("failing", Some(cause), Some(since.0)),
            (None, None) => ("ok", self.warning.clone(), None),
        };
        view::NotifierView {
            name: self.name.into(),
            state: state.into(),
            undelivered,
            cause,
            since_ms,
        }
    }
}

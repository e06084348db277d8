//! The sinks of notifications: a command, a server, an OpenClaw gateway, the desktop.

use std::time::Duration;

use p2p_config::{Hooks, Openclaw, Webhook};

use super::notification::Notification;
use super::outcome::Outcome;
use super::{command, desktop, http, webhook};

/// The place where a notifier delivers.
#[derive(Debug)]
pub(super) enum Sink {
    Command(Hooks),
    Webhook(Webhook),
    Openclaw(Openclaw),
    Desktop,
}

impl Sink {
    /// Delivers a notification once. Gateways take none: they are woken by a worker of their own.
    pub async fn notify(&self, notification: &Notification) -> Outcome {
        if let Some(problem) = self.problem() {
            return Outcome::Retry(problem);
        }
        let body = serde_json::to_string(notification).unwrap_or_default();
        match self {
            Self::Command(hooks) => {
                command::run(&hooks.command, &(body + "\n"), self.limit()).await
            }
            Self::Webhook(webhook) => webhook::post(webhook, body, crate::now()).await,
            Self::Desktop => desktop::show(notification).await,
            Self::Openclaw(_) => Outcome::GiveUp("a gateway takes no notifications".into()),
        }
    }

    /// Returns the longest time that one delivery may take.
    pub fn limit(&self) -> Duration {
        match self {
            Self::Command(hooks) => Duration::from_secs(hooks.timeout_s),
            _ => http::LIMIT,
        }
    }

    /// Returns the problem that makes the sink unusable, where it shows without a delivery.
    pub fn problem(&self) -> Option<String> {
        match self {
            Self::Command(hooks) => hooks.command.first().and_then(|name| command::problem(name)),
            Self::Desktop => desktop::problem(),
            Self::Webhook(_) | Self::Openclaw(_) => None,
        }
    }
}

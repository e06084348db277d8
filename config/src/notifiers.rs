//! The settings of the notifiers: a command, a webhook, an OpenClaw gateway, the desktop.

use std::fmt;

use http::Uri;
use serde::{Deserialize, Serialize};

use crate::error::{WrongValue, within};

/// An event that a notifier is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HookEvent {
    /// A call rings here, or a stranger knocks.
    Ring,
    /// A message arrived.
    Message,
    /// A file is complete, or failed.
    File,
    /// The owner answered, or a call of ours was answered.
    Reply,
    /// A call ended or was missed.
    End,
    /// Our agent asks its owner: the channel that takes it has told them.
    Escalate,
}

impl HookEvent {
    const ALL: [Self; 6] =
        [Self::Ring, Self::Message, Self::File, Self::Reply, Self::End, Self::Escalate];
    /// Events that are worth waking an agent for: the end of a call asks for nothing.
    const WAKING: [Self; 4] = [Self::Ring, Self::Message, Self::File, Self::Reply];
}

/// A secret that no log and no output shows.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Returns the secret itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "none" } else { "hidden" })
    }
}

/// A command to run.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hooks {
    /// Program and arguments; no shell. Nothing runs when it is empty.
    pub command: Vec<String>,
    /// Events it runs for.
    pub events: Vec<HookEvent>,
    /// Seconds before it is killed.
    pub timeout_s: u64,
}

/// A server that gets signed JSON.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// The address; it may hold a secret of its own.
    pub url: String,
    /// The shared secret that signs each request.
    pub secret: Secret,
    /// Events to send.
    #[serde(default = "every_event")]
    pub events: Vec<HookEvent>,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("events", &self.events).finish_non_exhaustive()
    }
}

/// An OpenClaw gateway whose agent to wake.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Openclaw {
    /// The gateway, without the path of its hooks.
    pub url: String,
    /// Its `hooks.token`.
    pub token: Secret,
    /// Begin a turn of its own (`/hooks/agent`) instead of waking the main session.
    #[serde(default)]
    pub agent: bool,
    /// Events to wake the agent for.
    #[serde(default = "waking_events")]
    pub events: Vec<HookEvent>,
}

/// Notifications on this machine's desktop.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Desktop {
    /// Questions and rings are shown there.
    pub enabled: bool,
}

/// All notifiers that are configured.
#[derive(Debug, Clone)]
pub struct Notifiers {
    /// A command.
    pub hooks: Hooks,
    /// A server.
    pub webhook: Option<Webhook>,
    /// A gateway.
    pub openclaw: Option<Openclaw>,
    /// The desktop.
    pub desktop: Desktop,
}

impl Default for Hooks {
    fn default() -> Self {
        Self { command: Vec::new(), events: every_event(), timeout_s: 10 }
    }
}

fn every_event() -> Vec<HookEvent> {
    HookEvent::ALL.to_vec()
}

fn waking_events() -> Vec<HookEvent> {
    HookEvent::WAKING.to_vec()
}

impl Notifiers {
    /// Checks every value.
    pub(crate) fn check(&self) -> Result<(), WrongValue> {
        within("hooks.timeout_s", self.hooks.timeout_s, 1..=300)?;
        if self.hooks.command.first().is_some_and(|program| program.trim().is_empty()) {
            return Err(WrongValue::new("hooks.command", "names no program"));
        }
        if let Some(webhook) = &self.webhook {
            check_url("webhook.url", &webhook.url)?;
            check_secret("webhook.secret", &webhook.secret)?;
        }
        if let Some(openclaw) = &self.openclaw {
            check_url("openclaw.url", &openclaw.url)?;
            check_secret("openclaw.token", &openclaw.token)?;
            if openclaw.events.contains(&HookEvent::Escalate) {
                let problem = "escalate is for the owner, and this wakes the agent";
                return Err(WrongValue::new("openclaw.events", problem));
            }
        }
        Ok(())
    }

    /// Returns true if the file holds secrets.
    pub(crate) fn has_secrets(&self) -> bool {
        self.webhook.is_some() || self.openclaw.is_some()
    }
}

/// Checks a URL. The error does not show the URL, which may hold a secret.
fn check_url(key: &'static str, url: &str) -> Result<(), WrongValue> {
    let wrong = |problem: &str| Err(WrongValue::new(key, problem));
    let Ok(uri) = url.parse::<Uri>() else { return wrong("is not a URL") };
    match (uri.scheme_str(), uri.authority()) {
        (Some("http" | "https"), Some(authority)) if authority.as_str().contains('@') => {
            wrong("holds a user's name, which is not sent")
        }
        (Some("http" | "https"), Some(_)) => Ok(()),
        _ => wrong("is not a URL that begins with https:// or http://"),
    }
}

fn check_secret(key: &'static str, secret: &Secret) -> Result<(), WrongValue> {
    let fits = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    let text = secret.reveal();
    if text.trim().is_empty() {
        Err(WrongValue::new(key, "is empty"))
    } else if !text.bytes().all(fits) {
        Err(WrongValue::new(key, "holds a character that is not printable ASCII"))
    } else {
        Ok(())
    }
}

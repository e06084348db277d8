//! The settings of the channels: whom we tell what happens here, and how.

use std::fmt;

use hyper::Uri;
use serde::{Deserialize, Serialize};

use super::{Wrong, within};

/// What can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HookEvent {
    /// A call rings here, a stranger's knock too.
    Ring,
    /// A message arrived.
    Message,
    /// A file is whole, or failed.
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
    /// What is worth to wake an agent for. An end asks for nothing.
    const WAKING: [Self; 4] = [Self::Ring, Self::Message, Self::File, Self::Reply];
}

/// What nobody but its receiver may see: not in a log either.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The secret itself.
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

/// A server to tell, by JSON that is signed.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Where to; it may hold a secret of its own.
    pub url: String,
    /// What both know, to sign with.
    pub secret: Secret,
    /// What is told.
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
    /// What to wake for.
    #[serde(default = "waking_events")]
    pub events: Vec<HookEvent>,
}

/// Notifications on this machine's desktop.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Desktop {
    /// Whether questions and rings are shown there.
    pub enabled: bool,
}

/// All of them, as far as they are configured.
#[derive(Debug, Clone)]
pub struct Channels {
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

impl Channels {
    /// Refuses what cannot be meant.
    pub(super) fn check(&self) -> Result<(), Wrong> {
        within("hooks.timeout_s", self.hooks.timeout_s, 1..=300)?;
        if self.hooks.command.first().is_some_and(|program| program.trim().is_empty()) {
            return Err(Wrong { key: "hooks.command", what: "names no program".into() });
        }
        if let Some(webhook) = &self.webhook {
            check_url("webhook.url", &webhook.url)?;
            check_secret("webhook.secret", &webhook.secret)?;
        }
        if let Some(openclaw) = &self.openclaw {
            check_url("openclaw.url", &openclaw.url)?;
            check_secret("openclaw.token", &openclaw.token)?;
            if openclaw.events.contains(&HookEvent::Escalate) {
                let what = "escalate is for the owner, and this wakes the agent".into();
                return Err(Wrong { key: "openclaw.events", what });
            }
        }
        Ok(())
    }

    /// Whether the file that this comes from holds what others must not read.
    pub(super) fn has_secrets(&self) -> bool {
        self.webhook.is_some() || self.openclaw.is_some()
    }
}

/// The address itself is not shown: there may be a secret in it.
fn check_url(key: &'static str, url: &str) -> Result<(), Wrong> {
    let wrong = |what: &str| Err(Wrong { key, what: what.into() });
    let Ok(uri) = url.parse::<Uri>() else { return wrong("is no address") };
    match (uri.scheme_str(), uri.authority()) {
        (Some("http" | "https"), Some(authority)) if authority.as_str().contains('@') => {
            wrong("holds a user's name, which is not sent")
        }
        (Some("http" | "https"), Some(_)) => Ok(()),
        _ => wrong("is no address that begins with https:// or http://"),
    }
}

fn check_secret(key: &'static str, secret: &Secret) -> Result<(), Wrong> {
    let fits = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    let text = secret.reveal();
    if text.trim().is_empty() {
        Err(Wrong { key, what: "is empty".into() })
    } else if !text.bytes().all(fits) {
        Err(Wrong { key, what: "holds something else than ASCII's letters and signs".into() })
    } else {
        Ok(())
    }
}

//! Caps, and how long things are kept.

use std::time::Duration;

use serde::Deserialize;

use crate::error::{WrongValue, within};

/// Caps on what is sent, received and kept.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Messages a minute that we send into one conversation.
    pub sends_per_minute: u32,
    /// Messages a minute that we accept from one peer.
    pub receives_per_minute: u32,
    /// Messages an hour that we send in one call.
    pub turns_per_hour: u32,
    /// Text an hour that we accept from one peer, in KiB.
    pub receive_kib_per_hour: u32,
    /// Total size of received files, in MiB.
    pub downloads_mib: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sends_per_minute: 30,
            receives_per_minute: 120,
            turns_per_hour: 240,
            receive_kib_per_hour: 4096,
            downloads_mib: 256,
        }
    }
}

impl Limits {
    pub(crate) fn check(&self) -> Result<(), WrongValue> {
        within("limits.sends_per_minute", self.sends_per_minute.into(), 1..=100_000)?;
        within("limits.receives_per_minute", self.receives_per_minute.into(), 1..=100_000)?;
        within("limits.turns_per_hour", self.turns_per_hour.into(), 1..=1_000_000)?;
        // The longest message must fit.
        within("limits.receive_kib_per_hour", self.receive_kib_per_hour.into(), 64..=4_000_000)?;
        within("limits.downloads_mib", self.downloads_mib, 1..=1024 * 1024)
    }
}

/// Durations after which things are deleted, counted from when a call ended, a direct message was
/// written or a file came. `None` keeps them for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Ended calls with their messages, and direct messages.
    pub messages: Option<Duration>,
    /// Received files.
    pub files: Option<Duration>,
}

/// The same in the file: days, 0 for ever.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RetentionDays {
    messages_days: u64,
    files_days: u64,
}

impl Default for RetentionDays {
    fn default() -> Self {
        Self { messages_days: 365, files_days: 0 }
    }
}

impl RetentionDays {
    pub fn durations(&self) -> Result<Retention, WrongValue> {
        let duration = |key, days| match days {
            0 => Ok(None),
            // The engine needs a call for a while after it ended.
            days => {
                within(key, days, 7..=36_500).map(|()| Some(Duration::from_secs(days * 24 * 3600)))
            }
        };
        Ok(Retention {
            messages: duration("retention.messages_days", self.messages_days)?,
            files: duration("retention.files_days", self.files_days)?,
        })
    }
}

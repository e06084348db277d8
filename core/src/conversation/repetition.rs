//! The rule by which a text that is sent again soon counts as the same message. The engine applies
//! the rule to what was sent in this run, and the store to what was sent before a restart.

use std::time::Duration;

use crate::record::{Content, Delivery, Message};
use crate::text::Text;
use crate::time::Time;

/// The time within which the same text in the same conversation is the same message.
pub const WINDOW: Duration = Duration::from_secs(120);

/// Returns true if a text that was sent at `at` still counts.
#[must_use]
pub fn is_recent(now: Time, at: Time) -> bool {
    now.since(at) < WINDOW
}

/// Returns the text of a message that a later text can repeat: a text of ours that was not
/// cancelled.
#[must_use]
pub fn repeatable(message: &Message) -> Option<&Text> {
    match &message.content {
        Content::Text(text) if message.by.is_ours() && message.delivery != Delivery::Cancelled => {
            Some(text)
        }
        _ => None,
    }
}

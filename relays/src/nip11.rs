//! Limits that a relay names (NIP-11), which it would otherwise enforce by refusing.
//!
//! The document is fetched over HTTP from the relay's own address. It is used to ask for no more than
//! the relay gives, and to send nothing that the relay will not take.

use std::time::Duration;

use serde::Deserialize;

use crate::http::HttpRequest;
use crate::platform::Network;
use crate::transport::address::Reach;

/// The time for which an answer is valid, and the time until the next attempt without one.
pub(crate) const GOOD_FOR: Duration = Duration::from_secs(24 * 3600);
pub(crate) const AGAIN: Duration = Duration::from_secs(3600);
/// The largest message that is sent to a relay that names no limit.
const MAX_MESSAGE: u64 = 64 * 1024;

/// A relay's limits, as far as it names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct RelayLimits {
    /// Bytes of a message over the WebSocket.
    #[serde(deserialize_with = "lenient")]
    pub max_message_length: Option<u64>,
    /// Characters of an event's content.
    #[serde(deserialize_with = "lenient")]
    pub max_content_length: Option<u64>,
    /// Subscriptions of one connection.
    #[serde(deserialize_with = "lenient")]
    pub max_subscriptions: Option<u64>,
    /// Events in one answer.
    #[serde(deserialize_with = "lenient")]
    pub max_limit: Option<u64>,
    /// Seconds that an event may be dated back.
    #[serde(deserialize_with = "lenient")]
    pub created_at_lower_limit: Option<u64>,
    /// Seconds that an event may be dated ahead.
    #[serde(deserialize_with = "lenient")]
    pub created_at_upper_limit: Option<u64>,
    /// The relay demands authentication (NIP-42) before anything else.
    #[serde(deserialize_with = "lenient")]
    pub auth_required: Option<bool>,
    /// The relay demands payment.
    #[serde(deserialize_with = "lenient")]
    pub payment_required: Option<bool>,
    /// Only some keys may write there.
    #[serde(deserialize_with = "lenient")]
    pub restricted_writes: Option<bool>,
}

/// Reads a value, or nothing where it has the wrong type: relays write all kinds of things there.
fn lenient<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: serde::de::DeserializeOwned,
{
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).ok())
}

impl RelayLimits {
    /// Checks an event by the bytes of the message that brings it and the characters of its content.
    pub fn takes(&self, message: usize, content: usize) -> Result<(), String> {
        let exceeds = |size: usize, limit: u64| u64::try_from(size).is_ok_and(|size| size > limit);
        let limit = self.max_message_length.unwrap_or(MAX_MESSAGE);
        if exceeds(message, limit) {
            return Err(format!("too large: {message} bytes, and it takes {limit}"));
        }
        match self.max_content_length {
            Some(limit) if exceeds(content, limit) => {
                Err(format!("too large: {content} characters, and it takes {limit}"))
            }
            _ => Ok(()),
        }
    }

    /// Returns the number of events to ask for at once, at most `wanted`.
    pub fn page(&self, wanted: usize) -> usize {
        let limit = self.max_limit.and_then(|limit| usize::try_from(limit).ok());
        limit.filter(|limit| *limit > 0).map_or(wanted, |limit| wanted.min(limit))
    }

    /// Returns the number of questions to ask at the same time, at most `wanted`, beside the live
    /// subscription.
    pub fn questions(&self, wanted: usize) -> usize {
        let limit = self.max_subscriptions.and_then(|limit| usize::try_from(limit).ok());
        limit.map_or(wanted, |limit| wanted.min(limit.saturating_sub(1)).max(1))
    }

    /// Returns the seconds that an event may be dated back, at most `wanted`, less a minute for the
    /// way.
    pub fn backdating(&self, wanted: u64) -> u64 {
        self.created_at_lower_limit.map_or(wanted, |limit| wanted.min(limit.saturating_sub(60)))
    }

    /// Returns the requirements that the user should know.
    #[must_use]
    pub fn requirements(&self) -> Vec<&'static str> {
        let requirements = [
            (self.payment_required, "wants to be paid"),
            (self.restricted_writes, "not everybody may write there"),
        ];
        requirements
            .into_iter()
            .filter(|(has, _)| *has == Some(true))
            .map(|(_, text)| text)
            .collect()
    }
}

/// The answer of a relay.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Document {
    /// The limits; nothing when there is no valid document.
    pub limits: Option<RelayLimits>,
    /// The `Date` of the answer, and the time that the answer took.
    pub date: Option<(String, Duration)>,
}

/// Fetches a relay's document.
pub(crate) async fn fetch(network: &dyn Network, url: &str, reach: Reach) -> Document {
    let request = HttpRequest::get(url).header("accept", "application/nostr+json");
    let Ok(answer) = request.send_over(network, reach).await else { return Document::default() };
    let limits = (answer.status == 200).then(|| read(&answer.body)).flatten();
    Document { limits, date: answer.date.map(|date| (date, answer.took)) }
}

fn read(body: &[u8]) -> Option<RelayLimits> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(default)]
        limitation: RelayLimits,
    }
    serde_json::from_slice::<Body>(body).ok().map(|body| body.limitation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read_and_invalid_values_are_ignored() {
        let body = r#"{"name":"r","limitation":{"max_message_length":131072,"max_limit":"many","max_subscriptions":-1,"auth_required":true,"what":[]}}"#;
        let expect = RelayLimits {
            max_message_length: Some(131_072),
            auth_required: Some(true),
            ..RelayLimits::default()
        };
        assert_eq!(read(body.as_bytes()), Some(expect));
        assert_eq!(read(b"{}"), Some(RelayLimits::default()));
        for invalid in ["", "<html>", "{\"limitation\":7}"] {
            assert_eq!(read(invalid.as_bytes()), None, "{invalid}");
        }
    }

    #[test]
    fn limits_are_respected_and_absurd_ones_leave_something() {
        let none = RelayLimits::default();
        assert_eq!(none.takes(65_536, 60_000), Ok(()));
        assert!(none.takes(65_537, 60_000).is_err());
        assert_eq!((none.page(500), none.questions(8), none.backdating(9)), (500, 8, 9));
        let tight = RelayLimits {
            max_message_length: Some(100_000),
            max_content_length: Some(70_000),
            max_subscriptions: Some(1),
            max_limit: Some(100),
            created_at_lower_limit: Some(3600),
            ..none
        };
        assert_eq!(tight.takes(90_000, 70_000), Ok(()));
        let cause = "too large: 70001 characters, and it takes 70000";
        assert_eq!(tight.takes(90_000, 70_001), Err(cause.to_owned()));
        assert_eq!((tight.page(500), tight.page(20), tight.questions(8)), (100, 20, 1));
        assert_eq!((tight.backdating(172_800), tight.backdating(60)), (3540, 60));
        assert_eq!(RelayLimits { max_limit: Some(0), ..none }.page(500), 500);
    }
}

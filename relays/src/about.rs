//! What a relay says about itself (NIP-11): the limits that it would otherwise tell us by
//! refusing.
//!
//! It is asked over plain HTTP at its own address, with the connection that its WebSocket would
//! have. What it says is used to ask for no more than it gives, and to send nothing that it will not
//! take.

use std::sync::Arc;
use std::time::Duration;

use nostr::types::url::Url;
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use super::connect::open;
use super::hub::Hub;

/// How long the answer may take, and how large it may be.
const TIMEOUT: Duration = Duration::from_secs(10);
const SIZE: u64 = 64 * 1024;
/// How long an answer is good for, and how long to wait after none.
pub(super) const GOOD_FOR: Duration = Duration::from_secs(24 * 3600);
pub(super) const AGAIN: Duration = Duration::from_secs(3600);
/// The largest message that is sent to a relay that names no limit.
const MAX_MESSAGE: u64 = 64 * 1024;

/// A relay's limits, as far as it names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Limits {
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
    /// Seconds that an event may lie in the past.
    #[serde(deserialize_with = "lenient")]
    pub created_at_lower_limit: Option<u64>,
    /// Seconds that it may lie in the future.
    #[serde(deserialize_with = "lenient")]
    pub created_at_upper_limit: Option<u64>,
    /// It wants to know who we are (NIP-42) before anything else.
    #[serde(deserialize_with = "lenient")]
    pub auth_required: Option<bool>,
    /// It wants to be paid.
    #[serde(deserialize_with = "lenient")]
    pub payment_required: Option<bool>,
    /// Not everybody may write there.
    #[serde(deserialize_with = "lenient")]
    pub restricted_writes: Option<bool>,
}

/// What is of no use is as good as nothing: relays write all kinds of things there.
fn lenient<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: serde::de::DeserializeOwned,
{
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).ok())
}

impl Limits {
    /// Whether an event fits, of which the message that brings it has `message` bytes, and the
    /// content so many characters.
    pub(super) fn takes(&self, message: usize, content: usize) -> Result<(), String> {
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

    /// How many events to ask for at once, of `wanted`.
    pub(super) fn page(&self, wanted: usize) -> usize {
        let limit = self.max_limit.and_then(|limit| usize::try_from(limit).ok());
        limit.filter(|limit| *limit > 0).map_or(wanted, |limit| wanted.min(limit))
    }

    /// How many questions to ask at the same time, of `wanted`, besides the live subscription.
    pub(super) fn questions(&self, wanted: usize) -> usize {
        let limit = self.max_subscriptions.and_then(|limit| usize::try_from(limit).ok());
        limit.map_or(wanted, |limit| wanted.min(limit.saturating_sub(1)).max(1))
    }

    /// How far back in time an event may be dated, of `wanted` seconds; a minute is for the way.
    pub(super) fn backdating(&self, wanted: u64) -> u64 {
        self.created_at_lower_limit.map_or(wanted, |limit| wanted.min(limit.saturating_sub(60)))
    }

    /// What its user should know of it, in words.
    #[must_use]
    pub fn demands(&self) -> Vec<&'static str> {
        let demands = [
            (self.payment_required, "wants to be paid"),
            (self.restricted_writes, "not everybody may write there"),
        ];
        demands.into_iter().filter(|(so, _)| *so == Some(true)).map(|(_, words)| words).collect()
    }
}

/// Asks a relay about itself and notes what it says, and what time it has.
pub(super) async fn learn(hub: Arc<Hub>, url: Arc<str>, public_only: bool) {
    let answer = timeout(TIMEOUT, ask(&hub, &url, public_only)).await.ok().flatten();
    if answer.is_none() {
        tracing::debug!(relay = %url, "it says nothing about itself");
    }
    hub.note_limits(&url, answer);
}

async fn ask(hub: &Hub, url: &str, public_only: bool) -> Option<Limits> {
    let mut stream = open(&*hub.platform.network, url, public_only).await.ok()?;
    let parsed = Url::parse(url).ok()?;
    let host = match (parsed.host_str()?, parsed.port()) {
        (host, Some(port)) => format!("{host}:{port}"),
        (host, None) => host.to_owned(),
    };
    let (path, query) = (parsed.path(), parsed.query());
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    // Version 1.0: the answer comes in one piece, and its end is the connection's.
    let request = format!(
        "GET {path}{query} HTTP/1.0\r\nHost: {host}\r\nAccept: application/nostr+json\r\nUser-Agent: p2p\r\n\r\n"
    );
    let asked = Instant::now();
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    let mut took = None;
    let mut limited = stream.take(SIZE);
    loop {
        let before = answer.len();
        // A relay that drops the connection without a word of farewell has still answered.
        let read = limited.read_buf(&mut answer).await.unwrap_or(0);
        took.get_or_insert_with(|| asked.elapsed());
        if read == 0 || answer.len() == before || is_whole(&answer) {
            break;
        }
    }
    let (date, limits) = read(&answer);
    if let Some(date) = date {
        hub.told_time(url, &date, took.unwrap_or_default());
    }
    limits
}

/// The head of an answer, by lines, and what is behind it.
fn parts(answer: &[u8]) -> Option<(Vec<&str>, &[u8])> {
    let end = answer.windows(4).position(|at| at == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&answer[..end]).ok()?;
    Some((head.split("\r\n").collect(), &answer[end + 4..]))
}

fn header<'a>(head: &[&'a str], name: &str) -> Option<&'a str> {
    let fields = head.iter().filter_map(|line| line.split_once(':'));
    fields.into_iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// Whether an answer that says how long it is is all there.
fn is_whole(answer: &[u8]) -> bool {
    parts(answer).is_some_and(|(head, body)| {
        let length = header(&head, "content-length").and_then(|length| length.parse().ok());
        length.is_some_and(|length: usize| body.len() >= length)
    })
}

/// What an answer says: the time, and the limits.
fn read(answer: &[u8]) -> (Option<String>, Option<Limits>) {
    #[derive(Deserialize)]
    struct Document {
        #[serde(default)]
        limitation: Limits,
    }
    let Some((head, body)) = parts(answer) else { return (None, None) };
    let is_fine = head.first().and_then(|line| line.split(' ').nth(1)) == Some("200");
    let document = serde_json::from_slice::<Document>(body).ok().filter(|_| is_fine);
    (header(&head, "date").map(str::to_owned), document.map(|document| document.limitation))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_and_rubbish_is_none() {
        let answer = |status: &str, body: &str| {
            let head = "date: Sun, 06 Nov 1994 08:49:37 GMT\r\nX: y";
            read(format!("HTTP/1.1 {status}\r\n{head}\r\n\r\n{body}").as_bytes())
        };
        let body = r#"{"name":"r","limitation":{"max_message_length":131072,"max_limit":"many","max_subscriptions":-1,"auth_required":true,"what":[]}}"#;
        let (date, limits) = answer("200 OK", body);
        assert_eq!(date.as_deref(), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
        let expect = Limits {
            max_message_length: Some(131_072),
            auth_required: Some(true),
            ..Limits::default()
        };
        assert_eq!(limits, Some(expect));
        assert_eq!(answer("200 OK", "{}").1, Some(Limits::default()));
        assert_eq!(answer("404 Not Found", "{}").1, None);
        for rubbish in ["", "<html>", "{\"limitation\":7}"] {
            assert_eq!(answer("200 OK", rubbish).1, None, "{rubbish}");
        }
        assert_eq!(read(b"SSH-2.0"), (None, None));
    }

    #[test]
    fn limits_are_kept_to_and_absurd_ones_leave_something() {
        let none = Limits::default();
        assert_eq!(none.takes(65_536, 60_000), Ok(()));
        assert!(none.takes(65_537, 60_000).is_err());
        assert_eq!((none.page(500), none.questions(8), none.backdating(9)), (500, 8, 9));
        let tight = Limits {
            max_message_length: Some(100_000),
            max_content_length: Some(70_000),
            max_subscriptions: Some(1),
            max_limit: Some(100),
            created_at_lower_limit: Some(3600),
            ..none
        };
        assert_eq!(tight.takes(90_000, 70_000), Ok(()));
        let words = "too large: 70001 characters, and it takes 70000";
        assert_eq!(tight.takes(90_000, 70_001), Err(words.to_owned()));
        assert_eq!((tight.page(500), tight.page(20), tight.questions(8)), (100, 20, 1));
        assert_eq!((tight.backdating(172_800), tight.backdating(60)), (3540, 60));
        assert_eq!(Limits { max_limit: Some(0), ..none }.page(500), 500);
    }
}

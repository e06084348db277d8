//! Authentication at a relay (NIP-42).

use std::time::Duration;

use nostr::{ClientMessage, EventBuilder, EventId, JsonUtil, RelayUrl, Timestamp};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::context::Context;

/// Challenges that are answered on one connection.
const CHALLENGES: u8 = 20;
/// The time that questions wait for a relay's answer to our authentication.
const ANSWER: Duration = Duration::from_secs(3);

/// The state of authentication on one connection.
#[derive(Debug, Default)]
pub(crate) struct Authentication {
    challenge: Option<String>,
    /// Our event, and when it was sent.
    sent: Option<(EventId, Instant)>,
    is_accepted: bool,
    answered: u8,
}

impl Authentication {
    /// Notes a challenge. It ends what the relay allowed before.
    pub fn challenged(&mut self, challenge: String) {
        self.challenge = Some(challenge);
        self.is_accepted = false;
    }

    /// Returns the message that answers the challenge, unless there is nothing to answer.
    pub fn answer(&mut self, context: &Context, url: &str) -> Option<Utf8Bytes> {
        if self.is_accepted || self.sent.is_some() || self.answered >= CHALLENGES {
            return None;
        }
        let (challenge, url) = (self.challenge.as_ref()?, RelayUrl::parse(url).ok()?);
        let event = EventBuilder::auth(challenge, url)
            .custom_created_at(Timestamp::from(context.now().secs()))
            .sign_with_keys(&context.identity.keys)
            .ok()?;
        self.sent = Some((event.id, Instant::now()));
        self.answered += 1;
        Some(ClientMessage::auth(event).as_json().into())
    }

    /// Notes the relay's verdict on an event. Returns false when the event is not ours.
    pub fn answered(&mut self, id: EventId, is_accepted: bool) -> bool {
        if self.sent.is_none_or(|(sent, _)| sent != id) {
            return false;
        }
        self.sent = None;
        self.is_accepted = is_accepted;
        true
    }

    /// Returns whether the relay has not answered yet.
    pub fn is_pending(&self) -> bool {
        self.sent.is_some()
    }

    /// Returns until when questions wait for the relay's answer.
    pub fn holds_until(&self) -> Option<Instant> {
        self.sent.map(|(_, sent)| sent + ANSWER)
    }
}

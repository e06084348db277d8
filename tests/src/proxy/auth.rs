//! The wall before reading and writing (NIP-42), as a relay builds it.

use nostr::{Event, JsonUtil, Kind};
use serde_json::{Value, json};

/// Authentication state of one connection.
#[derive(Debug, Default)]
pub(super) struct Gatekeeper {
    challenge: Option<String>,
    known: bool,
    count: u32,
}

impl Gatekeeper {
    /// A new challenge: who was known is not any more.
    pub fn challenge(&mut self) -> Value {
        self.count += 1;
        self.known = false;
        let challenge = format!("challenge {}", self.count);
        self.challenge = Some(challenge.clone());
        json!(["AUTH", challenge])
    }

    /// Tells whether this client must authenticate first.
    pub fn bars(&self) -> bool {
        self.challenge.is_some() && !self.known
    }

    /// Reads a client's answer, and says what the relay answers to that. Nothing where the proxy
    /// never asked: then it is the relay's business.
    pub fn answer(&mut self, event: &Value) -> Option<Value> {
        let challenge = self.challenge.as_ref()?;
        let id = event["id"].clone();
        let holds = Event::from_json(event.to_string()).is_ok_and(|event| {
            let names_it = event.tags.iter().map(|tag| tag.as_slice()).any(
                |tag| matches!(tag, [name, value, ..] if name == "challenge" && value == challenge),
            );
            event.kind == Kind::Authentication && names_it && event.verify().is_ok()
        });
        self.known |= holds;
        let words = if holds { "" } else { "invalid: not the answer to the challenge" };
        Some(json!(["OK", id, holds, words]))
    }
}

//! A connection to a relay, as anybody may open one: to publish what no daemon of ours would, and
//! to look at what stands there.

use std::net::TcpStream;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::stream::MaybeTlsStream;
use tokio_tungstenite::tungstenite::{Message, WebSocket, connect};

use crate::waiting::PATIENCE;

/// A blocking WebSocket to a relay.
#[derive(Debug)]
pub struct Wire {
    socket: WebSocket<MaybeTlsStream<TcpStream>>,
}

#[expect(clippy::unwrap_used, reason = "that is how a test fails")]
impl Wire {
    /// Connects.
    ///
    /// # Panics
    /// When there is no relay.
    #[must_use]
    pub fn open(url: &str) -> Self {
        let (socket, _) = connect(url).unwrap();
        if let MaybeTlsStream::Plain(stream) = socket.get_ref() {
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
        }
        Self { socket }
    }

    /// Publishes an event; says whether the relay took it, and its reason.
    ///
    /// # Panics
    /// When the relay does not answer.
    pub fn publish(&mut self, event: &Value) -> (bool, String) {
        self.hand_over("EVENT", event)
    }

    /// Answers a relay's challenge (NIP-42) with this event; says whether it took it, and why not.
    ///
    /// # Panics
    /// When the relay does not answer.
    pub fn authenticate(&mut self, event: &Value) -> (bool, String) {
        self.hand_over("AUTH", event)
    }

    fn hand_over(&mut self, label: &str, event: &Value) -> (bool, String) {
        self.send(&json!([label, event]));
        loop {
            let answer = self.next();
            if answer[0] == "OK" && answer[1] == event["id"] {
                let reason = answer[3].as_str().unwrap_or_default().to_owned();
                return (answer[2] == true, reason);
            }
        }
    }

    /// The stored events that a filter finds.
    ///
    /// # Panics
    /// When the relay does not answer.
    pub fn ask(&mut self, filter: &Value) -> Vec<Value> {
        self.send(&json!(["REQ", "asked", filter]));
        let mut events = Vec::new();
        loop {
            let mut answer = self.next();
            match answer[0].as_str() {
                Some("EVENT") => events.push(answer[2].take()),
                Some("EOSE") => break,
                _ => {}
            }
        }
        self.send(&json!(["CLOSE", "asked"]));
        events
    }

    /// Sends anything.
    ///
    /// # Panics
    /// When the connection is gone.
    pub fn send(&mut self, message: &Value) {
        self.socket.send(Message::text(message.to_string())).unwrap();
    }

    fn next(&mut self) -> Value {
        loop {
            if let Message::Text(text) = self.socket.read().unwrap() {
                return serde_json::from_str(&text).unwrap_or_default();
            }
        }
    }
}

//! The state of a message of ours that is under way, for the agent to look at.

use super::super::execute::Command;
use super::super::{Engine, Refusal};
use crate::ids::{Conversation, PublicKey, RumorId};
use crate::time::Time;

/// Asks for the [`Outlook`] of a message of ours. Changes nothing.
#[derive(Debug, Clone, Copy)]
pub struct DiagnoseMessage {
    /// The message's conversation.
    pub conversation: Conversation,
    /// The receiver.
    pub peer: PublicKey,
    /// The message's rumor.
    pub rumor: RumorId,
}

/// The event that a message waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitsFor {
    /// The call is not answered yet.
    Answer,
    /// No relay has accepted the message.
    Relay,
    /// The peer's daemon has not acknowledged the message.
    Acknowledgement,
}

/// Delivery outlook of a message that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outlook {
    /// The next event, or `None` when nothing more will happen to the message.
    pub waits_for: Option<WaitsFor>,
    /// Number of times that this run gave the message to the relays.
    pub attempts: u32,
    /// The time of the next attempt, if nothing happens before.
    pub next_attempt: Option<Time>,
    /// The last sign of life of the peer in this run.
    pub peer_seen: Option<Time>,
}

impl Command for DiagnoseMessage {
    type Reply = Outlook;
    const SURVIVES_YIELD: bool = true;

    fn run(self, engine: &mut Engine, _now: Time) -> Result<Outlook, Refusal> {
        let is_open = engine.conversations.is_open(self.conversation);
        let rings = match self.conversation {
            Conversation::Call(call) => {
                engine.call(call).is_some_and(|call| call.is_open() && !call.carries())
            }
            Conversation::Direct(_) => false,
        };
        let peer_seen = engine.ctx.peers.last_seen(self.peer);
        let schedule = &engine.ctx.settings.schedule;
        let found = engine.conversations.get(self.conversation).and_then(|state| {
            state.outgoing().find_map(|(stream, _)| stream.attempts(self.rumor, schedule))
        });
        let waits_for = match found {
            _ if rings => Some(WaitsFor::Answer),
            None => None,
            Some(attempts) if attempts.taken => Some(WaitsFor::Acknowledgement),
            Some(_) => Some(WaitsFor::Relay),
        };
        Ok(Outlook {
            waits_for,
            attempts: found.map_or(0, |attempts| attempts.count),
            next_attempt: found.filter(|_| is_open).and_then(|attempts| attempts.next),
            peer_seen,
        })
    }
}

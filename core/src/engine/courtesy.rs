//! Two agents that only thank each other are done: who hears the last of so many courtesies ends
//! the call, so that one `end` is said and not two.

use super::{Cause, Engine};
use crate::call::{Event as CallEvent, State};
use crate::ids::Conversation;
use crate::policy::is_courtesy;
use crate::record::{Content, Message};
use crate::time::Time;
use crate::wire::{Closing, Reason};

/// What both ends are told.
const PARTING: &str = "both sides only thanked each other";

impl Engine {
    /// A message was said or heard. What a human says always means something. A restart begins to
    /// count anew.
    pub(super) fn weigh(&mut self, message: &Message) {
        let courtesy = match &message.content {
            Content::Text(text) => !message.by.is_human() && is_courtesy(text),
            _ => false,
        };
        if let Some(channel) = self.channel(message.conversation) {
            channel.courtesies.note(message.by.is_ours(), courtesy);
        }
    }

    /// Ends the call if it has come to that, unless words of ours have not left.
    pub(super) fn part(&mut self, now: Time, conversation: Conversation) {
        let Conversation::Call(call) = conversation else { return };
        let limit = self.settings.courtesy;
        let Some(session) = self.calls.get(&call) else { return };
        let left =
            session.channel.outgoing().all(|(stream, _)| stream.pending.values().all(|p| p.taken));
        let enough = limit > 0 && session.channel.courtesies.row >= limit;
        if enough && left && self.taken_over(call).is_none() && session.call.state == State::Active
        {
            let closing = Closing::new(Reason::Completed, PARTING);
            self.step(now, call, CallEvent::Close(closing), Cause::Other);
        }
    }
}

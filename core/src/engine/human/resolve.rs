//! Resolution of the calls and keys that an owner names.

use super::super::Engine;
use crate::call::Call;
use crate::human::command::OwnerCommand;
use crate::human::message::OwnerMessage;
use crate::human::parse::{self, ParsedCommand};
use crate::human::wording;
use crate::ids::{CallId, PublicKey};
use crate::record::Note;
use crate::text::Text;

impl Engine {
    /// Resolves the names in a command.
    pub(super) fn resolve(
        &self,
        parsed: ParsedCommand,
        note: Option<Note>,
    ) -> Result<OwnerCommand, OwnerMessage> {
        let open =
            |call| self.call_meant(call, note, |id| self.call(id).is_some_and(Call::is_open));
        Ok(match parsed {
            ParsedCommand::Calls => OwnerCommand::Calls,
            ParsedCommand::Show(call) => OwnerCommand::Show(open(call)?),
            ParsedCommand::Say(call, text) => OwnerCommand::Say { call: open(call)?, text },
            ParsedCommand::Takeover(call) => OwnerCommand::Takeover(open(call)?),
            ParsedCommand::Resume(call) => {
                OwnerCommand::Resume(
                    self.call_meant(call, note, |id| self.taken_over(id).is_some())?,
                )
            }
            ParsedCommand::End(call, text) => OwnerCommand::End { call: open(call)?, text },
            ParsedCommand::Mute(time) => OwnerCommand::Mute(time),
            ParsedCommand::Unmute => OwnerCommand::Unmute,
            ParsedCommand::Allow(name) => OwnerCommand::Allow(self.key_meant(&name)?),
            ParsedCommand::Block(name) => OwnerCommand::Block(self.key_meant(&name)?),
            ParsedCommand::Policy(policy) => OwnerCommand::Policy(policy),
            ParsedCommand::Remove(key) => OwnerCommand::Remove(key),
            ParsedCommand::Pair => OwnerCommand::Pair,
            ParsedCommand::Code => OwnerCommand::Code,
            ParsedCommand::Help | ParsedCommand::Yes | ParsedCommand::Decide { .. } => {
                OwnerCommand::Help
            }
        })
    }

    /// Returns the call with a number; without a number, the call of the message that was replied
    /// to, or the only call that fits.
    fn call_meant(
        &self,
        number: Option<u32>,
        note: Option<Note>,
        fits: impl Fn(CallId) -> bool,
    ) -> Result<CallId, OwnerMessage> {
        if let Some(number) = number {
            let call = self.calls().find(|call| call.handle == number);
            let none = || {
                OwnerMessage::new(format!("There is no c{number}. /calls lists the open calls."))
            };
            return call.map(|call| self.calls.current(call.id)).ok_or_else(none);
        }
        let replied = note.and_then(|note| note.call).map(|call| self.calls.current(call));
        if let Some(call) = replied.filter(|call| fits(*call)) {
            return Ok(call);
        }
        let fitting: Vec<CallId> =
            self.calls().map(|call| call.id).filter(|id| fits(*id)).collect();
        match fitting.as_slice() {
            [] => Err(OwnerMessage::new("There is no such call. /calls lists the open ones.")),
            [call] => Ok(*call),
            _ => {
                let lines = self.call_lines(&fitting);
                Err(OwnerMessage::new(format!("Which call? Nothing was done.\n{lines}")))
            }
        }
    }

    fn key_meant(&self, name: &str) -> Result<PublicKey, OwnerMessage> {
        if let Ok(key) = PublicKey::parse(name) {
            return Ok(key);
        }
        let number = parse::handle(name, 'c');
        let call = || self.calls().find(|call| Some(call.handle) == number).map(|call| call.peer);
        let lower = name.to_lowercase();
        let is = |pet: &Text| pet.to_lowercase() == lower;
        let peer = || self.ctx.peers.all().find(|peer| peer.name.as_ref().is_some_and(is));
        let none = || OwnerMessage::new(format!("No contact is called {}.", wording::piece(name)));
        call().or_else(|| peer().map(|peer| peer.key)).ok_or_else(none)
    }

    pub(super) fn call_lines(&self, calls: &[CallId]) -> String {
        calls.iter().map(|id| self.call_line(*id)).collect::<Vec<_>>().join("\n")
    }
}

//! Which call and whose key an owner means.

use super::super::Engine;
use super::Letter;
use crate::call::Call;
use crate::ids::{CallId, PublicKey};
use crate::owner::parse::{self, Wish};
use crate::owner::{Order, words};
use crate::record::Note;
use crate::text::Text;

impl Engine {
    /// From names to what they stand for, in what is going on now.
    pub(super) fn resolve(&self, wish: Wish, note: Option<Note>) -> Result<Order, Letter> {
        let open =
            |call| self.call_meant(call, note, |id| self.call(id).is_some_and(Call::is_open));
        Ok(match wish {
            Wish::Calls => Order::Calls,
            Wish::Show(call) => Order::Show(open(call)?),
            Wish::Say(call, text) => Order::Say { call: open(call)?, text },
            Wish::Takeover(call) => Order::Takeover(open(call)?),
            Wish::Resume(call) => {
                Order::Resume(self.call_meant(call, note, |id| self.taken_over(id).is_some())?)
            }
            Wish::End(call, text) => Order::End { call: open(call)?, text },
            Wish::Mute(time) => Order::Mute(time),
            Wish::Unmute => Order::Unmute,
            Wish::Allow(name) => Order::Allow(self.key_meant(&name)?),
            Wish::Block(name) => Order::Block(self.key_meant(&name)?),
            Wish::Policy(policy) => Order::Policy(policy),
            Wish::Remove(key) => Order::Remove(key),
            Wish::Pair => Order::Pair,
            Wish::Code => Order::Code,
            Wish::Help | Wish::Yes | Wish::Decide { .. } => Order::Help,
        })
    }

    /// The call of a number; where none is given, that of the message that was replied to, or the
    /// only one that fits.
    fn call_meant(
        &self,
        number: Option<u32>,
        note: Option<Note>,
        fits: impl Fn(CallId) -> bool,
    ) -> Result<CallId, Letter> {
        if let Some(number) = number {
            let call = self.calls().find(|call| call.handle == number);
            let none =
                || Letter::new(format!("There is no c{number}. /calls lists the open calls."));
            return call.map(|call| self.calls.current(call.id)).ok_or_else(none);
        }
        let replied = note.and_then(|note| note.call).map(|call| self.calls.current(call));
        if let Some(call) = replied.filter(|call| fits(*call)) {
            return Ok(call);
        }
        let fitting: Vec<CallId> =
            self.calls().map(|call| call.id).filter(|id| fits(*id)).collect();
        match fitting.as_slice() {
            [] => Err(Letter::new("There is no such call. /calls lists the open ones.")),
            [call] => Ok(*call),
            _ => {
                let lines = self.call_lines(&fitting);
                Err(Letter::new(format!("Which call? Nothing was done.\n{lines}")))
            }
        }
    }

    fn key_meant(&self, name: &str) -> Result<PublicKey, Letter> {
        if let Ok(key) = PublicKey::parse(name) {
            return Ok(key);
        }
        let number = parse::handle(name, 'c');
        let call = || self.calls().find(|call| Some(call.handle) == number).map(|call| call.peer);
        let lower = name.to_lowercase();
        let is = |pet: &Text| pet.to_lowercase() == lower;
        let peer = || self.ctx.peers.all().find(|peer| peer.name.as_ref().is_some_and(is));
        let none = || Letter::new(format!("No contact is called {}.", words::piece(name)));
        call().or_else(|| peer().map(|peer| peer.key)).ok_or_else(none)
    }

    pub(super) fn call_lines(&self, calls: &[CallId]) -> String {
        calls.iter().map(|id| self.call_line(*id)).collect::<Vec<_>>().join("\n")
    }
}

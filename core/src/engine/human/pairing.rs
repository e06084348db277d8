//! Pairing of owners, and the one-time codes that prove an owner at a terminal.

use super::super::command::PairingCode;
use super::super::{Engine, Refusal};
use crate::human::change::HumanChange;
use crate::human::code;
use crate::human::message::OwnerMessage;
use crate::human::pairing::Pairing;
use crate::human::pairing::Try;
use crate::human::wording;
use crate::ids::{Conversation, PublicKey};
use crate::record::Owner;
use crate::text::Text;
use crate::time::Time;

/// The stored text of a message that carries a secret, since our agent can read what is stored.
pub(super) const SECRET: &str = "(a code, for the owner only)";
/// Most one-time codes that are good at once.
const CODES: usize = 5;

impl Engine {
    /// Returns the pairing under way.
    #[must_use]
    pub fn pairing(&self) -> Option<&Pairing> {
        self.owners.pairing.as_ref()
    }

    pub(in super::super) fn pair(
        &mut self,
        now: Time,
        only: Option<PublicKey>,
        proven: bool,
    ) -> Result<PairingCode, Refusal> {
        if !proven && !self.owners.keys.is_empty() {
            return Err(Refusal::OwnerOnly);
        }
        let (code, until) = self.open_pairing(now, only);
        Ok(PairingCode { code, until })
    }

    pub(super) fn open_pairing(&mut self, now: Time, only: Option<PublicKey>) -> (Text, Time) {
        let pairing = Pairing::new(now, self.ctx.ids.code(code::LONG).into(), only);
        let shown = (code::shown(&pairing.code).into(), pairing.until);
        self.owners.pairing = Some(pairing);
        shown
    }

    /// Admits a message of a stranger that may be a pairing code.
    pub(in super::super) fn may_pair(&mut self, now: Time, from: PublicKey, text: &str) -> bool {
        let pairing = self.owners.pairing.as_mut();
        pairing.is_some_and(|pairing| pairing.admits(now, from, text))
    }

    /// Counts a message as a try to pair, if it is one. A message of an owner is not.
    pub(in super::super) fn tries_to_pair(
        &mut self,
        now: Time,
        from: PublicKey,
        text: &str,
    ) -> bool {
        if self.is_owner(from) {
            return self.gave_away(now, from, text);
        }
        let Some(pairing) = &mut self.owners.pairing else { return false };
        let reply = match pairing.take(now, from, text) {
            None => return false,
            Some(Try::Right) => return self.paired(now, from),
            Some(Try::Wrong(0)) => {
                self.owners.pairing = None;
                let text = "pairing failed: five wrong codes; ask for a new one";
                self.notice(now, Conversation::Direct(from), None, text);
                OwnerMessage::new("Wrong code, and that was the last try. Ask for a new code.")
            }
            Some(Try::Wrong(left)) => {
                let tries = if left == 1 { "try" } else { "tries" };
                OwnerMessage::new(format!("Wrong code; {left} {tries} left."))
            }
        };
        self.tell(now, from, reply);
        true
    }

    /// Revokes a code that an owner wrote here by mistake. Our agent does not see the message.
    fn gave_away(&mut self, now: Time, owner: PublicKey, text: &str) -> bool {
        let known = self.owners.codes.len();
        self.owners.codes.retain(|(known, _)| !code::is_in(known, text));
        let pairs = |pairing: &Pairing| code::is_in(&pairing.code, text);
        let reply = if self.owners.pairing.as_ref().is_some_and(pairs) {
            self.owners.pairing = None;
            "That code was for another owner to send. It is no longer valid; /pair gives a new one."
        } else if self.owners.codes.len() < known {
            "That code was for the terminal. It is no longer valid; /code gives a new one."
        } else {
            return false;
        };
        self.tell(now, owner, OwnerMessage::new(reply));
        true
    }

    fn paired(&mut self, now: Time, key: PublicKey) -> bool {
        self.owners.pairing = None;
        self.allow(now, key);
        let others: Vec<PublicKey> = self.owners().map(|owner| owner.key).collect();
        let owner = Owner { key, since: now, muted_until: None };
        self.owners.keys.insert(key, owner);
        self.ctx.persist(HumanChange::Owner(owner));
        let (theirs, ours) = (key.npub(), self.ctx.me.npub());
        let agent = wording::piece(&self.ctx.settings.name);
        let policy = wording::policy(self.ctx.settings.policy);
        let mut text = format!(
            "You now own this agent.\nYou: {theirs}\nAgent: {agent}\n{ours}\nPolicy: {policy} (/policy changes it)"
        );
        // The other owners are told of every new owner, even of a key that the agent itself paired.
        for other in others {
            text += &format!("\nIt has another owner: {}", other.npub());
            let text = format!(
                "This agent has another owner now: {theirs}\nTo undo this:\n/remove {theirs}"
            );
            self.tell(now, other, OwnerMessage::new(text));
        }
        self.tell(now, key, OwnerMessage::new(text + "\n/help"));
        let text = format!("{theirs} is now an owner of this agent");
        self.notice(now, Conversation::Direct(key), None, &text);
        true
    }

    /// Makes a one-time code for an owner.
    pub(super) fn one_time_code(&mut self, now: Time) -> OwnerMessage {
        let code = self.ctx.ids.code(code::LONG);
        let shown = code::shown(&code);
        self.owners.codes.retain(|(_, until)| now < *until);
        if self.owners.codes.len() == CODES {
            self.owners.codes.remove(0);
        }
        self.owners.codes.push((code.into(), now + crate::human::pairing::LIFETIME));
        let text = format!(
            "{shown}\nType this code where the terminal asks for the passphrase. It works once, within ten minutes."
        );
        OwnerMessage { stored: Some(SECRET), ..OwnerMessage::new(text) }
    }

    /// Uses up a one-time code that was typed at a terminal.
    pub(in super::super) fn redeem(&mut self, now: Time, typed: &str) -> Result<(), Refusal> {
        let typed = code::read(typed, code::LONG).ok_or(Refusal::WrongCode)?;
        let codes = &mut self.owners.codes;
        codes.retain(|(_, until)| now < *until);
        let at = codes.iter().position(|(code, _)| *code == typed).ok_or(Refusal::WrongCode)?;
        codes.remove(at);
        Ok(())
    }
}

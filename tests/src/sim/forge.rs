//! A key that is nobody's friend says what only others may say.

use p2p_core::engine::Input;
use p2p_core::{PublicKey, Rumor, Time, Verified};

use super::{Fault, World};

impl World {
    /// Somebody overheard everything, and says it again under its own key, to whom it was meant
    /// for and to the other end. None of it may have any effect.
    pub(super) fn forge(&mut self, index: usize) -> Result<(), Fault> {
        // Whatever is due anyway is done before, so that an effect is the forgery's.
        let outcome = self.agents[index].tick(self.now, None)?;
        self.follow(index, outcome)?;
        let me = self.agents[index].key;
        let third = PublicKey(self.rng.bytes());
        for _ in 0..5 {
            let Some(model) = self.rng.pick(&self.overheard).cloned() else { break };
            // Rings and words outside calls are anyone's right.
            if model.tag("call").is_none() || model.tag("type") == Some("offer") {
                continue;
            }
            let forged = disguise(model, third, me, self.now, self.rng.number());
            let message = Verified::from_seal(third, None, forged.clone())
                .map_err(|forgery| forgery.to_string())?;
            let outcome = self.agents[index].handle(self.now, Input::Received(message), None)?;
            if !outcome.silent {
                return Err(format!("a stranger's `{:?}` had an effect", forged.tag("type")));
            }
            self.tally.forged += 1;
        }
        Ok(())
    }
}

/// The same words under another key, sometimes as another type.
fn disguise(mut rumor: Rumor, by: PublicKey, to: PublicKey, now: Time, chance: u64) -> Rumor {
    rumor.pubkey = by;
    rumor.created_at = now.secs();
    let types = ["accept", "end", "reject", "cancel", "ended", "established", "ringing"];
    let other = types.get(usize::try_from(chance % 12).unwrap_or(0));
    for tag in &mut rumor.tags {
        match (tag.first().map(String::as_str), other) {
            (Some("p"), _) => *tag = vec!["p".into(), to.to_string()],
            (Some("type"), Some(name)) => {
                *tag = vec!["type".into(), (*name).into()];
                rumor.content = r#"{"reason":"completed"}"#.into();
            }
            _ => {}
        }
    }
    rumor
}

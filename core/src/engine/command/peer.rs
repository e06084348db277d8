//! Commands about keys.

use super::super::execute::Command;
use super::super::{Engine, Refusal};
use crate::ids::PublicKey;
use crate::text::Text;
use crate::time::Time;

/// Pins a name to a key, which may ring from then on.
#[derive(Debug, Clone)]
pub struct NamePeer {
    /// The key.
    pub key: PublicKey,
    /// The name.
    pub name: Text,
}

impl Command for NamePeer {
    type Reply = ();

    fn run(self, engine: &mut Engine, now: Time) -> Result<(), Refusal> {
        engine.name(now, self.key, self.name)
    }
}

/// Lets a key ring.
#[derive(Debug, Clone, Copy)]
pub struct AllowPeer(pub PublicKey);

impl Command for AllowPeer {
    type Reply = ();

    fn run(self, engine: &mut Engine, now: Time) -> Result<(), Refusal> {
        engine.not_me(self.0)?;
        engine.allow(now, self.0);
        Ok(())
    }
}

/// Blocks a key: everything from it is dropped.
#[derive(Debug, Clone, Copy)]
pub struct BlockPeer(pub PublicKey);

impl Command for BlockPeer {
    type Reply = ();

    fn permit(&self, engine: &Engine) -> Result<(), Refusal> {
        engine.not_owner(self.0)?;
        engine.calls_with(self.0).into_iter().try_for_each(|call| engine.not_taken_over(call))
    }

    fn run(self, engine: &mut Engine, now: Time) -> Result<(), Refusal> {
        engine.block(now, self.0)
    }
}

/// Forgets a key.
#[derive(Debug, Clone, Copy)]
pub struct ForgetPeer(pub PublicKey);

impl Command for ForgetPeer {
    type Reply = ();

    fn permit(&self, engine: &Engine) -> Result<(), Refusal> {
        engine.not_owner(self.0)
    }

    fn run(self, engine: &mut Engine, _: Time) -> Result<(), Refusal> {
        engine.forget_peer(self.0);
        Ok(())
    }
}

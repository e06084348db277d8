//! Commands of our agent, each typed together with its reply.

use std::fmt::Debug;

use super::{Engine, Refusal};
use crate::time::Time;

/// A request of our agent. [`Engine::execute`] carries it out.
pub trait Command: Debug {
    /// The result of a command that was carried out.
    type Reply;

    /// Carries the command out, after [`Command::permit`] let it pass.
    ///
    /// # Errors
    /// The reason why nothing was done.
    fn run(self, engine: &mut Engine, now: Time) -> Result<Self::Reply, Refusal>;

    /// Refuses what the agent must leave to its human.
    ///
    /// # Errors
    /// The reason.
    fn permit(&self, _engine: &Engine) -> Result<(), Refusal> {
        Ok(())
    }

    /// True for the commands that a daemon still carries out after it yielded to a duplicate
    /// instance.
    const SURVIVES_YIELD: bool = false;
}

impl Engine {
    /// Carries out a command at `now`. The reply may be given to the agent only once the changes
    /// that [`Engine::poll`] returns are durable.
    ///
    /// # Errors
    /// The reason why the engine refused; nothing changed then.
    pub fn execute<C: Command>(&mut self, now: Time, command: C) -> Result<C::Reply, Refusal> {
        if self.instances.yielded() && !C::SURVIVES_YIELD {
            return Err(Refusal::Yielded);
        }
        let result = command.permit(self).and_then(|()| command.run(self, now));
        self.run_due(now);
        result
    }
}

//! Another daemon with our key, on another machine or from a copied identity. It acknowledges
//! everything that it receives in our name, so that only one of the two may go on: the run that was
//! there first. The later run yields.
//!
//! A run probes its own key when it reaches a relay. Another run that listens there answers by the
//! instance id, which is fresh for each run: an answer proves that another run is active now, and a
//! probe does not.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::context::Context;
use crate::ids::InstanceId;
use crate::output::Output;
use crate::time::Time;
use crate::wire::{Body, Packet};

/// Time after a probe in which nothing is acknowledged: another run may answer.
pub(super) const QUIET: Duration = Duration::from_millis(1500);
/// Age from which on a probe belongs to a run that ended; clocks may be an hour apart.
const STALE: Duration = Duration::from_secs(2 * 3600);
/// Maximum number of other runs that this run answers.
const ANSWERS: usize = 16;

/// Known state of other runs with our key.
#[derive(Debug)]
pub(super) struct Instances {
    /// Start time of this run.
    pub(super) started: Time,
    /// Time of the last probe for other runs.
    pub(super) probed: Option<Time>,
    /// Other runs that were told of this run.
    pub(super) answered: BTreeSet<InstanceId>,
    /// True once this run yielded to an earlier run: it does nothing any more.
    pub(super) yielded: bool,
}

impl Instances {
    /// Returns the state of a run that begins now.
    pub(super) fn new(started: Time) -> Self {
        Self { started, probed: None, answered: BTreeSet::new(), yielded: false }
    }

    /// Returns true if this run gave way to another one.
    pub(super) fn yielded(&self) -> bool {
        self.yielded
    }

    /// Handles a message of another run. Returns the run that must be answered, if any.
    pub(super) fn received(
        &mut self,
        ctx: &mut Context,
        now: Time,
        packet: &Packet,
    ) -> Option<InstanceId> {
        let Body::DuplicateInstance(other) = packet.body else { return None };
        let instance = packet.instance.filter(|instance| *instance != ctx.instance)?;
        let answers = match other.to {
            None => now.since(Time::from_secs(packet.created_at)) < STALE,
            Some(to) if to == ctx.instance => {
                if (other.started, instance) < (self.started, ctx.instance) {
                    self.yielded = true;
                    ctx.output(Output::Yield { instance, since: other.started });
                    return None;
                }
                true
            }
            Some(_) => false,
        };
        let room = self.answered.len() < ANSWERS;
        (answers && room && self.answered.insert(instance)).then_some(instance)
    }
}

//! The probe for another daemon with our key, and its answer. See [`super::instances`].

use std::time::Duration;

use super::Engine;
use super::instances::QUIET;
use crate::ids::InstanceId;
use crate::time::Time;
use crate::wire::{Body, DuplicateInstance, Packet};

/// Minimum interval between probes when relays come back.
const AGAIN: Duration = Duration::from_secs(600);

impl Engine {
    /// Asks whether another daemon runs with our key, since a relay can be reached.
    pub(super) fn probe_instances(&mut self, now: Time) {
        let probed = self.instances.probed.replace(now);
        if probed.is_some_and(|last| now.since(last) < AGAIN) {
            self.instances.probed = probed;
            return;
        }
        if probed.is_none() {
            self.ctx.quiet_until = self.ctx.quiet_until.max(now + QUIET);
        }
        self.tell_instance(now, None);
    }

    fn tell_instance(&mut self, now: Time, to: Option<InstanceId>) {
        let body = DuplicateInstance { started: self.instances.started, to };
        self.say(now, self.ctx.me, &Body::DuplicateInstance(body));
    }

    /// Handles a rumor of our own key, written by this run or by another.
    pub(super) fn instance_received(&mut self, now: Time, packet: &Packet) {
        if let Some(instance) = self.instances.received(&mut self.ctx, now, packet) {
            self.tell_instance(now, Some(instance));
        }
    }
}

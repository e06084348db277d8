//! Another daemon with our key: on another machine, or from a copied identity. Whatever it takes
//! in, it acknowledges in our name, so that only one of the two may go on: the one that was there
//! first. The other yields.
//!
//! A run says hello to its own key when it reaches a relay. Whoever else listens there answers to
//! that run by its instance id, which is fresh for each: an answer proves that somebody is there
//! now, and a hello does not.

use std::time::Duration;

use super::{Engine, Output, Priority};
use crate::ids::InstanceId;
use crate::time::Time;
use crate::wire::{Body, Packet, Twin};

/// After a hello nothing is acknowledged for so long: somebody may answer.
pub(super) const QUIET: Duration = Duration::from_millis(1500);
/// How often hello is said again, when relays come back.
const AGAIN: Duration = Duration::from_secs(600);
/// A hello that is older is that of a run that is over, clocks being an hour apart.
const STALE: Duration = Duration::from_secs(2 * 3600);
/// Most runs that are answered by one of ours.
const ANSWERS: usize = 16;

impl Engine {
    /// A relay can be reached: is anybody else there under our key?
    pub(super) fn say_hello(&mut self, now: Time) {
        if self.hello.is_some_and(|last| now.since(last) < AGAIN) {
            return;
        }
        if self.hello.is_none() {
            self.quiet_until = self.quiet_until.max(now + QUIET);
        }
        self.hello = Some(now);
        self.tell_twin(now, None);
    }

    fn tell_twin(&mut self, now: Time, to: Option<InstanceId>) {
        let body = Body::Twin(Twin { started: self.started, to });
        self.say(now, self.me, &body, Priority::Control);
    }

    /// A rumor of our own key: ours, or that of another run.
    pub(super) fn twin_heard(&mut self, now: Time, packet: &Packet) {
        let Body::Twin(twin) = packet.body else { return };
        let Some(instance) = packet.instance.filter(|instance| *instance != self.instance) else {
            return;
        };
        match twin.to {
            None if now.since(Time::from_secs(packet.created_at)) < STALE => {
                self.answer_twin(now, instance);
            }
            Some(to) if to == self.instance => {
                if (twin.started, instance) < (self.started, self.instance) {
                    self.yielded = true;
                    let since = twin.started;
                    self.effects.push_back(Output::Yield { instance, since });
                } else {
                    self.answer_twin(now, instance);
                }
            }
            _ => {}
        }
    }

    fn answer_twin(&mut self, now: Time, instance: InstanceId) {
        if self.answered_twins.len() < ANSWERS && self.answered_twins.insert(instance) {
            self.tell_twin(now, Some(instance));
        }
    }
}

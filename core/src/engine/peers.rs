//! Commands and events that concern peers: standing, names, and signs of life.

use super::dispatch::Timer;
use super::{Engine, Refusal};
use crate::call::calls::Cause;
use crate::call::state::{Call, State};
use crate::call::step::Event as CallEvent;
use crate::conversation::send::Repeat;
use crate::ids::PublicKey;
use crate::policy::is_pet_name;
use crate::record::{Peer, Speaks, Standing};
use crate::text::Text;
use crate::time::Time;
use crate::wire::{Closing, Reason};

impl Engine {
    /// Pins a name to a key.
    pub(super) fn name(&mut self, now: Time, key: PublicKey, name: Text) -> Result<(), Refusal> {
        self.not_me(key)?;
        if !is_pet_name(&name) {
            return Err(Refusal::BadName);
        }
        let lower = name.to_lowercase();
        let same = |pet: &Text| pet.to_lowercase() == lower;
        let taken = |peer: &&Peer| peer.key != key && peer.name.as_ref().is_some_and(same);
        if let Some(other) = self.ctx.peers.all().find(taken) {
            return Err(Refusal::NameTaken(other.key));
        }
        self.update_peer(now, key, |peer| {
            peer.name = Some(name);
            peer.standing = Standing::Allowed;
        });
        Ok(())
    }

    /// Blocks a key. A peer that is in a call with us is told of the end of the call, and nothing
    /// after that.
    pub(super) fn block(&mut self, now: Time, key: PublicKey) -> Result<(), Refusal> {
        self.not_me(key)?;
        let knocks = |call: &Call| matches!(call.state, State::Incoming(_));
        let calls = self.calls_with(key).into_iter();
        let (knocks, calls): (Vec<_>, Vec<_>) =
            calls.partition(|call| self.calls.get(*call).is_some_and(knocks));
        let blocked = || CallEvent::Close(Closing::new(Reason::Blocked, ""));
        for call in calls {
            self.step(now, call, blocked(), Cause::Agent);
        }
        self.update_peer(now, key, |peer| peer.standing = Standing::Blocked);
        self.ctx.peers.unsee(key);
        for call in knocks {
            self.step(now, call, blocked(), Cause::Agent);
        }
        for id in self.conversations.with(key) {
            let effects = self.conversations.abandon(&mut self.ctx, id, "the peer is blocked");
            self.route(now, effects);
        }
        Ok(())
    }

    /// Forgets a key.
    pub(super) fn forget_peer(&mut self, key: PublicKey) {
        if let Some(change) = self.ctx.peers.forget(key) {
            self.ctx.persist(change);
            self.calls.touch(key);
        }
    }

    /// Refuses our own key as a peer.
    pub(super) fn not_me(&self, key: PublicKey) -> Result<(), Refusal> {
        if key == self.ctx.me { Err(Refusal::Own) } else { Ok(()) }
    }

    /// Records that a contact that never wrote to us is an agent.
    pub(super) fn agent_found(&mut self, now: Time, key: PublicKey) {
        let known = self.ctx.peers.get(key);
        if known.is_some_and(|peer| peer.speaks == Speaks::Unknown) {
            self.update_peer(now, key, |peer| peer.speaks = Speaks::P2p);
        }
    }

    /// Changes the record of a key, and persists the record if it differs.
    pub(super) fn update_peer(
        &mut self,
        now: Time,
        key: PublicKey,
        change: impl FnOnce(&mut Peer),
    ) {
        if let Some(change) = self.ctx.peers.update(now, key, change) {
            self.ctx.persist(change);
            self.calls.touch(key);
        }
    }

    /// Allows a key to ring.
    pub(super) fn allow(&mut self, now: Time, key: PublicKey) {
        self.update_peer(now, key, |peer| peer.standing = Standing::Allowed);
    }

    /// Handles the presence of a peer.
    pub(super) fn presence_seen(&mut self, now: Time, key: PublicKey, name: Option<Text>) {
        if self.ctx.peers.get(key).is_none() {
            return;
        }
        self.update_peer(now, key, |peer| {
            peer.speaks = Speaks::P2p;
            peer.claimed = name.or(peer.claimed.take());
        });
        self.peer_alive(now, key);
    }

    /// Takes in a sign of life: a ring learns that the peer is there, and whatever else waits for
    /// the peer goes now, if it was silent for a while.
    pub(super) fn peer_alive(&mut self, now: Time, key: PublicKey) {
        let back = self.ctx.peers.seen(now, key);
        for id in self.calls_with(key) {
            if back || self.calls.get(id).is_some_and(Call::is_outgoing_ring) {
                self.step(now, id, CallEvent::PeerSeen, Cause::Other);
            }
        }
        if back {
            for id in self.conversations.with(key) {
                self.conversations.resend(&mut self.ctx, now, id, Repeat::Lowest);
            }
        }
    }

    /// Takes in that a relay is back: what no relay has taken goes now, each call says again what
    /// it waits to have confirmed, and what was acknowledged since the last time is acknowledged
    /// again.
    pub(super) fn relay_back(&mut self, now: Time) {
        self.probe_instances(now);
        // Everything that waits for a relay has a deadline.
        for timer in self.timers.keys().collect::<Vec<_>>() {
            match timer {
                Timer::Call(id) => self.step(now, id, CallEvent::RelayBack, Cause::Other),
                Timer::Conversation(id) => {
                    self.conversations.resend(&mut self.ctx, now, id, Repeat::Untaken);
                }
                Timer::Owners => {}
            }
        }
        self.conversations.acknowledge_again(now + self.ctx.settings.schedule.ack_idle);
    }
}

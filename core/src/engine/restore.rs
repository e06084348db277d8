//! From what is on disk to an engine that goes on where it was.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::channel::{Channel, Parked, Receiving, Sending};
use super::owner::Owners;
use super::receive::{STRANGERS_RATE, parcel};
use super::twin::QUIET;
use super::{Engine, Ids, Session, Snapshot};
use crate::call::{Call, State};
use crate::ids::{Conversation, InstanceId, PublicKey, StreamId};
use crate::lane::{Incoming, Outgoing, Parcel, Pending};
use crate::policy::{Meter, Rate, Settings};
use crate::record::{Lane, StreamIn, StreamOut};
use crate::rumor::Verified;
use crate::time::Time;
use crate::wire::decode;

impl Engine {
    /// An engine for `me` that goes on from `snapshot`. `seed` is fresh randomness, from which it
    /// makes the ids of calls and streams; `instance` names this run.
    #[must_use]
    pub fn restore(
        me: PublicKey,
        instance: InstanceId,
        seed: [u8; 32],
        settings: Settings,
        mut snapshot: Snapshot,
        now: Time,
    ) -> Self {
        let owners = Owners::restore(&mut snapshot);
        let policy = snapshot.policy.unwrap_or(settings.policy);
        let mut engine = Self {
            me,
            instance,
            settings: Settings { policy, ..settings },
            ids: Ids { seed, count: 0 },
            counters: snapshot.counters,
            peers: snapshot.peers.into_iter().map(|peer| (peer.key, peer)).collect(),
            last_seen: BTreeMap::new(),
            meters: BTreeMap::new(),
            strangers: Meter::full(now, Rate::a_minute(STRANGERS_RATE)),
            calls: BTreeMap::new(),
            direct: BTreeMap::new(),
            files: snapshot.files.into_iter().map(|file| (file.handle, file)).collect(),
            offers: BTreeMap::new(),
            invites: snapshot.invites.into_iter().map(|invite| (invite.id, invite)).collect(),
            tombstones: snapshot.tombstones.into_iter().map(|t| (t.call, t)).collect(),
            owners,
            seen: snapshot.seen.into_iter().collect(),
            started: now,
            hello: None,
            quiet_until: now + QUIET,
            answered_twins: BTreeSet::new(),
            yielded: false,
            swept: now,
            clock_ahead: 0,
            changes: VecDeque::new(),
            effects: VecDeque::new(),
        };
        for call in snapshot.calls {
            let channel = Channel::new(call.peer, Conversation::Call(call.id));
            engine.calls.insert(call.id, Session { call, channel });
        }
        for record in snapshot.streams_out {
            engine.restore_outgoing(record);
        }
        for record in snapshot.streams_in {
            engine.restore_incoming(record);
        }
        for entry in snapshot.outbox {
            let id = entry.rumor.id();
            // What a relay took waits its turn; what none took goes at once.
            let pending = Pending {
                attempts: u32::from(entry.taken),
                taken: entry.taken,
                since: entry.since,
                ..Pending::new(now, entry.rumor, id)
            };
            // What moved may have been heard where it was.
            let moved = pending.rumor.tag("was").is_some();
            let pending = Pending { exposed: moved || engine.may_be_out(entry.stream), ..pending };
            let streams = engine.streams_out().find(|(stream, _)| stream.id == entry.stream);
            if let Some((stream, _)) = streams {
                stream.pending.insert(entry.number, pending);
            }
        }
        for (stream, number, rumor) in snapshot.held {
            let Ok(verified) = Verified::from_seal(rumor.pubkey, None, rumor) else { continue };
            let Ok(packet) = decode(me, &verified) else { continue };
            if let Some(incoming) = engine.streams_in().find(|incoming| incoming.id == stream) {
                let parcel = parcel(packet);
                if parcel.void {
                    incoming.voids.insert(number);
                }
                incoming.held.insert(number, parcel);
            }
        }
        for (stream, number, rumor, bytes) in snapshot.chunks {
            let channels = engine.calls.values_mut().map(|session| &mut session.channel);
            let found =
                channels.flat_map(|c| c.receiving.values_mut()).find(|r| r.incoming.id == stream);
            if let Some(receiving) = found {
                if number > receiving.incoming.upto {
                    receiving.incoming.held.insert(number, Parcel::new(rumor, ()));
                }
                receiving.chunks.insert(number, bytes);
            }
        }
        for (conversation, text, handle, at) in snapshot.recent {
            if let Some(channel) = engine.channel(conversation) {
                channel.recent.push((text, handle, at));
            }
        }
        engine.resume(now);
        engine
    }

    /// Whether what waits in a stream may have gone out in an earlier run. What waits for the
    /// answer to a call did not.
    fn may_be_out(&self, stream: StreamId) -> bool {
        let rings = |call: &Call| {
            matches!(call.state, State::Dialing(_) | State::Ringing(_) | State::Incoming(_))
        };
        let waits = |session: &Session| {
            let mut lanes = session.channel.outgoing();
            rings(&session.call) && lanes.any(|(lane, _)| lane.id == stream)
        };
        !self.calls.values().any(waits)
    }

    /// What a crash may have interrupted: files that are whole but not written.
    fn resume(&mut self, now: Time) {
        let whole: Vec<_> = self.files.values().filter(|file| !file.outgoing).cloned().collect();
        for file in whole {
            self.assemble(now, file.call, file.handle);
        }
    }

    fn restore_channel(
        &mut self,
        conversation: Conversation,
        peer: PublicKey,
    ) -> Option<&mut Channel> {
        match conversation {
            Conversation::Call(call) => self.calls.get_mut(&call).map(|s| &mut s.channel),
            Conversation::Direct(key) => {
                Some(self.direct.entry(key).or_insert_with(|| Channel::new(peer, conversation)))
            }
        }
    }

    fn restore_outgoing(&mut self, record: StreamOut) {
        let stream = Outgoing {
            id: record.id,
            last: record.last,
            last_id: record.last_id,
            acked: record.acked,
            read: record.read,
            pending: BTreeMap::new(),
        };
        let Some(channel) = self.restore_channel(record.conversation, record.peer) else { return };
        match record.lane {
            // Of several, the newest is in use; the store lists them oldest first.
            Lane::Text => channel.words = Some(stream),
            Lane::Plain => channel.plain = Some(stream),
            Lane::File(Some(file)) => {
                channel.sending.insert(record.id, Sending { file, chunks: stream });
            }
            Lane::File(None) | Lane::Opening => {}
        }
    }

    fn restore_incoming(&mut self, record: StreamIn) {
        let transferring = match record.lane {
            Lane::File(Some(file)) => self.files.contains_key(&file),
            _ => true,
        };
        let Some(channel) = self.restore_channel(record.conversation, record.peer) else { return };
        match record.lane {
            Lane::File(file) => {
                let mut receiving = Receiving::new(record.id);
                receiving.file = file;
                receiving.done = !transferring;
                receiving.incoming.upto = record.upto;
                receiving.incoming.upto_id = record.upto_id;
                channel.receiving.insert(record.id, receiving);
            }
            Lane::Text | Lane::Plain | Lane::Opening => {
                let mut incoming = Incoming::new(record.id);
                incoming.upto = record.upto;
                incoming.upto_id = record.upto_id;
                incoming.read = record.read;
                channel.incoming.insert(record.id, incoming);
            }
        }
    }

    fn streams_out(&mut self) -> impl Iterator<Item = (&mut Outgoing, Lane)> {
        let calls = self.calls.values_mut().map(|session| &mut session.channel);
        calls.chain(self.direct.values_mut()).flat_map(Channel::outgoing_mut)
    }

    fn streams_in(&mut self) -> impl Iterator<Item = &mut Incoming<Parked>> {
        let calls = self.calls.values_mut().map(|session| &mut session.channel);
        calls.chain(self.direct.values_mut()).flat_map(|c| c.incoming.values_mut())
    }
}

//! Restoring of an engine from its stored state.

use super::instances::{Instances, QUIET};
use super::{Engine, Snapshot};
use crate::call::calls::Calls;
use crate::call::state::{Call, State};
use crate::context::{Context, Ids, Resumed};
use crate::conversation::conversations::Conversations;
use crate::conversation::restore::Kept;
use crate::human::owners::Owners;
use crate::ids::{Conversation, InstanceId, PublicKey};
use crate::peer::peers::Peers;
use crate::policy::Settings;
use crate::time::Time;
use crate::timers::Timers;
use crate::transfer::transfers::Transfers;

impl Engine {
    /// Returns an engine for `me` that goes on from `snapshot`. `seed` is fresh randomness, from
    /// which it makes the ids of calls and streams; `instance` names this run.
    #[must_use]
    pub fn restore(
        me: PublicKey,
        instance: InstanceId,
        seed: [u8; 32],
        settings: Settings,
        mut snapshot: Snapshot,
        now: Time,
    ) -> Self {
        let owners = Owners::new(
            std::mem::take(&mut snapshot.owners),
            std::mem::take(&mut snapshot.questions),
            std::mem::take(&mut snapshot.notes),
            std::mem::take(&mut snapshot.takeovers),
        );
        let policy = snapshot.policy.unwrap_or(settings.policy);
        let settings = Settings { policy, ..settings };
        let resumed = Resumed {
            counters: snapshot.counters,
            seen: snapshot.seen,
            peers: Peers::new(now, snapshot.peers),
        };
        let ctx = Context::new((me, instance), Ids::new(seed), settings, resumed, now + QUIET);
        let calls = Calls::restore(snapshot.calls, snapshot.tombstones);
        let transfers = Transfers::restore(snapshot.files);
        let kept = Kept {
            streams_out: snapshot.streams_out,
            streams_in: snapshot.streams_in,
            outbox: snapshot.outbox,
            out_of_order: snapshot.out_of_order,
            chunks: snapshot.chunks,
            recent: snapshot.recent,
        };
        let conversations = conversations((me, now), &calls, &transfers, kept);
        let mut engine = Self {
            ctx,
            calls,
            conversations,
            transfers,
            owners,
            invites: snapshot.invites.into_iter().map(|invite| (invite.id, invite)).collect(),
            instances: Instances::new(now),
            timers: Timers::new(),
            swept: now,
            visited: 0,
        };
        engine.transfers.resume(&mut engine.ctx, &mut engine.conversations);
        engine.settle();
        engine
    }
}

/// Returns the conversations as they were kept.
fn conversations(
    (me, now): (PublicKey, Time),
    calls: &Calls,
    transfers: &Transfers,
    kept: Kept,
) -> Conversations {
    let mut conversations = Conversations::default();
    for call in calls.all() {
        conversations.open(call.peer, Conversation::Call(call.id));
        conversations.set_open(call.id, call.carries());
    }
    let rings = |id: Conversation| match id {
        Conversation::Call(call) => calls.get(call).is_some_and(is_unanswered),
        Conversation::Direct(_) => false,
    };
    conversations.restore((me, now), kept, rings, |file| transfers.contains(file));
    conversations
}

fn is_unanswered(call: &Call) -> bool {
    matches!(call.state, State::Dialing(_) | State::Ringing(_) | State::Incoming(_))
}

//! Snapshots: records come back equal, over a restart too, and ended ones are left out.

use std::time::Duration;

use p2p_core::call::{Call, State, WORD_LIFETIME};
use p2p_core::change::{
    CallChange, Change, ConversationChange, EventLogChange, PeerChange, TransferChange,
};
use p2p_core::digest::Digests;
use p2p_core::engine::StoredChunk;
use p2p_core::record::{
    Content, Counters, FileState, Lane, Peer, Speaks, Standing, StreamIn, Tombstone,
};
use p2p_core::wire::Reason;
use p2p_core::{Conversation, Time};

use super::Home;
use super::samples::{
    ANA, BOB, NOW, call, call_id, calls_in_every_state, digest, ended_at, file, in_call, message,
    new, peer, received, rumor, rumor_id, stream, stream_in, stream_out,
};

fn put(call: &Call) -> Change {
    Change::Call(CallChange::Put(Box::new(call.clone())))
}

fn earlier(span: Duration) -> Time {
    Time(NOW.0 - u64::try_from(span.as_millis()).unwrap())
}

#[test]
fn a_call_in_every_state_comes_back_equal() {
    let calls = calls_in_every_state();
    let home = Home::with(calls.iter().map(put).collect()).reopened();
    assert_eq!(home.snapshot().calls, calls);
    let reader = home.reader();
    for call in &calls {
        assert_eq!(&reader.call("me", call.handle).unwrap().unwrap().call, call);
        assert_eq!(&reader.call_by_id("me", call.id).unwrap().unwrap().call, call);
    }
}

#[test]
fn a_call_can_change_between_any_two_states() {
    let calls = calls_in_every_state();
    let mut home = Home::new();
    for from in &calls {
        for to in &calls {
            let call = |state: &State| call(1, state.clone());
            home.commit(vec![put(&call(&from.state)), put(&call(&to.state))]);
            assert_eq!(home.snapshot_at(NOW).calls, [call(&to.state)]);
        }
    }
}

#[test]
fn every_field_of_a_call_can_change() {
    let before = call(1, State::Active);
    let after = Call {
        handle: 2,
        id: before.id,
        peer: ANA,
        outgoing: false,
        topic: "another".into(),
        opening: Some("hello".into()),
        note: None,
        invite: Some(p2p_core::invite::Token([7; 16])),
        opened: Time(1),
        answered: Some(Time(2)),
        lifetime: Duration::from_secs(3),
        state: State::Active,
        digests: Digests { heard_sent: true, said: Some(digest(1)), ..Digests::default() },
    };
    let home = Home::with(vec![put(&before), put(&after)]);
    assert_eq!(home.snapshot().calls, [after]);
}

#[test]
fn records_come_back_equal() {
    let counters =
        Counters { calls: 1, messages: 2, files: 3, questions: 4, invites: 5, events: u64::MAX };
    let peers = [
        peer(ANA, Some("Ana")),
        Peer {
            name: None,
            claimed: None,
            standing: Standing::Blocked,
            speaks: Speaks::Plain,
            ..peer(BOB, None)
        },
    ];
    let tombstone = Tombstone { call: call_id(9), peer: BOB, reason: Reason::Cancelled, at: NOW };
    let transferring = file(3, 1, false, FileState::Transferring);
    let home = Home::with(vec![
        put(&call(1, State::Active)),
        Change::EventLog(EventLogChange::Counters(Counters::default())),
        Change::EventLog(EventLogChange::Counters(counters)),
        Change::Peer(PeerChange::Put(Peer::stranger(BOB, Time(1)))),
        Change::Peer(PeerChange::Put(peers[1].clone())),
        Change::Peer(PeerChange::Put(peers[0].clone())),
        Change::Conversation(ConversationChange::Seen(rumor_id(1), Time(1))),
        Change::Conversation(ConversationChange::Seen(rumor_id(2), Time(2))),
        Change::Conversation(ConversationChange::Seen(rumor_id(1), Time(3))),
        Change::Call(CallChange::Tombstone(tombstone.clone())),
        Change::Transfer(TransferChange::File(Box::new(transferring.clone()))),
        Change::Transfer(TransferChange::File(Box::new(file(
            4,
            1,
            true,
            FileState::Complete(None),
        )))),
        Change::Conversation(ConversationChange::Outbox {
            stream: stream(1),
            number: 7,
            rumor: Box::new(rumor("out")),
            since: NOW,
        }),
        Change::Conversation(ConversationChange::OutOfOrder {
            stream: stream(2),
            number: 8,
            rumor: Box::new(rumor("held")),
        }),
        Change::Transfer(TransferChange::Chunk {
            stream: stream(3),
            number: 1,
            rumor: rumor_id(3),
            bytes: vec![0, 255].into(),
        }),
    ])
    .reopened();
    let snapshot = home.snapshot();
    assert_eq!(snapshot.counters, counters);
    assert_eq!(snapshot.peers, peers);
    assert_eq!(snapshot.seen, [(rumor_id(1), Time(1)), (rumor_id(2), Time(2))]);
    assert_eq!(snapshot.tombstones, [tombstone]);
    assert_eq!(snapshot.files, [transferring]);
    assert_eq!(snapshot.out_of_order, [(stream(2), 8, rumor("held"))]);
    let chunk = StoredChunk { stream: stream(3), number: 1, rumor: rumor_id(3), size: 2 };
    assert_eq!(snapshot.chunks, [chunk]);
    let reader = home.reader();
    assert_eq!(reader.chunk(stream(3), 1).unwrap(), Some(vec![0, 255].into()));
    assert_eq!(reader.chunk(stream(3), 2).unwrap(), None);
    let entry = &snapshot.outbox[0];
    assert_eq!((entry.stream, entry.number, entry.taken, entry.since), (stream(1), 7, false, NOW));
    assert_eq!(entry.rumor, rumor("out"));
}

#[test]
fn a_forgotten_peer_is_gone() {
    let mut home = Home::with(vec![
        Change::Peer(PeerChange::Put(peer(ANA, None))),
        Change::Peer(PeerChange::Put(peer(BOB, None))),
    ]);
    home.commit(vec![Change::Peer(PeerChange::Gone(ANA))]);
    assert_eq!(home.snapshot().peers, [peer(BOB, None)]);
}

#[test]
fn streams_come_back_equal_and_in_the_order_of_opening() {
    let direct = Conversation::Direct(ANA);
    let lanes = [Lane::Text, Lane::Plain, Lane::File(None), Lane::File(Some(3)), Lane::Opening];
    let out: Vec<_> =
        (1..).zip(lanes).map(|(n, lane)| stream_out(10 - n, in_call(1), lane)).collect();
    let first = StreamIn { upto: 0, upto_id: None, ..stream_in(9, direct, Lane::Text) };
    let second = stream_in(5, in_call(1), Lane::File(None));
    let mut home = Home::with(vec![put(&call(1, State::Active))]);
    home.commit(out.iter().cloned().map(|it| ConversationChange::StreamOut(it).into()).collect());
    home.commit(vec![
        Change::Conversation(ConversationChange::StreamIn(stream_in(9, direct, Lane::Plain))),
        Change::Conversation(ConversationChange::StreamIn(second.clone())),
        Change::Conversation(ConversationChange::StreamIn(first.clone())),
        // The oldest stays the oldest when it changes.
        Change::Conversation(ConversationChange::StreamOut(out[0].clone())),
    ]);
    let snapshot = home.reopened().snapshot();
    assert_eq!(snapshot.streams_out, out);
    assert_eq!(snapshot.streams_in, [first, second]);
}

#[test]
fn calls_that_ended_long_ago_are_left_out() {
    let old = earlier(WORD_LIFETIME + Duration::from_millis(1));
    let mut changes = vec![
        put(&call(1, State::Active)),
        put(&call(2, ended_at(earlier(WORD_LIFETIME)))),
        put(&call(3, ended_at(old))),
        // Over, but something waits in it: a rumor, a file.
        put(&call(4, ended_at(old))),
        put(&call(5, ended_at(old))),
        Change::Conversation(ConversationChange::Outbox {
            stream: stream(4),
            number: 1,
            rumor: Box::new(rumor("x")),
            since: old,
        }),
        Change::Transfer(TransferChange::File(Box::new(file(
            50,
            5,
            false,
            FileState::Transferring,
        )))),
    ];
    for n in 1..=5 {
        changes.push(Change::Conversation(ConversationChange::StreamOut(stream_out(
            n,
            in_call(n),
            Lane::Text,
        ))));
        changes.push(Change::Conversation(ConversationChange::StreamIn(stream_in(
            n,
            in_call(n),
            Lane::Text,
        ))));
        let rumor = Box::new(rumor("held"));
        changes.push(Change::Conversation(ConversationChange::OutOfOrder {
            stream: stream(n),
            number: 9,
            rumor,
        }));
        changes.push(Change::Transfer(TransferChange::Chunk {
            stream: stream(n),
            number: 1,
            rumor: rumor_id(n),
            bytes: vec![n].into(),
        }));
    }
    let snapshot = Home::with(changes).snapshot();
    let kept = [1, 2, 4, 5];
    assert_eq!(snapshot.calls.iter().map(|c| c.handle).collect::<Vec<_>>(), kept);
    assert_eq!(snapshot.streams_out.iter().map(|s| s.id.0[0]).collect::<Vec<_>>(), [1, 2, 4, 5]);
    assert_eq!(snapshot.streams_in.iter().map(|s| s.id.0[0]).collect::<Vec<_>>(), [1, 2, 4, 5]);
    assert_eq!(snapshot.out_of_order.iter().map(|h| h.0.0[0]).collect::<Vec<_>>(), [1, 2, 4, 5]);
    assert_eq!(snapshot.chunks.iter().map(|c| c.stream.0[0]).collect::<Vec<_>>(), [1, 2, 4, 5]);
}

#[test]
fn our_texts_of_the_last_two_minutes_are_recent() {
    let at = |handle: u32, at: Time| {
        let mut message = message(handle, in_call(1), &format!("said {handle}"));
        message.at = at;
        message
    };
    let mut shown = at(4, NOW);
    shown.content = Content::File { file: 1, name: "said".into() };
    let home = Home::with(vec![
        new(at(1, earlier(Duration::from_millis(120_001)))),
        new(at(2, earlier(Duration::from_secs(120)))),
        new(at(3, NOW)),
        new(shown),
        new(received(5, in_call(1), "theirs")),
    ]);
    let two = (in_call(1), "said 2".into(), 2, earlier(Duration::from_secs(120)));
    let three = (in_call(1), "said 3".into(), 3, NOW);
    assert_eq!(home.snapshot().recent, [two, three]);
}

#[test]
fn an_empty_store_has_an_empty_snapshot() {
    let snapshot = Home::new().snapshot();
    assert_eq!(snapshot.counters, Counters::default());
    assert!(snapshot.calls.is_empty() && snapshot.seen.is_empty() && snapshot.recent.is_empty());
}

//! Queries of the socket's handlers.

use p2p_core::Conversation;
use p2p_core::call::State;
use p2p_core::change::{
    CallChange, Change, ConversationChange, EventLogChange, PeerChange, TransferChange,
};
use p2p_core::record::{Content, EventKind, FileState, Lane, Message, Speaker, StreamOut};

use super::samples::{
    ANA, BOB, NOW, call, call_id, ended_at, event, file, in_call, message, new, peer, received,
    rumor_id, stream, stream_out,
};
use super::{Home, Reader};
use crate::MessageRow;

fn calls(n: u8) -> Vec<Change> {
    (1..=n).map(|n| Change::Call(CallChange::Put(Box::new(call(n, State::Active))))).collect()
}

fn handles(rows: Vec<MessageRow>) -> Vec<u32> {
    rows.iter().map(|row| row.message.handle).collect()
}

#[test]
fn a_reader_may_move_to_another_thread() {
    fn is_send<T: Send>(_: &T) {}
    let home = Home::with(calls(1));
    let reader = home.reader();
    is_send(&reader);
    let count = std::thread::spawn(move || reader.calls("me", 9).map(|(rows, _)| rows.len()));
    assert_eq!(count.join().unwrap().unwrap(), 1);
}

#[test]
fn a_reader_sees_later_commits_and_writes_nothing() {
    let mut home = Home::new();
    let reader = home.reader();
    assert!(reader.call("me", 1).unwrap().is_none());
    home.commit(calls(1));
    assert!(reader.call("me", 1).unwrap().is_some());
    let connection = crate::open::reader(&home.path()).unwrap();
    assert!(connection.execute("DELETE FROM calls", []).is_err());
}

#[test]
fn calls_are_listed_newest_first_with_the_number_of_older_ones() {
    let mut home = Home::with(calls(5));
    home.commit(vec![Change::Call(CallChange::Put(Box::new(call(4, ended_at(NOW)))))]);
    let reader = home.reader();
    let listed = |limit| {
        let (rows, more) = reader.calls("me", limit).unwrap();
        (rows.iter().map(|row| row.call.handle).collect::<Vec<_>>(), more)
    };
    assert_eq!(listed(2), (vec![5, 4], 3));
    assert_eq!(listed(5), (vec![5, 4, 3, 2, 1], 0));
    let open = reader.open_calls("me").unwrap();
    assert_eq!(open.iter().map(|row| row.call.handle).collect::<Vec<_>>(), [5, 3, 2, 1]);
    assert!(reader.call("me", 6).unwrap().is_none());
    assert!(reader.call_by_id("me", call_id(6)).unwrap().is_none());
}

#[test]
fn the_opening_counts_as_a_calls_last_message() {
    let mut opened = call(1, State::Active);
    opened.opening = Some("hello".into());
    opened.outgoing = false;
    let mut home = Home::with(calls(2));
    home.commit(vec![Change::Call(CallChange::Put(Box::new(opened.clone())))]);
    let reader = home.reader();
    let last = |n| reader.call("me", n).unwrap().unwrap().last;
    assert_eq!(last(1), Some((opened.opened, false)));
    assert_eq!(last(2), None);
    home.commit(vec![new(received(1, in_call(2), "a")), new(message(2, in_call(1), "b"))]);
    assert_eq!(last(1), Some((message(2, in_call(1), "").at, true)));
    assert_eq!(last(2), Some((message(1, in_call(1), "").at, false)));
}

#[test]
fn messages_of_every_content_come_back_equal() {
    let contents = [
        Content::Text("marker-text".into()),
        Content::Text("".into()),
        Content::Escalation { question: "q".into(), options: vec!["a".into(), "b".into()] },
        Content::Escalation { question: "q".into(), options: Vec::new() },
        Content::File { file: 3, name: "n".into() },
        Content::Unsupported("poll".into()),
    ];
    let written: Vec<Message> = (1..)
        .zip(contents)
        .map(|(n, content)| {
            let mut message = message(n, in_call(1), "");
            message.content = content;
            message.by = Speaker::ours(n == 2);
            message.slot = (n > 2).then_some((stream(1), u64::from(n)));
            message.claimed_at = u64::MAX;
            message
        })
        .collect();
    let home = Home::with(written.iter().cloned().map(new).collect()).reopened();
    let rows = home.reader().messages(in_call(1), None, 99).unwrap();
    assert_eq!(rows.into_iter().map(|row| row.message).collect::<Vec<_>>(), written);
}

#[test]
fn messages_are_listed_by_conversation() {
    let direct = Conversation::Direct(BOB);
    let mut home = Home::new();
    for n in 1..=6 {
        home.commit(vec![new(message(n, in_call(1), "x")), new(received(n + 10, direct, "y"))]);
    }
    let reader = home.reader();
    let after = |after, limit| handles(reader.messages(in_call(1), after, limit).unwrap());
    assert_eq!(after(None, 2), [1, 2]);
    assert_eq!(after(Some(4), 9), [5, 6]);
    assert_eq!(after(Some(0), 1), [1]);
    assert_eq!(handles(reader.last_messages(direct, 2).unwrap()), [15, 16]);
    assert_eq!(reader.message_count(direct).unwrap(), 6);
    assert_eq!(reader.message_count(in_call(2)).unwrap(), 0);
    assert_eq!(reader.last_sent(in_call(1)).unwrap().unwrap().message.handle, 6);
    assert!(reader.last_sent(direct).unwrap().is_none());
    assert!(reader.message(99).unwrap().is_none());
}

#[test]
fn a_reply_is_a_later_message_from_the_peer() {
    let home = Home::with(vec![
        new(received(1, in_call(1), "before")),
        new(message(2, in_call(1), "asked")),
        new(message(3, in_call(1), "again")),
        new(received(4, in_call(2), "elsewhere")),
        new(received(5, in_call(1), "reply")),
        new(message(6, in_call(1), "ours")),
    ]);
    let reader = home.reader();
    assert!(reader.has_reply_after(in_call(1), 2).unwrap());
    assert!(!reader.has_reply_after(in_call(1), 5).unwrap());
    assert!(!reader.has_reply_after(in_call(2), 4).unwrap());
}

#[test]
fn a_message_is_read_up_to_what_the_peer_disclosed() {
    let slotted = |handle, n: u8, number, mut message: Message| {
        message.handle = handle;
        message.slot = Some((stream(n), number));
        new(message)
    };
    let ours = message(1, in_call(1), "x");
    let theirs = received(1, in_call(1), "x");
    let home = Home::with(vec![
        // Read up to 2.
        Change::Conversation(ConversationChange::StreamOut(stream_out(1, in_call(1), Lane::Text))),
        slotted(1, 1, 2, ours.clone()),
        slotted(2, 1, 3, ours.clone()),
        slotted(3, 2, 1, ours.clone()),
        slotted(4, 1, 1, theirs),
        new(message(5, in_call(1), "no slot")),
    ]);
    let reader = home.reader();
    let read: Vec<bool> = (1..=5).map(|n| reader.message(n).unwrap().unwrap().read).collect();
    assert_eq!(read, [true, false, false, false, false]);
}

#[test]
fn a_file_shows_its_progress() {
    let put = |file| Change::Transfer(TransferChange::File(Box::new(file)));
    let chunk = |n: u8, number, size| {
        Change::Transfer(TransferChange::Chunk {
            stream: stream(n),
            number,
            rumor: rumor_id(n),
            bytes: vec![1; size].into(),
        })
    };
    let acked = |n, acked| {
        let lane = Lane::File(Some(u32::from(n)));
        Change::Conversation(ConversationChange::StreamOut(StreamOut {
            acked,
            ..stream_out(n, in_call(1), lane)
        }))
    };
    let mut home = Home::with(vec![
        put(file(1, 1, true, FileState::Transferring)),
        acked(1, 2),
        put(file(2, 1, true, FileState::Transferring)),
        // The last piece is shorter than the others.
        acked(2, 3),
        put(file(3, 2, false, FileState::Transferring)),
        chunk(3, 1, 20_480),
        chunk(3, 3, 9_040),
        chunk(3, 3, 9_040),
        put(file(4, 1, false, FileState::Transferring)),
        put(file(5, 1, true, FileState::Transferring)),
    ]);
    home.commit(vec![
        Change::Transfer(TransferChange::State(
            4,
            FileState::Complete(Some("/marker/path".into())),
        )),
        Change::Transfer(TransferChange::State(5, FileState::Failed("marker-cause".into()))),
    ]);
    let reader = home.reader();
    let done: Vec<u64> = (1..=5).map(|n| reader.file(n).unwrap().unwrap().done_bytes).collect();
    assert_eq!(done, [40_960, 50_000, 29_520, 50_000, 0]);
    let state = |n| reader.file(n).unwrap().unwrap().file;
    assert_eq!(state(4), file(4, 1, false, FileState::Complete(Some("/marker/path".into()))));
    assert_eq!(state(5), file(5, 1, true, FileState::Failed("marker-cause".into())));
    let listed = |call| {
        let files = reader.files(call).unwrap();
        files.iter().map(|row| row.file.handle).collect::<Vec<_>>()
    };
    assert_eq!(listed(Some(call_id(1))), [5, 4, 2, 1]);
    assert_eq!(listed(None), [5, 4, 3, 2, 1]);
    assert!(reader.file(6).unwrap().is_none());
}

#[test]
fn a_peer_is_found_by_key_name_and_prefix() {
    let home = Home::with(vec![
        Change::Peer(PeerChange::Put(peer(ANA, Some("Ana-1")))),
        Change::Peer(PeerChange::Put(peer(BOB, None))),
    ]);
    let reader = home.reader();
    assert_eq!(reader.peer(BOB).unwrap(), Some(peer(BOB, None)));
    assert_eq!(reader.peer(p2p_core::PublicKey([1; 32])).unwrap(), None);
    assert_eq!(reader.peer_by_name("aNA-1").unwrap(), Some(peer(ANA, Some("Ana-1"))));
    assert_eq!(reader.peer_by_name("marker-claimed").unwrap(), None);
    let found = |reader: &Reader, prefix: &str| {
        let peers = reader.peers_with_prefix(prefix).unwrap();
        peers.iter().map(|peer| peer.key).collect::<Vec<_>>()
    };
    assert_eq!(found(&reader, "b0B"), [BOB]);
    assert_eq!(found(&reader, &ANA.npub()[..12]), [ANA]);
    assert_eq!(found(&reader, "npub1"), [ANA, BOB]);
    assert_eq!(found(&reader, ""), []);
    assert_eq!(found(&reader, "%"), []);
}

#[test]
fn facts_of_the_daemon_are_kept() {
    let mut home = Home::new();
    assert_eq!(home.store.meta("caught up").unwrap(), None);
    home.store.set_meta("caught up", "1").unwrap();
    home.store.set_meta("caught up", "2").unwrap();
    assert_eq!(home.reopened().store.meta("caught up").unwrap().as_deref(), Some("2"));
}

#[test]
fn a_diagnosis_names_the_receivers_last_message_and_the_reason_for_giving_up() {
    let mut given_up = event(1, in_call(1), EventKind::Undelivered);
    (given_up.subject, given_up.text) = (Some(1), Some("no answer for three days".into()));
    let elsewhere = Conversation::Direct(BOB);
    let home = Home::with(vec![
        Change::Call(CallChange::Put(Box::new(call(1, State::Active)))),
        new(message(1, in_call(1), "ours")),
        new(message(2, in_call(1), "ours too")),
        new(received(3, elsewhere, "from bob")),
        Change::EventLog(EventLogChange::Event(given_up)),
    ]);
    let reader = home.reader();
    let first = reader.diagnosis(1).unwrap().unwrap();
    assert_eq!(first.problem.as_deref(), Some("no answer for three days"));
    let heard = reader.message(3).unwrap().unwrap().message.at;
    assert_eq!(first.peer_heard, Some(heard));
    assert_eq!(reader.diagnosis(2).unwrap().unwrap().problem, None);
    assert_eq!(reader.diagnosis(3).unwrap(), None, "not a message of ours");
}

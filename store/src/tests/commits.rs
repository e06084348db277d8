//! Changes: all or none, receipts that never go backwards, and what deletes what.

use p2p_core::change::{Change, ConversationChange, EventLogChange, PeerChange, TransferChange};
use p2p_core::engine::StoredChunk;
use p2p_core::record::{Delivery, FileState, Lane};
use p2p_core::{Conversation, RumorId, StreamId};

use super::samples::{
    BOB, NOW, call_id, event, file, in_call, message, new, peer, received, rumor, rumor_id, stream,
    stream_in,
};
use super::{Home, StoreError};
use crate::Receipt;
use p2p_core::record::EventKind;

fn delivery(home: &Home, handle: u32) -> (Delivery, (u32, u32)) {
    let row = home.reader().message(handle).unwrap().unwrap();
    (row.message.delivery, row.relays)
}

fn relays(rumor: RumorId, accepted: u32) -> Change {
    Change::Conversation(ConversationChange::Relays { rumor, accepted, relays: 3 })
}

#[test]
fn a_change_that_fails_rolls_back_the_whole_commit() {
    let mut home = Home::with(vec![new(message(1, in_call(1), "first"))]);
    let twice = home.store.commit(&[
        Change::Peer(PeerChange::Put(peer(BOB, Some("bob")))),
        new(message(2, in_call(1), "second")),
        new(message(1, in_call(1), "overwritten?")),
        Change::Conversation(ConversationChange::Seen(rumor_id(1), NOW)),
    ]);
    assert!(matches!(twice, Err(StoreError::Sql(_))), "{twice:?}");
    let reader = home.reader();
    assert_eq!(reader.peers().unwrap(), []);
    assert_eq!(reader.message_count(in_call(1)).unwrap(), 1);
    assert_eq!(reader.message(1).unwrap().unwrap().message, message(1, in_call(1), "first"));
    assert!(home.snapshot().seen.is_empty());
    // And the store goes on.
    home.commit(vec![new(message(2, in_call(1), "second"))]);
    assert_eq!(reader.message_count(in_call(1)).unwrap(), 2);
}

#[test]
fn a_statement_that_fails_rolls_back_the_whole_commit() {
    let home = Home::new();
    let dir = home.tamper(
        "CREATE TRIGGER full BEFORE INSERT ON events BEGIN SELECT raise(ABORT, 'full'); END",
    );
    let mut store = super::open(&dir).unwrap();
    let refused = store.commit(&[
        Change::Peer(PeerChange::Put(peer(BOB, None))),
        Change::EventLog(EventLogChange::Event(event(1, in_call(1), EventKind::Ring))),
    ]);
    assert!(matches!(refused, Err(StoreError::Sql(_))), "{refused:?}");
    assert_eq!(store.reader().unwrap().peers().unwrap(), []);
}

#[test]
fn a_full_disk_rolls_back_the_commit_and_later_commits_succeed() {
    let mut home = Home::with(vec![new(message(1, in_call(1), "first"))]);
    let pages: i64 = home.store.sql.pragma_query_value(None, "page_count", |r| r.get(0)).unwrap();
    let limit = |home: &Home, pages: i64| {
        let set = format!("PRAGMA max_page_count = {pages}");
        home.store.sql.query_row(&set, [], |_| Ok(())).unwrap();
    };
    limit(&home, pages);
    let long = new(message(2, in_call(1), &"x".repeat(20_000)));
    let refused = home
        .store
        .commit(&[Change::Conversation(ConversationChange::Seen(rumor_id(1), NOW)), long.clone()]);
    let Err(StoreError::Sql(error)) = refused else { panic!("{refused:?}") };
    assert_eq!(error.sqlite_error_code(), Some(rusqlite::ErrorCode::DiskFull));
    assert!(home.snapshot().seen.is_empty());
    limit(&home, i64::from(u32::MAX));
    home.commit(vec![Change::Conversation(ConversationChange::Seen(rumor_id(1), NOW)), long]);
    assert_eq!(home.reopened().reader().message_count(in_call(1)).unwrap(), 2);
}

#[test]
fn the_state_of_an_unknown_file_is_refused() {
    let mut home = Home::new();
    let unknown = home.store.commit(&[
        Change::Conversation(ConversationChange::Seen(rumor_id(1), NOW)),
        Change::Transfer(TransferChange::State(3, FileState::Transferring)),
    ]);
    let Err(StoreError::Corrupt { table, row, .. }) = unknown else { panic!("{unknown:?}") };
    assert_eq!((table, row.as_str()), ("files", "3"));
    assert!(home.snapshot().seen.is_empty());
}

#[test]
fn delivery_never_goes_backwards() {
    use Delivery::{Delivered, Queued, Sent, Undelivered};
    let id = rumor_id(1);
    let given_up = || Change::Conversation(ConversationChange::Undelivered(id));
    let arrived = || Change::Conversation(ConversationChange::Delivered(id));
    for (story, end) in [
        (vec![], Queued),
        (vec![relays(id, 0)], Queued),
        (vec![relays(id, 1)], Sent),
        (vec![relays(id, 2), relays(id, 0)], Sent),
        (vec![arrived()], Delivered),
        (vec![relays(id, 1), arrived(), relays(id, 2)], Delivered),
        (vec![given_up()], Undelivered),
        (vec![relays(id, 1), given_up()], Undelivered),
        (vec![given_up(), relays(id, 1)], Undelivered),
        (vec![arrived(), given_up()], Delivered),
        // A dead letter may still arrive.
        (vec![given_up(), arrived()], Delivered),
    ] {
        let mut home = Home::with(vec![new(message(1, in_call(1), "x"))]);
        let told = format!("{story:?}");
        home.commit(story);
        assert_eq!(delivery(&home, 1).0, end, "{told}");
    }
}

#[test]
fn relay_counts_change_only_our_own_messages() {
    let mut home = Home::with(vec![
        new(message(1, in_call(1), "ours")),
        new(message(2, in_call(1), "ours too")),
        new(received(3, in_call(1), "theirs")),
    ]);
    home.commit(vec![
        relays(rumor_id(1), 2),
        Change::Conversation(ConversationChange::Undelivered(rumor_id(3))),
        relays(rumor_id(3), 2),
        // Rumors that are no messages are no error.
        relays(rumor_id(77), 1),
        Change::Conversation(ConversationChange::Delivered(rumor_id(77))),
        moved(77, 78, in_call(1), (stream(1), 1)),
    ]);
    assert_eq!(delivery(&home, 1), (Delivery::Sent, (2, 3)));
    assert_eq!(delivery(&home, 2), (Delivery::Queued, (0, 0)));
    assert_eq!(delivery(&home, 3), (Delivery::Delivered, (0, 0)));
}

#[test]
fn each_relays_last_answer_is_kept_with_the_message() {
    let said = |relay: &str, cause: Option<&str>| Receipt {
        relay: relay.into(),
        cause: cause.map(str::to_owned),
    };
    let mut home = Home::with(vec![
        new(message(1, in_call(1), "ours")),
        new(received(3, in_call(1), "theirs")),
    ]);
    let first = [said("wss://a", None), said("wss://b", Some("rate-limited"))];
    home.store.receipts(&[(rumor_id(1), first.to_vec())]).unwrap();
    assert_eq!(home.reader().diagnosis(1).unwrap().unwrap().receipts, first);
    let long = "é".repeat(150);
    // What took it and then refuses it refuses a repetition.
    let more = vec![said("wss://b", Some(&long)), said("wss://a", Some("duplicate"))];
    home.store.receipts(&[(rumor_id(1), more)]).unwrap();
    let last = [said("wss://a", None), said("wss://b", Some(&long[..200]))];
    assert_eq!(home.reader().diagnosis(1).unwrap().unwrap().receipts, last);
    let nobodys = [rumor_id(3), rumor_id(77)].map(|rumor| (rumor, first.to_vec()));
    home.store.receipts(&nobodys).unwrap();
    assert_eq!(home.reader().diagnosis(3).unwrap(), None);
    // Elsewhere it starts anew.
    home.commit(vec![moved(1, 50, in_call(2), (stream(9), 1))]);
    assert_eq!(home.reader().diagnosis(1).unwrap().unwrap().receipts, []);
}

#[test]
fn the_count_of_relays_that_accepted_a_message_never_goes_down() {
    let mut home = Home::with(vec![new(message(1, in_call(1), "x"))]);
    home.commit(vec![relays(rumor_id(1), 2)]);
    home.commit(vec![relays(rumor_id(1), 0)]);
    assert_eq!(delivery(&home, 1), (Delivery::Sent, (2, 3)));
}

#[test]
fn relays_that_accepted_a_message_in_different_attempts_are_counted_together() {
    let mut home = Home::with(vec![new(message(1, in_call(1), "x"))]);
    let answer = |relay: &str, cause: Option<&str>| Receipt {
        relay: relay.into(),
        cause: cause.map(Into::into),
    };
    for answers in [
        vec![answer("a", None), answer("b", Some("full"))],
        vec![answer("a", Some("duplicate")), answer("b", None)],
    ] {
        let accepted = ConversationChange::Relays { rumor: rumor_id(1), accepted: 1, relays: 2 };
        home.commit(vec![Change::Conversation(accepted)]);
        home.store.receipts(&[(rumor_id(1), answers)]).unwrap();
    }
    assert_eq!(delivery(&home, 1), (Delivery::Sent, (2, 2)));
}

#[test]
fn the_cause_of_a_message_without_relays_is_kept_until_a_relay_accepts_it() {
    let mut home = Home::with(vec![new(message(1, in_call(1), "x"))]);
    let lost = Receipt::no_relay("no relay of the receiver is known");
    home.store.receipts(&[(rumor_id(1), vec![lost.clone()])]).unwrap();
    assert_eq!(home.reader().diagnosis(1).unwrap().unwrap().receipts, [lost]);
    let accepted = Receipt { relay: "wss://a".into(), cause: None };
    home.store.receipts(&[(rumor_id(1), vec![accepted.clone()])]).unwrap();
    assert_eq!(home.reader().diagnosis(1).unwrap().unwrap().receipts, [accepted]);
}

#[test]
fn a_message_moves_to_another_stream() {
    let mut home = Home::with(vec![new(message(1, in_call(1), "x")), relays(rumor_id(1), 1)]);
    let slot = (stream(9), u64::MAX);
    home.commit(vec![
        moved(1, 50, in_call(1), slot),
        Change::Conversation(ConversationChange::Delivered(rumor_id(50))),
    ]);
    let row = home.reader().message(1).unwrap().unwrap();
    assert_eq!((row.message.rumor, row.message.slot), (rumor_id(50), Some(slot)));
    assert_eq!((row.message.delivery, row.relays), (Delivery::Delivered, (1, 3)));
}

#[test]
fn a_message_that_moves_to_another_call_is_queued_anew() {
    let mut home = Home::with(vec![
        new(message(1, in_call(1), "x")),
        relays(rumor_id(1), 1),
        Change::Transfer(TransferChange::File(Box::new(file(1, 1, true, FileState::Transferring)))),
    ]);
    let slot = (stream(9), 1);
    home.commit(vec![
        moved(1, 50, in_call(2), slot),
        Change::Transfer(TransferChange::Moved(1, call_id(2))),
    ]);
    let row = home.reader().message(1).unwrap().unwrap();
    assert_eq!((row.message.conversation, row.message.rumor), (in_call(2), rumor_id(50)));
    assert_eq!((row.message.delivery, row.relays), (Delivery::Queued, (0, 0)));
    assert_eq!(home.reader().file(1).unwrap().unwrap().file.call, call_id(2));
    assert!(home.store.commit(&[Change::Transfer(TransferChange::Moved(2, call_id(2)))]).is_err());
}

fn moved(from: u8, to: u8, conversation: Conversation, slot: (StreamId, u64)) -> Change {
    Change::Conversation(ConversationChange::Moved {
        from: rumor_id(from),
        to: rumor_id(to),
        conversation,
        slot,
        claimed_at: NOW.secs(),
    })
}

fn outbox(n: u8, number: u64) -> Change {
    let rumor = Box::new(rumor("x"));
    Change::Conversation(ConversationChange::Outbox {
        stream: stream(n),
        number,
        rumor,
        since: NOW,
    })
}

fn waiting(home: &Home) -> Vec<(u8, u64, bool)> {
    let outbox = home.snapshot().outbox;
    outbox.iter().map(|entry| (entry.stream.0[0], entry.number, entry.taken)).collect()
}

#[test]
fn the_outbox_forgets_what_is_acknowledged() {
    let mut home = Home::with(vec![outbox(1, 1), outbox(1, 2), outbox(1, 3), outbox(1, 4)]);
    home.commit(vec![
        outbox(2, 1),
        Change::Conversation(ConversationChange::Taken(stream(1), 4)),
        Change::Conversation(ConversationChange::Taken(stream(1), 77)),
    ]);
    home.commit(vec![Change::Conversation(ConversationChange::OutboxDone(stream(1), 2))]);
    assert_eq!(waiting(&home), [(1, 3, false), (1, 4, true), (2, 1, false)]);
    home.commit(vec![Change::Conversation(ConversationChange::OutboxGone(stream(1), 4))]);
    assert_eq!(waiting(&home), [(1, 3, false), (2, 1, false)]);
    home.commit(vec![Change::Conversation(ConversationChange::OutboxDone(stream(1), u64::MAX))]);
    assert_eq!(waiting(&home), [(2, 1, false)]);
}

#[test]
fn closing_a_gap_removes_out_of_order_rumors() {
    let held = |n: u8, number| {
        Change::Conversation(ConversationChange::OutOfOrder {
            stream: stream(n),
            number,
            rumor: Box::new(rumor("x")),
        })
    };
    let mut home = Home::with(vec![held(1, 3), held(1, 5), held(1, u64::MAX), held(2, 3)]);
    // `stream_in` is stored up to 4.
    home.commit(vec![Change::Conversation(ConversationChange::StreamIn(stream_in(
        1,
        in_call(1),
        Lane::Text,
    )))]);
    // The call is not known, so look from the direct side.
    home.commit(vec![Change::Conversation(ConversationChange::StreamIn(stream_in(
        1,
        p2p_core::Conversation::Direct(BOB),
        Lane::Text,
    )))]);
    let left: Vec<_> = home
        .snapshot()
        .out_of_order
        .iter()
        .map(|(stream, number, _)| (stream.0[0], *number))
        .collect();
    assert_eq!(left, [(1, u64::MAX), (1, 5), (2, 3)]);
}

#[test]
fn pieces_are_removed_when_the_file_is_complete() {
    let chunk = |n: u8, number| {
        Change::Transfer(TransferChange::Chunk {
            stream: stream(n),
            number,
            rumor: rumor_id(n),
            bytes: vec![n; 10].into(),
        })
    };
    let mut home = Home::with(vec![chunk(1, 1), chunk(1, 2), chunk(2, 1)]);
    home.commit(vec![Change::Transfer(TransferChange::ChunksGone(stream(1)))]);
    let left = StoredChunk { stream: stream(2), number: 1, rumor: rumor_id(2), size: 10 };
    assert_eq!(home.snapshot().chunks, [left]);
    assert_eq!(home.reader().chunk(stream(1), 1).unwrap(), None);
}

#[test]
fn a_cursor_moves_forward_only() {
    let cursor = |seq| {
        Change::EventLog(EventLogChange::Cursor {
            reader: "me".into(),
            conversation: "d:x".into(),
            seq,
        })
    };
    let mut home = Home::with(vec![cursor(5), cursor(3), cursor(u64::MAX), cursor(4)]);
    let last = i64::MAX.cast_unsigned();
    home.commit(vec![Change::Transfer(TransferChange::File(Box::new(file(
        1,
        1,
        true,
        FileState::Transferring,
    ))))]);
    let dir = home.tamper("");
    let db = rusqlite::Connection::open(dir.path().join("store.db")).unwrap();
    let seq: i64 = db.query_row("SELECT seq FROM cursors", [], |row| row.get(0)).unwrap();
    assert_eq!(seq.cast_unsigned(), last);
}

//! Deletion, and the rows that are never deleted.

use std::time::Duration;

use p2p_core::call::{Call, Ended, Resend, State, WORD_LIFETIME};
use p2p_core::change::{
    CallChange, Change, ConversationChange, EventLogChange, HumanChange, PeerChange, TransferChange,
};
use p2p_core::engine::{SEEN_KEPT, SEEN_LEAST};
use p2p_core::record::{EventKind, FileState, Invite, Lane, Note, Takeover, Tombstone, Via};
use p2p_core::wire::Reason;
use p2p_core::{CallId, Conversation, RumorId, Time};

use super::Home;
use super::samples::{
    ANA, BOB, NOW, call, call_id, ended_at, event, file, in_call, invite, message, new, note,
    question, received, rumor, rumor_id, stream, stream_in, stream_out,
};
use crate::conversation_key;

fn ago(span: Duration) -> Time {
    Time(NOW.0 - u64::try_from(span.as_millis()).unwrap())
}

fn days(n: u64) -> Duration {
    Duration::from_secs(n * 24 * 3600)
}

fn put(call: Call) -> Change {
    Change::Call(CallChange::Put(Box::new(call)))
}

fn cursor(reader: &str, conversation: Conversation, seq: u64) -> Change {
    Change::EventLog(EventLogChange::Cursor {
        reader: reader.into(),
        conversation: conversation_key(&conversation),
        seq,
    })
}

/// A call that is over, with something of everything in it, all of it shown.
fn whole(n: u8) -> Vec<Change> {
    let mut told = event(u64::from(n), in_call(n), EventKind::Message);
    (told.subject, told.at) = (Some(u32::from(n)), ago(days(100)));
    let received_file = FileState::Complete(Some(format!("/downloads/f{n}-x").into()));
    vec![
        put(call(n, ended_at(ago(days(100))))),
        new(received(u32::from(n), in_call(n), "x")),
        Change::Transfer(TransferChange::File(Box::new(file(
            u32::from(n),
            n,
            false,
            received_file,
        )))),
        Change::Human(HumanChange::Question(Box::new(question(u32::from(n), n)))),
        Change::Human(HumanChange::Note(note(u32::from(n), n, None))),
        Change::Human(HumanChange::Note(Note {
            call: None,
            ..note(u32::from(n) + 50, n, Some(u32::from(n)))
        })),
        Change::Human(HumanChange::Takeover(Takeover {
            call: call_id(n),
            by: Via::Terminal,
            last: NOW,
        })),
        Change::Conversation(ConversationChange::StreamIn(stream_in(n, in_call(n), Lane::Text))),
        Change::Conversation(ConversationChange::StreamOut(stream_out(
            n + 100,
            in_call(n),
            Lane::Text,
        ))),
        Change::EventLog(EventLogChange::Event(told)),
        cursor("agent", in_call(n), u64::from(n)),
    ]
}

fn due(home: &Home) -> Vec<u32> {
    let due = home.store.calls_due(ago(days(30)), 0).unwrap();
    due.iter().map(|due| due.handle).collect()
}

/// Rows of every table that has one of this call.
fn rows(home: &Home, call: CallId) -> i64 {
    let count = |sql: &str, what: &str| -> i64 {
        home.store.sql.query_row(sql, [what], |row| row.get(0)).unwrap()
    };
    let place = conversation_key(&Conversation::Call(call));
    let in_place = ["messages", "events", "cursors", "streams_in", "streams_out"];
    let of_call = ["files", "questions", "notes", "takeovers"];
    let placed = in_place.iter().map(|table| {
        count(&format!("SELECT count(*) FROM {table} WHERE conversation = ?1"), &place)
    });
    let called = of_call.iter().map(|table| {
        count(&format!("SELECT count(*) FROM {table} WHERE call = ?1"), &call.to_string())
    });
    let asked = count(
        "SELECT count(*) FROM notes WHERE call IS NULL AND message - 50 = CAST(?1 AS INTEGER)",
        &call.0.as_bytes()[0].to_string(),
    );
    placed.chain(called).sum::<i64>() + asked
}

#[test]
fn a_call_is_deleted_with_everything_in_it_and_nothing_else() {
    let mut home = Home::with([whole(1), whole(2)].concat());
    assert_eq!(due(&home), [1, 2]);
    assert_eq!((rows(&home, call_id(1)), rows(&home, call_id(2))), (10, 10));
    home.commit(vec![Change::Call(CallChange::Gone(call_id(1)))]);
    assert_eq!((rows(&home, call_id(1)), rows(&home, call_id(2))), (0, 10));
    assert_eq!(due(&home), [2]);
    assert!(home.reader().call_by_id("agent", call_id(1)).unwrap().is_none());
    // Again, and one that never was.
    home.commit(vec![
        Change::Call(CallChange::Gone(call_id(1))),
        Change::Call(CallChange::Gone(call_id(77))),
    ]);
    // The log's numbers go on.
    let counters = p2p_core::record::Counters { events: 2, ..Default::default() };
    home.commit(vec![
        Change::EventLog(EventLogChange::Counters(counters)),
        Change::Call(CallChange::Gone(call_id(2))),
    ]);
    assert_eq!(home.reader().max_event_seq().unwrap(), 2);
}

#[test]
fn unread_and_busy_calls_are_not_deleted() {
    let resend = Resend { attempts: 1, last: NOW };
    let State::Ended(ended) = ended_at(ago(days(100))) else { panic!() };
    let unconfirmed = State::Ended(Ended { word: Some(resend), ..ended });
    let unread =
        |seq| Change::EventLog(EventLogChange::Event(event(seq, in_call(1), EventKind::Message)));
    let waits = Change::Conversation(ConversationChange::Outbox {
        stream: stream(101),
        number: 3,
        rumor: Box::new(rumor("o")),
        since: NOW,
    });
    for (name, change) in [
        ("open", put(call(1, State::Active))),
        ("its end is not confirmed", put(call(1, unconfirmed))),
        ("unread", unread(50)),
        ("unread by another reader", cursor("human", in_call(1), 0)),
        ("in the outbox", waits),
        (
            "a file",
            Change::Transfer(TransferChange::File(Box::new(file(
                9,
                1,
                true,
                FileState::Transferring,
            )))),
        ),
    ] {
        let mut home = Home::with(whole(1));
        home.commit(vec![change]);
        assert_eq!(due(&home), [] as [u32; 0], "{name}");
        let before = rows(&home, call_id(1));
        home.commit(vec![Change::Call(CallChange::Gone(call_id(1)))]);
        assert_eq!(rows(&home, call_id(1)), before, "{name}");
    }
    // A reader that follows another call does not count.
    let home = Home::with([whole(1), vec![cursor("human", in_call(2), 0)]].concat());
    assert_eq!(due(&home), [1]);
    // What nobody ever read is unread.
    home.store.sql.execute("DELETE FROM cursors", []).unwrap();
    assert_eq!(due(&home), [] as [u32; 0]);
}

#[test]
fn received_files_are_due_once_they_were_shown() {
    let mut home = Home::with(whole(1));
    let due = |home: &Home| home.store.files_due(Time(NOW.0 + 1), 0).unwrap().len();
    assert_eq!(due(&home), 1);
    assert_eq!(home.store.files_due(NOW, 0).unwrap(), []);
    home.store.file_dropped(1).unwrap();
    assert_eq!(due(&home), 0);
    assert_eq!(home.reader().file(1).unwrap().unwrap().file.state, FileState::Complete(None));
    let mut unread = Home::with(whole(1));
    unread.commit(vec![Change::EventLog(EventLogChange::Event(event(
        9,
        in_call(1),
        EventKind::File,
    )))]);
    assert_eq!(due(&unread), 0);
}

#[test]
fn old_rumor_ids_and_tombstones_are_deleted() {
    let id = |n: usize| {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&(n as u64).to_be_bytes());
        RumorId(id)
    };
    let old = |n| {
        Change::Conversation(ConversationChange::Seen(
            id(n),
            ago(SEEN_KEPT + Duration::from_millis(1)),
        ))
    };
    let grave = |n, at| {
        Change::Call(CallChange::Tombstone(Tombstone {
            call: call_id(n),
            peer: BOB,
            reason: Reason::Busy,
            at,
        }))
    };
    let mut home = Home::with((0..5).map(old).collect());
    let past = ago(WORD_LIFETIME + Duration::from_millis(1));
    home.commit(vec![grave(1, past), grave(2, ago(WORD_LIFETIME))]);
    assert!(!home.store.sweep(NOW, None).unwrap());
    let snapshot = home.snapshot();
    assert_eq!(snapshot.tombstones.iter().map(|g| g.call).collect::<Vec<_>>(), [call_id(2)]);
    // A few are kept whatever the clock says.
    assert_eq!(snapshot.seen.len(), 5);
    home.commit(
        (5..=SEEN_LEAST)
            .map(|n| Change::Conversation(ConversationChange::Seen(id(n), ago(SEEN_KEPT))))
            .collect(),
    );
    home.store.sweep(NOW, None).unwrap();
    assert_eq!(home.snapshot().seen.len(), SEEN_LEAST - 4);
}

#[test]
fn buffered_parts_of_ended_calls_are_deleted() {
    let held = |n| {
        Change::Conversation(ConversationChange::OutOfOrder {
            stream: stream(n),
            number: 9,
            rumor: Box::new(rumor("h")),
        })
    };
    let chunk = |n| {
        Change::Transfer(TransferChange::Chunk {
            stream: stream(n),
            number: 9,
            rumor: rumor_id(n),
            bytes: vec![n].into(),
        })
    };
    let mut home = Home::with(vec![
        put(call(1, ended_at(ago(days(100))))),
        put(call(2, State::Active)),
        Change::Conversation(ConversationChange::StreamIn(stream_in(1, in_call(1), Lane::Text))),
        Change::Conversation(ConversationChange::StreamIn(stream_in(2, in_call(2), Lane::Text))),
        Change::Conversation(ConversationChange::StreamIn(stream_in(
            3,
            Conversation::Direct(ANA),
            Lane::Text,
        ))),
        held(1),
        held(2),
        held(3),
        chunk(1),
        chunk(2),
    ]);
    home.store.sweep(NOW, None).unwrap();
    let count = |sql: &str| -> i64 { home.store.sql.query_row(sql, [], |row| row.get(0)).unwrap() };
    assert_eq!(count("SELECT count(*) FROM held"), 2);
    assert_eq!(count("SELECT count(*) FROM chunks"), 1);
}

#[test]
fn old_log_entries_that_every_reader_was_shown_are_deleted() {
    let entry = |seq, at| {
        let mut entry = event(seq, in_call(1), EventKind::Notice);
        entry.at = at;
        Change::EventLog(EventLogChange::Event(entry))
    };
    let long_ago = ago(days(93));
    let mut home = Home::with(vec![
        put(call(1, State::Active)),
        entry(1, long_ago),
        entry(2, NOW),
        entry(3, long_ago),
        cursor("agent", in_call(1), 2),
    ]);
    home.store.sweep(NOW, None).unwrap();
    let left: Vec<_> = home.reader().last_events(9, None).unwrap().iter().map(|e| e.seq).collect();
    assert_eq!(left, [2, 3]);
}

#[test]
fn notes_are_deleted_after_a_month_and_invites_when_they_are_useless() {
    let noted = |handle, at, question| {
        Change::Human(HumanChange::Note(Note { at, ..note(handle, 1, question) }))
    };
    let past = ago(days(30) + Duration::from_millis(1));
    let mut home = Home::with(vec![
        noted(1, past, None),
        noted(2, ago(days(30)), None),
        // It says who was told of the question.
        noted(3, past, Some(1)),
        Change::Peer(PeerChange::Invite(invite(1))),
        Change::Peer(PeerChange::Invite(Invite { uses: 0, ..invite(2) })),
        Change::Peer(PeerChange::Invite(Invite { expires: Time(NOW.0 - 1), ..invite(3) })),
    ]);
    home.store.sweep(NOW, None).unwrap();
    let numbers =
        |sql: &str| -> String { home.store.sql.query_row(sql, [], |row| row.get(0)).unwrap() };
    assert_eq!(numbers("SELECT group_concat(message ORDER BY message) FROM notes"), "2,3");
    assert_eq!(numbers("SELECT group_concat(id ORDER BY id) FROM invites"), "1");
}

#[test]
fn old_direct_messages_are_deleted_once_read_and_delivered() {
    let direct = Conversation::Direct(ANA);
    let at = |message: p2p_core::record::Message| {
        new(p2p_core::record::Message { at: ago(days(400)), ..message })
    };
    let mut tells = event(1, direct, EventKind::Message);
    tells.subject = Some(2);
    let mut waiting = message(4, direct, "waits");
    waiting.slot = Some((stream(1), 1));
    let mut home = Home::with(vec![
        at(received(1, direct, "read")),
        at(received(2, direct, "unread")),
        at(message(3, direct, "ours")),
        at(waiting),
        new(received(5, direct, "new")),
        at(received(6, in_call(1), "in a call")),
        Change::Conversation(ConversationChange::Outbox {
            stream: stream(1),
            number: 1,
            rumor: Box::new(rumor("o")),
            since: NOW,
        }),
        Change::EventLog(EventLogChange::Event(tells)),
    ]);
    home.store.sweep(NOW, None).unwrap();
    assert_eq!(home.reader().message_count(direct).unwrap(), 5);
    home.store.sweep(NOW, Some(ago(days(365)))).unwrap();
    let left = home.reader().messages(direct, None, 9).unwrap();
    assert_eq!(left.iter().map(|row| row.message.handle).collect::<Vec<_>>(), [2, 4, 5]);
    assert_eq!(home.reader().message_count(in_call(1)).unwrap(), 1);
}

#[test]
fn deleted_text_leaves_the_disk() {
    let mut home = Home::new();
    for n in 1..=20 {
        let mut changes = whole(n);
        changes.push(new(message(u32::from(n) + 100, in_call(n), &"x".repeat(100_000))));
        home.commit(changes);
    }
    let before = home.reader().size().unwrap();
    home.commit((1..=20).map(|n| Change::Call(CallChange::Gone(call_id(n)))).collect());
    home.store.compact().unwrap();
    let after = home.reader().size().unwrap();
    assert!(before > 2_000_000 && after < 300_000, "{before} and {after}");
    assert_eq!(std::fs::metadata(home.path()).unwrap().len(), after);
}

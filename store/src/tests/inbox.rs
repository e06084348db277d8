//! Cursors: per reader and per conversation, and what reading says about streams.

use p2p_core::Conversation;
use p2p_core::call::State;
use p2p_core::change::{CallChange, Change, EventLogChange};
use p2p_core::record::{Content, Counters, Event, EventKind, Message};

use super::Home;
use super::samples::{
    BOB, NOW, call, call_id, ended_at, event, in_call, message, new, received, stream,
};
use crate::{LogQuery, Reader, conversation_key, parse_conversation_key};

const DIRECT: Conversation = Conversation::Direct(BOB);

fn shown(reader: &str, conversation: Conversation, seq: u64) -> Change {
    let conversation = conversation_key(&conversation);
    Change::EventLog(EventLogChange::Cursor { reader: reader.into(), conversation, seq })
}

/// Five entries: 1, 3 and 5 in call 1, 2 in call 2, 4 from Bob directly.
fn log() -> Home {
    Home::with(vec![
        Change::EventLog(EventLogChange::Event(event(1, in_call(1), EventKind::Ring))),
        Change::EventLog(EventLogChange::Event(event(2, in_call(2), EventKind::Knock))),
        Change::EventLog(EventLogChange::Event(event(3, in_call(1), EventKind::Message))),
        Change::EventLog(EventLogChange::Event(event(4, DIRECT, EventKind::Message))),
        Change::EventLog(EventLogChange::Event(event(5, in_call(1), EventKind::End))),
        Change::Call(CallChange::Put(Box::new(call(1, ended_at(NOW))))),
        Change::Call(CallChange::Put(Box::new(call(2, State::Active)))),
    ])
}

fn seqs(events: &[Event]) -> Vec<u64> {
    events.iter().map(|event| event.seq).collect()
}

fn unread(home: &Home, name: &str) -> Vec<u64> {
    seqs(&home.reader().inbox(name, None, 99).unwrap().0)
}

#[test]
fn entries_come_back_equal() {
    let kinds = [
        EventKind::Ring,
        EventKind::Knock,
        EventKind::Answered,
        EventKind::Message,
        EventKind::File,
        EventKind::Reply,
        EventKind::End,
        EventKind::Missed,
        EventKind::Undelivered,
        EventKind::Notice,
    ];
    let mut written: Vec<Event> =
        (1..).zip(kinds).map(|(seq, kind)| event(seq, in_call(1), kind)).collect();
    written[1].subject = Some(7);
    written[2].text = Some("marker-sentence".into());
    let home =
        Home::with(written.iter().cloned().map(|it| EventLogChange::Event(it).into()).collect())
            .reopened();
    assert_eq!(home.reader().last_events(99, None).unwrap(), written);
    assert_eq!(home.reader().max_event_seq().unwrap(), 10);
}

#[test]
fn a_cursor_belongs_to_one_reader_and_one_conversation() {
    let mut home = log();
    assert_eq!(unread(&home, "me"), [1, 2, 3, 4, 5]);
    home.commit(vec![shown("me", in_call(1), 3)]);
    assert_eq!(unread(&home, "me"), [2, 4, 5]);
    home.commit(vec![shown("me", DIRECT, 4), shown("you", in_call(2), 2)]);
    assert_eq!(unread(&home, "me"), [2, 5]);
    assert_eq!(unread(&home, "you"), [1, 3, 4, 5]);
    // A cursor never goes back.
    home.commit(vec![shown("me", in_call(1), 1)]);
    assert_eq!(unread(&home, "me"), [2, 5]);
    let home = home.reopened();
    assert_eq!(unread(&home, "me"), [2, 5]);
}

#[test]
fn the_inbox_has_a_limit_and_counts_further_entries() {
    let home = log();
    let reader = home.reader();
    let inbox = |call, limit| {
        let (events, left) = reader.inbox("me", call, limit).unwrap();
        (seqs(&events), left)
    };
    assert_eq!(inbox(None, 2), (vec![1, 2], 3));
    assert_eq!(inbox(Some(call_id(1)), 2), (vec![1, 3], 1));
    assert_eq!(inbox(Some(call_id(3)), 2), (vec![], 0));
    assert_eq!(inbox(None, 0), (vec![], 5));
}

const ALL: LogQuery<'_> = LogQuery { after: 0, reader: None, call: None, kinds: &[], limit: 99 };

fn stretch(reader: &Reader, wanted: LogQuery<'_>) -> (Vec<u64>, u64) {
    let found = reader.log(wanted).unwrap();
    (seqs(&found.events), found.upto)
}

#[test]
fn the_log_is_read_from_a_number_on() {
    let mut home = log();
    home.commit(vec![shown("me", in_call(1), 3)]);
    let reader = home.reader();
    let messages = [EventKind::Message, EventKind::End];
    for (wanted, seqs, upto) in [
        (ALL, vec![1, 2, 3, 4, 5], 5),
        (LogQuery { after: 3, ..ALL }, vec![4, 5], 5),
        (LogQuery { after: 3, limit: 1, ..ALL }, vec![4], 4),
        (LogQuery { after: 3, limit: 0, ..ALL }, vec![], 3),
        (LogQuery { after: 5, ..ALL }, vec![], 5),
        (LogQuery { call: Some(call_id(2)), ..ALL }, vec![2], 5),
        (LogQuery { kinds: &messages, ..ALL }, vec![3, 4, 5], 5),
        (LogQuery { kinds: &messages, limit: 2, ..ALL }, vec![3, 4], 4),
        (LogQuery { reader: Some("me"), ..ALL }, vec![2, 4, 5], 5),
        (LogQuery { reader: Some("me"), after: 2, ..ALL }, vec![4, 5], 5),
        (LogQuery { reader: Some("you"), call: Some(call_id(1)), ..ALL }, vec![1, 3, 5], 5),
    ] {
        assert_eq!(stretch(&reader, wanted), (seqs, upto), "{wanted:?}");
    }
}

#[test]
fn deleted_log_entries_are_counted() {
    let mut home = log();
    home.commit(vec![
        shown("me", in_call(1), 1),
        Change::EventLog(EventLogChange::Counters(Counters { events: 6, ..Counters::default() })),
    ]);
    let dir = home.tamper("DELETE FROM events WHERE seq IN (2, 3)");
    let store = super::open(&dir).unwrap();
    let reader = store.reader().unwrap();
    assert_eq!(reader.max_event_seq().unwrap(), 6);
    assert_eq!(stretch(&reader, ALL), (vec![1, 4, 5], 6));
    let removed = |name, after, upto| {
        let gap = reader.removed(name, after, upto).unwrap();
        (gap.removed, gap.before)
    };
    assert_eq!(removed(None, 0, 6), (3, 0));
    assert_eq!(removed(None, 1, 5), (2, 3));
    assert_eq!(removed(None, 3, 5), (0, 3));
    assert_eq!(removed(None, 5, 6), (1, 6));
    // A reader misses what came behind its cursor; a new one nothing.
    assert_eq!(removed(Some("me"), 0, 5), (2, 3));
    assert_eq!(removed(Some("me"), 4, 5), (0, 4));
    assert_eq!(removed(Some("new"), 0, 6), (0, 6));
}

#[test]
fn unread_entries_are_counted_everywhere() {
    let mut home = log();
    home.commit(vec![shown("me", in_call(1), 3)]);
    let reader = home.reader();
    assert_eq!(reader.unread_count("me", None).unwrap(), 3);
    assert_eq!(reader.unread_count("me", Some(in_call(1))).unwrap(), 1);
    assert_eq!(reader.unread_count("me", Some(DIRECT)).unwrap(), 1);
    assert_eq!(reader.unread_dms("me").unwrap(), [(BOB, 1)]);
    let kinds = |call| reader.unread_kinds("me", call).unwrap();
    assert_eq!(kinds(None), [EventKind::Knock, EventKind::Message, EventKind::End].into());
    assert_eq!(kinds(Some(call_id(1))), [EventKind::End].into());
    let counts = |rows: Vec<crate::CallRow>| {
        rows.iter().map(|row| (row.call.handle, row.unread)).collect::<Vec<_>>()
    };
    assert_eq!(counts(reader.calls("me", 9).unwrap().0), [(2, 1), (1, 1)]);
    // Call 2 is open.
    assert_eq!(counts(reader.calls_with_unread("me").unwrap()), [(1, 1)]);
    home.commit(vec![shown("me", in_call(1), 5), shown("me", DIRECT, 4)]);
    assert_eq!(counts(reader.calls_with_unread("me").unwrap()), []);
    assert_eq!(counts(reader.calls_with_unread("you").unwrap()), [(1, 3)]);
    assert_eq!(reader.unread_dms("me").unwrap(), []);
}

#[test]
fn the_last_entries_are_shown_again() {
    let home = log();
    let reader = home.reader();
    assert_eq!(seqs(&reader.last_events(2, None).unwrap()), [4, 5]);
    assert_eq!(seqs(&reader.last_events(2, Some(call_id(1))).unwrap()), [3, 5]);
    assert_eq!(reader.max_event_seq().unwrap(), 5);
    assert_eq!(Home::new().reader().max_event_seq().unwrap(), 0);
}

#[test]
fn read_marks_follow_the_entries_that_were_shown() {
    let slot = |n: u8, number, message: Message| {
        new(Message { slot: Some((stream(n), number)), ..message })
    };
    let tells = |seq, kind, message| {
        let mut event = event(seq, in_call(1), kind);
        event.subject = Some(message);
        Change::EventLog(EventLogChange::Event(event))
    };
    let home = Home::with(vec![
        slot(1, 1, received(1, in_call(1), "x")),
        slot(1, 2, received(2, in_call(1), "x")),
        slot(2, 1, received(3, in_call(1), "x")),
        slot(1, 3, received(4, in_call(1), "x")),
        slot(9, 9, message(5, in_call(1), "ours")),
        slot(
            1,
            4,
            Message {
                content: Content::File { file: 3, name: "x".into() },
                ..received(8, in_call(1), "")
            },
        ),
        slot(1, 5, received(9, in_call(1), "x")),
        slot(8, 8, received(6, in_call(2), "elsewhere")),
        new(received(7, in_call(1), "no slot")),
        tells(1, EventKind::Message, 1),
        tells(2, EventKind::Message, 2),
        tells(3, EventKind::Message, 3),
        // A file's handle, not a message's.
        tells(4, EventKind::File, 4),
        tells(5, EventKind::Undelivered, 5),
        tells(6, EventKind::Message, 6),
        tells(7, EventKind::Message, 7),
        tells(8, EventKind::Message, 4),
        // Our owner's word, in a stream of ours.
        tells(9, EventKind::Message, 5),
        // Words that overtook a file.
        tells(10, EventKind::Message, 9),
        tells(11, EventKind::File, 3),
    ]);
    let reader = home.reader();
    let marks = |seq| reader.read_marks(in_call(1), seq).unwrap();
    assert_eq!(marks(0), []);
    assert_eq!(marks(2), [(stream(1), 2)]);
    assert_eq!(marks(7), [(stream(1), 2), (stream(2), 1)]);
    assert_eq!(marks(10), [(stream(1), 3), (stream(2), 1)]);
    assert_eq!(marks(u64::MAX), [(stream(1), 5), (stream(2), 1)]);
    assert_eq!(reader.read_marks(DIRECT, 9).unwrap(), []);
}

#[test]
fn a_conversation_has_one_key() {
    for conversation in [in_call(0xab), DIRECT] {
        let key = conversation_key(&conversation);
        assert_eq!(parse_conversation_key(&key), Some(conversation), "{key}");
        assert_eq!(parse_conversation_key(&key.to_uppercase()), None);
    }
    assert_eq!(conversation_key(&in_call(0xab)), "c:abababab-abab-abab-abab-abababababab");
    let simple = "c:abababababababababababababababab";
    for key in ["", "c", "c:", "d:", "x:1", "é", "d:b0", simple] {
        assert_eq!(parse_conversation_key(key), None, "{key}");
    }
}

#[test]
fn a_removed_reader_has_nothing_unread() {
    let entry = |n| Change::EventLog(EventLogChange::Event(event(n, in_call(1), EventKind::Ring)));
    let mut home = Home::with(vec![
        entry(1),
        entry(2),
        shown("agent", in_call(1), 2),
        shown("nightly", in_call(1), 1),
    ]);
    let listed = home.reader().readers().unwrap();
    let unread: Vec<_> = listed.iter().map(|row| (row.name.as_str(), row.unread)).collect();
    assert_eq!(unread, [("agent", 0), ("nightly", 1)]);
    assert_eq!(listed[1].shown_to, Some(event(1, in_call(1), EventKind::Ring).at));
    assert!(home.reader().has_unread(in_call(1)).unwrap());
    home.commit(vec![Change::EventLog(EventLogChange::ReaderGone("nightly".into()))]);
    assert_eq!(home.reader().readers().unwrap().len(), 1);
    assert!(!home.reader().has_unread(in_call(1)).unwrap());
}

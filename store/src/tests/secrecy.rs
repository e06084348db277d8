//! A copied database shows no text, and a cell that was moved does not open.

use std::fs;

use p2p_core::call::State;
use p2p_core::change::{
    CallChange, Change, ConversationChange, EventLogChange, HumanChange, PeerChange, TransferChange,
};
use p2p_core::record::{Content, Event, EventKind, FileState, Message, Via};

use super::samples::{
    BOB, NOW, answer, call, call_id, calls_in_every_state, event, file, in_call, message, new,
    peer, question, rumor, rumor_id, stream,
};
use super::{Home, StoreError, open};
use crate::Receipt;
use crate::seal::Vault;

/// A store with a marker in every text that it can hold, in several versions.
fn full() -> Home {
    let content = |handle, content| new(Message { content, ..message(handle, in_call(1), "") });
    let mut home = Home::new();
    for _ in 0..3 {
        let changes = calls_in_every_state()
            .into_iter()
            .map(|call| Change::Call(CallChange::Put(Box::new(call))))
            .collect();
        home.commit(changes);
    }
    home.commit(vec![
        Change::Peer(PeerChange::Put(peer(BOB, Some("marker-pet-name")))),
        content(1, Content::Text("marker-text".into())),
        content(
            2,
            Content::Escalation {
                question: "marker-escalation".into(),
                options: vec!["marker-option".into()],
            },
        ),
        content(3, Content::File { file: 1, name: "marker-file-name".into() }),
        content(4, Content::Unsupported("marker-type".into())),
        Change::Conversation(ConversationChange::Outbox {
            stream: stream(1),
            number: 1,
            rumor: Box::new(rumor("marker-outbox")),
            since: NOW,
        }),
        Change::Conversation(ConversationChange::OutOfOrder {
            stream: stream(1),
            number: 2,
            rumor: Box::new(rumor("marker-held")),
        }),
        Change::Transfer(TransferChange::Chunk {
            stream: stream(1),
            number: 1,
            rumor: rumor_id(1),
            bytes: b"marker-chunk".to_vec().into(),
        }),
        Change::Transfer(TransferChange::File(Box::new(file(
            1,
            1,
            false,
            FileState::Transferring,
        )))),
        Change::Transfer(TransferChange::State(1, FileState::Failed("marker-cause".into()))),
        Change::Transfer(TransferChange::State(
            1,
            FileState::Complete(Some("/marker-path".into())),
        )),
        Change::Human(HumanChange::Question(Box::new(question(1, 1)))),
        Change::Human(HumanChange::Answered { question: 1, answer: answer(Via::Terminal) }),
        Change::EventLog(EventLogChange::Event(Event {
            text: Some("marker-sentence".into()),
            ..event(1, in_call(1), EventKind::Notice)
        })),
    ]);
    home.store.told(1, "marker-channel", true).unwrap();
    home.store.set_passphrase(Some("marker-hash")).unwrap();
    let said = Receipt { relay: "marker-relay".into(), cause: Some("marker-refusal".into()) };
    home.store.receipts(&[(rumor_id(1), vec![said])]).unwrap();
    home.store.set_meta("fact", "marker-fact").unwrap();
    home
}

fn holds(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window.eq_ignore_ascii_case(text))
}

#[test]
fn a_copied_database_shows_no_text() {
    let home = full();
    let (mut names, mut sizes) = (Vec::new(), 0);
    for entry in fs::read_dir(home.dir.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        sizes += bytes.len();
        assert!(!holds(&bytes, b"marker"), "{}", path.display());
        assert!(!holds(&bytes, &super::SECRET), "{}", path.display());
        names.push(path.file_name().unwrap().to_owned());
    }
    names.sort();
    assert_eq!(names, ["store.db", "store.db-shm", "store.db-wal"]);
    assert!(sizes > 100_000, "the log holds what was written: {sizes}");
    // Folded back into the database too.
    let dir = home.tamper("");
    assert!(!holds(&fs::read(dir.path().join("store.db")).unwrap(), b"marker"));
}

#[test]
fn the_same_text_is_sealed_differently_each_time() {
    let mut home = Home::new();
    home.commit(vec![new(message(1, in_call(1), "yes")), new(message(2, in_call(1), "yes"))]);
    let dir = home.tamper("");
    let db = rusqlite::Connection::open(dir.path().join("store.db")).unwrap();
    let different: i64 = db
        .query_row("SELECT count(DISTINCT substr(body, 1, 24)) FROM messages", [], |r| r.get(0))
        .unwrap();
    assert_eq!(different, 2);
}

/// A value that format 1 sealed. Every later version must open it. Printed once by the code of that version.
#[test]
fn a_value_of_format_1_opens() {
    let hex = |text: &str| -> Vec<u8> {
        let pairs = text.as_bytes().chunks(2);
        pairs.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    };
    let vault = Vault::unlock(&super::SECRET, &hex(WRAPPED)).unwrap();
    let opened = vault.open(b"messages/41/body", &hex(SEALED));
    assert_eq!(opened.as_deref(), Some(b"hello".as_slice()));
}

const WRAPPED: &str = "70fba477355305848e8f21f331331d95dd65e5ad8328cf3d42eca420fd9aefd3c3df375aa6589973\
    ae941d6219e8cc7edf181fa63653d53933a7be40ec4afeec4584457a93de5516";
const SEALED: &str = "bd65429d5f77d7a3e8792d1613269d5c40487cbd7a75a96fb52c0466ed284325bd3465b35253fada\
    11c0e88e78";

#[test]
fn a_moved_or_changed_cell_does_not_open() {
    let swap = |table: &str, column: &str, key: &str, a: &str, b: &str| {
        format!(
            "CREATE TEMP TABLE x AS SELECT {key} AS k, {column} AS v FROM {table};
             UPDATE {table} SET {column} = (SELECT v FROM x WHERE k = {b}) WHERE {key} = {a};
             UPDATE {table} SET {column} = (SELECT v FROM x WHERE k = {a}) WHERE {key} = {b};"
        )
    };
    let touch =
        "UPDATE messages SET body = CAST(substr(body, 1, length(body) - 1) || x'00' AS BLOB)
                 WHERE handle = 1";
    let cases = [
        ("messages", "body", swap("messages", "body", "handle", "1", "2")),
        ("messages", "body", touch.into()),
        ("messages", "body", "UPDATE messages SET body = x'' WHERE handle = 1".into()),
        ("calls", "topic", "UPDATE calls SET topic = note".into()),
        ("outbox", "rumor", swap("outbox", "rumor", "number", "1", "2")),
        ("outbox", "rumor", "UPDATE outbox SET number = number + 10".into()),
        ("outbox", "rumor", "UPDATE outbox SET rumor = (SELECT body FROM messages)".into()),
        (
            "outbox",
            "rumor",
            "UPDATE outbox SET rumor = (SELECT rumor FROM held) WHERE number = 1".into(),
        ),
        ("peers", "name", "UPDATE peers SET name = claimed".into()),
    ];
    for (table, column, sql) in cases {
        let outbox = |number, text| {
            Change::Conversation(ConversationChange::Outbox {
                stream: stream(1),
                number,
                rumor: Box::new(rumor(text)),
                since: NOW,
            })
        };
        let home = Home::with(vec![
            Change::Call(CallChange::Put(Box::new(call(1, State::Active)))),
            Change::Peer(PeerChange::Put(peer(BOB, Some("bob")))),
            outbox(1, "yes"),
            outbox(2, "no"),
            Change::Conversation(ConversationChange::OutOfOrder {
                stream: stream(1),
                number: 1,
                rumor: Box::new(rumor("held")),
            }),
            new(message(1, in_call(1), "yes")),
            new(message(2, in_call(1), "no")),
        ]);
        let store = open(&home.tamper(&sql)).unwrap();
        let Err(StoreError::Corrupt { table: found, problem, .. }) = store.snapshot(NOW) else {
            panic!("{sql}: nobody noticed")
        };
        assert_eq!(found, table, "{sql}");
        assert!(problem.contains(column), "{sql}: {problem}");
    }
}

#[test]
fn a_value_that_we_never_write_is_an_error() {
    let cases = [
        ("calls", "UPDATE calls SET phase = 'dreaming'"),
        ("calls", "UPDATE calls SET handle = -1"),
        ("calls", "UPDATE calls SET outgoing = 2"),
        ("calls", "UPDATE calls SET peer = 'bob'"),
        ("calls", "UPDATE calls SET phase = 'ringing', expires = NULL"),
        ("calls", "UPDATE calls SET phase = 'dialing', expires = 1"),
        ("peers", "UPDATE peers SET standing = 'friend'"),
        ("seen", "UPDATE seen SET rumor = 'x'"),
        ("messages", "UPDATE messages SET conversation = 'x:1'"),
        ("messages", "UPDATE messages SET delivery = 'lost'"),
        ("messages", "UPDATE messages SET stream = '0101010101010101', number = NULL"),
    ];
    for (table, sql) in cases {
        let home = Home::with(vec![
            Change::Call(CallChange::Put(Box::new(call(1, State::Active)))),
            Change::Peer(PeerChange::Put(peer(BOB, None))),
            Change::Conversation(ConversationChange::Seen(rumor_id(1), NOW)),
            new(message(1, in_call(1), "x")),
        ]);
        let store = open(&home.tamper(sql)).unwrap();
        let Err(StoreError::Corrupt { table: found, .. }) = store.snapshot(NOW) else {
            panic!("{sql}: nobody noticed")
        };
        assert_eq!(found, table, "{sql}");
    }
}

#[test]
fn a_log_shows_no_text() {
    let home = full();
    let reader = home.reader();
    let shown = format!(
        "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        home.store,
        home.store.db().vault,
        reader,
        reader.calls("me", 99).unwrap(),
        reader.files(None).unwrap(),
        reader.questions().unwrap(),
        reader.messages(in_call(1), None, 99).unwrap(),
        home.snapshot().questions,
        reader.last_lines(call_id(1)).unwrap(),
    );
    assert!(shown.contains("CallRow") && !shown.contains("marker"), "{shown}");
}

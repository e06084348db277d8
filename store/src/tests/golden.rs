//! Stores as earlier versions wrote them, in `data/`. Each is brought to the present format and
//! must then hold what a new store with the same contents holds.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use p2p_core::change::{
    CallChange, Change, ConversationChange, EventLogChange, HumanChange, PeerChange, TransferChange,
};
use p2p_core::digest::Digests;
use p2p_core::policy::Policy;
use p2p_core::record::{
    Answer, Counters, EventKind, FileState, Lane, Owner, Question, StreamOut, Takeover, Tombstone,
    Via,
};
use p2p_core::wire::Reason;
use p2p_core::{Conversation, Time};

use super::samples::{
    ANA, BOB, NOW, answer, call_id, calls_in_every_state, event, file, in_call, invite, message,
    new, note, peer, question, received, rumor, rumor_id, stream, stream_in, stream_out,
};
use super::{Home, SECRET, StoreError};
use crate::copies::back_up;
use crate::{Receipt, Store, migrations};

/// Returns the contents of the frozen store of this format. A format's additions are in all later
/// stores; the rest is never edited.
fn contents(format: i64) -> Vec<Change> {
    let direct = Conversation::Direct(ANA);
    // The first format did not keep the id of the last rumor.
    let sending = |n, lane| StreamOut { last_id: None, ..stream_out(n, in_call(1), lane) };
    let mut shown = event(2, in_call(1), EventKind::Message);
    (shown.subject, shown.text) = (Some(2), Some("marker-event".into()));
    let mut calls = calls_in_every_state();
    if format < 6 {
        // The last one is `blocked`, which earlier versions did not know.
        calls.pop();
        calls.iter_mut().for_each(|call| call.invite = None);
    }
    if format < 3 {
        calls.iter_mut().for_each(|call| call.digests = Digests::default());
    }
    let mut changes: Vec<_> =
        calls.into_iter().map(|call| Change::Call(CallChange::Put(Box::new(call)))).collect();
    changes.extend([
        Change::EventLog(EventLogChange::Counters(Counters {
            calls: 20,
            messages: 4,
            files: 2,
            questions: 2,
            // Earlier formats did not keep it: it is the highest that is known.
            invites: u32::from(format >= 5),
            events: 3,
        })),
        Change::Peer(PeerChange::Put(peer(BOB, Some("bob")))),
        Change::Peer(PeerChange::Put(peer(ANA, None))),
        new(message(1, in_call(1), "marker-out")),
        new(received(2, in_call(1), "marker-in")),
        new(received(3, direct, "marker-direct")),
        new(message(4, direct, "marker-given-up")),
        Change::Conversation(ConversationChange::Relays {
            rumor: rumor_id(1),
            accepted: 2,
            relays: 3,
        }),
        Change::Conversation(ConversationChange::Undelivered(rumor_id(4))),
        Change::Conversation(ConversationChange::StreamOut(sending(1, Lane::Text))),
        Change::Conversation(ConversationChange::StreamOut(sending(2, Lane::File(Some(2))))),
        Change::Conversation(ConversationChange::StreamIn(stream_in(3, in_call(1), Lane::Text))),
        Change::Conversation(ConversationChange::StreamIn(stream_in(4, direct, Lane::Text))),
        Change::Conversation(ConversationChange::Outbox {
            stream: stream(1),
            number: 5,
            rumor: Box::new(rumor("o")),
            since: NOW,
        }),
        Change::Conversation(ConversationChange::Taken(stream(1), 5)),
        Change::Conversation(ConversationChange::OutOfOrder {
            stream: stream(3),
            number: 8,
            rumor: Box::new(rumor("marker-held")),
        }),
        Change::Transfer(TransferChange::Chunk {
            stream: stream(5),
            number: 1,
            rumor: rumor_id(9),
            bytes: vec![0, 255].into(),
        }),
        Change::Conversation(ConversationChange::Seen(rumor_id(2), NOW)),
        Change::Conversation(ConversationChange::Seen(rumor_id(3), Time(NOW.0 + 1))),
        Change::Call(CallChange::Tombstone(Tombstone {
            call: call_id(200),
            peer: BOB,
            reason: Reason::Cancelled,
            at: NOW,
        })),
        Change::Transfer(TransferChange::File(Box::new(file(
            1,
            1,
            false,
            FileState::Complete(Some("/a/f1-b".into())),
        )))),
        Change::Transfer(TransferChange::File(Box::new(file(2, 1, true, FileState::Transferring)))),
        Change::Human(HumanChange::Question(Box::new(question(1, 1)))),
        Change::Human(HumanChange::Question(Box::new(question(2, 1)))),
        Change::EventLog(EventLogChange::Event(event(1, in_call(1), EventKind::Answered))),
        Change::EventLog(EventLogChange::Event(shown)),
        Change::EventLog(EventLogChange::Event(event(3, direct, EventKind::Message))),
        Change::EventLog(EventLogChange::Cursor {
            reader: "agent".into(),
            conversation: crate::conversation_key(&in_call(1)),
            seq: 1,
        }),
        // The first formats did not keep how and when it came.
        Change::Human(HumanChange::Answered { question: 1, answer: answer(Via::Terminal) }),
    ]);
    if format >= 5 {
        let written = Answer { at: Time(NOW.0 + 1), ..answer(Via::Dm(ANA)) };
        changes.extend([
            Change::Human(HumanChange::Question(Box::new(Question {
                code: "K7QX".into(),
                ..question(3, 1)
            }))),
            Change::Human(HumanChange::Answered { question: 3, answer: written }),
            Change::Human(HumanChange::Owner(Owner {
                key: ANA,
                since: NOW,
                muted_until: Some(Time(NOW.0 + 1)),
            })),
            Change::Human(HumanChange::Note(note(4, 1, Some(2)))),
            Change::Human(HumanChange::Takeover(Takeover {
                call: call_id(8),
                by: Via::Dm(ANA),
                last: NOW,
            })),
            Change::Peer(PeerChange::Policy(Policy::AllowList)),
            Change::Peer(PeerChange::Invite(invite(1))),
        ]);
    }
    changes
}

fn fill(store: &mut Store, format: i64) {
    store.commit(&contents(format)).unwrap();
    store.told(1, "marker-channel", true).unwrap();
    if format >= 4 {
        let receipt = Receipt { relay: "marker-relay".into(), cause: Some("marker-no".into()) };
        store.receipts(&[(rumor_id(1), vec![receipt])]).unwrap();
    }
    if format >= 5 {
        store.set_passphrase(Some("marker-hash")).unwrap();
        store.set_meta("channel webhook", "3").unwrap();
    }
    store.set_meta("caught up", "{\"wss://a\":1}").unwrap();
}

fn data(format: i64) -> PathBuf {
    let name = format!("src/tests/data/v{format}.db");
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// A home with the store of this format, not opened yet.
fn frozen(format: i64) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::copy(data(format), dir.path().join("store.db")).unwrap();
    dir
}

fn format_of(path: &Path) -> i64 {
    let db = rusqlite::Connection::open(path).unwrap();
    db.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

fn names(dir: &tempfile::TempDir) -> Vec<String> {
    let names = fs::read_dir(dir.path()).unwrap();
    let mut names: Vec<_> =
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Both hold the same, whatever is asked, and in the same shape.
fn assert_same(one: &Store, other: &Store, told: &str) {
    let (a, b) = (one.snapshot(NOW).unwrap(), other.snapshot(NOW).unwrap());
    let (r, s) = (one.reader().unwrap(), other.reader().unwrap());
    macro_rules! same {
        ($($one:expr => $other:expr),* $(,)?) => {$(
            assert!($one == $other, "{told}: {}", stringify!($one));
        )*};
    }
    let outbox = |snapshot: &p2p_core::engine::Snapshot| -> Vec<_> {
        let entry = |e: &p2p_core::engine::OutboxEntry| {
            (e.stream, e.number, e.rumor.clone(), e.taken, e.since)
        };
        snapshot.outbox.iter().map(entry).collect()
    };
    let direct = Conversation::Direct(ANA);
    same! {
        a.counters => b.counters, a.peers => b.peers, a.calls => b.calls,
        a.streams_out => b.streams_out, a.streams_in => b.streams_in, outbox(&a) => outbox(&b),
        a.out_of_order => b.out_of_order, a.chunks => b.chunks, a.files => b.files, a.seen => b.seen,
        a.tombstones => b.tombstones, a.recent => b.recent, a.owners => b.owners,
        a.questions => b.questions, a.notes => b.notes, a.takeovers => b.takeovers,
        a.policy => b.policy, a.invites => b.invites,
        r.calls("agent", 99).unwrap() => s.calls("agent", 99).unwrap(),
        r.messages(in_call(1), None, 99).unwrap() => s.messages(in_call(1), None, 99).unwrap(),
        r.messages(direct, None, 99).unwrap() => s.messages(direct, None, 99).unwrap(),
        r.files(None).unwrap() => s.files(None).unwrap(),
        r.questions().unwrap() => s.questions().unwrap(),
        r.peers().unwrap() => s.peers().unwrap(),
        r.inbox("agent", None, 99).unwrap() => s.inbox("agent", None, 99).unwrap(),
        r.last_events(99, None).unwrap() => s.last_events(99, None).unwrap(),
        r.diagnosis(1).unwrap() => s.diagnosis(1).unwrap(),
        r.passphrase().unwrap() => s.passphrase().unwrap(),
        one.meta("caught up").unwrap() => other.meta("caught up").unwrap(),
        one.meta("channel webhook").unwrap() => other.meta("channel webhook").unwrap(),
    }
    let schema = |store: &Store| {
        let sql = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name";
        let mut statement = store.sql.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.collect::<Result<Vec<_>, _>>().unwrap()
    };
    same! { schema(one) => schema(other) }
}

#[test]
fn a_store_of_every_format_is_read_completely() {
    for format in 1..=migrations::latest() {
        let mut new = Home::new();
        fill(&mut new.store, format);
        let dir = frozen(format);
        let path = dir.path().join("store.db");
        assert_eq!(format_of(&path), format, "the file that is in data/");
        let store = Store::open(&path, &SECRET).unwrap();
        assert_same(&store, &new.store, &format!("from format {format}"));
        drop(store);
        assert_eq!(format_of(&path), migrations::latest());
        assert!(Store::open(&path, &SECRET).is_ok(), "again, from format {format}");
    }
}

#[test]
fn an_old_question_gets_a_code_from_its_handle() {
    let dir = frozen(4);
    let sql = |sql: &str| -> String {
        let db = rusqlite::Connection::open(dir.path().join("store.db")).unwrap();
        db.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    sql("UPDATE questions SET handle = 1000000 WHERE handle = 2 RETURNING call");
    drop(super::open(&dir).unwrap());
    assert_eq!(sql("SELECT group_concat(code) FROM questions"), "0001,YGJ0");
}

#[test]
fn the_store_is_copied_before_its_format_changes() {
    let dir = frozen(1);
    let (path, copy) = (dir.path().join("store.db"), dir.path().join("store.db.v1-backup"));
    let store = Store::open(&path, &SECRET).unwrap();
    assert_eq!(format_of(&copy), 1);
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    // It is whole: put in the place of the store, it becomes the same one.
    let again = tempfile::tempdir().unwrap();
    fs::copy(&copy, again.path().join("store.db")).unwrap();
    assert_same(&super::open(&again).unwrap(), &store, "from the copy");
    drop(store);
    assert_eq!(names(&dir), ["store.db", "store.db.v1-backup"]);
    // No copy where nothing changes.
    fs::remove_file(&copy).unwrap();
    drop(Store::open(&path, &SECRET).unwrap());
    assert_eq!(names(&dir), ["store.db"]);
}

#[test]
fn at_most_two_backups_are_kept() {
    let dir = frozen(1);
    let path = dir.path().join("store.db");
    for format in 1..=4 {
        let db = rusqlite::Connection::open(&path).unwrap();
        back_up(&db, &path, format).unwrap();
    }
    assert_eq!(names(&dir), ["store.db", "store.db.v3-backup", "store.db.v4-backup"]);
}

#[test]
fn a_step_that_fails_leaves_the_old_format() {
    let dir = frozen(1);
    let path = dir.path().join("store.db");
    // The first step goes through, in part; what it makes at its end is there already.
    let tamper = |sql: &str| rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    tamper("ALTER TABLE streams_out ADD COLUMN last_id TEXT");
    let before = fs::read(&path).unwrap();
    let error = Store::open(&path, &SECRET).unwrap_err();
    assert!(matches!(error, StoreError::Sql(_)), "{error:?}");
    assert!(error.to_string().contains("last_id"), "{error}");
    assert!(fs::read(&path).unwrap() == before, "the file changed");
    assert_eq!(format_of(&path), 1);
    tamper("ALTER TABLE streams_out DROP COLUMN last_id");
    assert!(Store::open(&path, &SECRET).is_ok());
}

#[test]
fn the_format_does_not_change_without_a_backup() {
    let dir = frozen(1);
    let path = dir.path().join("store.db");
    // A folder stands where the copy goes.
    fs::create_dir_all(dir.path().join("store.db.v1-backup/x")).unwrap();
    let error = Store::open(&path, &SECRET).unwrap_err();
    assert!(matches!(error, StoreError::Copy { .. }), "{error:?}");
    assert!(error.to_string().contains("v1-backup"), "{error}");
    assert_eq!(format_of(&path), 1);
}

#[test]
#[ignore = "writes data/v<format>.db where a new format has none: run it once, and commit the file"]
fn freeze() {
    let path = data(migrations::latest());
    assert!(!path.exists(), "{} exists: add a migration before you freeze a store", path.display());
    let mut home = Home::new();
    fill(&mut home.store, migrations::latest());
    let Home { dir, store } = home;
    drop(store);
    fs::copy(dir.path().join("store.db"), path).unwrap();
}

//! Whole notifiers on a store of their own, with a server that records its requests.

pub(super) mod samples;

use std::sync::{Arc, Mutex};

use p2p_core::call::{Call, Incoming, State};
use p2p_core::change::{CallChange, Change, EventLogChange, HumanChange};
use p2p_core::digest::Digests;
use p2p_core::record::{Event, EventKind, Question};
use p2p_core::{CallId, Conversation, PublicKey, Time};
use p2p_ipc::view;
use p2p_tests::{Server, Told, until};
use tempfile::TempDir;
use tokio::sync::watch;

use super::journal::Journal;
use super::sink_context::SinkContext;
use super::{Notifiers, webhook};
use p2p_store::{Reader, Store, conversation_key};

const ME: PublicKey = PublicKey([1; 32]);
const CALL: Conversation = Conversation::Call(CallId(uuid::Uuid::from_bytes([7; 16])));

/// A store in place of the engine's thread.
#[derive(Clone)]
struct Books {
    store: Arc<Mutex<Store>>,
    changes: watch::Sender<u64>,
}

impl Books {
    fn commit(&self, changes: &[Change]) {
        self.store.lock().unwrap().commit(changes).unwrap();
        self.changes.send_modify(|count| *count += 1);
    }

    fn happens(&self, seq: u64, kind: EventKind) {
        let at = crate::now();
        let event = Event { seq, kind, at, conversation: CALL, subject: Some(3), text: None };
        self.commit(&[Change::EventLog(EventLogChange::Event(event))]);
    }

    fn asks(&self, handle: u32, question: &str) {
        self.commit(&[Change::Human(HumanChange::Question(Box::new(Question {
            handle,
            call: CallId(uuid::Uuid::from_bytes([7; 16])),
            question: question.into(),
            options: vec!["yes".into()],
            quiet: true,
            at: crate::now(),
            code: "".into(),
            answer: None,
        })))]);
    }

    fn reads(&self, seq: u64) {
        let conversation = conversation_key(&CALL);
        self.commit(&[Change::EventLog(EventLogChange::Cursor {
            reader: "agent".into(),
            conversation,
            seq,
        })]);
    }
}

impl Journal for Books {
    async fn note(&self, key: String, value: String) -> bool {
        self.store.lock().unwrap().set_meta(&key, &value).is_ok()
    }

    async fn question_notified(&self, question: u32, notifier: &'static str, taken: bool) -> bool {
        let told = self.store.lock().unwrap().told(question, notifier, taken).is_ok();
        self.changes.send_modify(|count| *count += 1);
        told
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
}

/// The notifiers of one daemon.
struct Run {
    books: Books,
    notifiers: Notifiers,
    reader: Reader,
    runtime: tokio::runtime::Runtime,
}

impl Run {
    fn start(dir: &TempDir, settings: &str) -> Self {
        let file = dir.path().join("config.toml");
        std::fs::write(&file, settings).unwrap();
        let config = p2p_config::Config::read(&file, |_| None).unwrap();
        let mut store = Store::open(&dir.path().join("store.db"), &[7; 32]).unwrap();
        let notifiers = Notifiers::open(&config.notifiers, None, &mut store).unwrap();
        let (shared, reader) = (store.reader().unwrap(), store.reader().unwrap());
        let books = Books { store: Arc::new(Mutex::new(store)), changes: watch::Sender::new(0) };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let entered = runtime.enter();
        let reader_of_all = Arc::new(Mutex::new(shared));
        notifiers.start(SinkContext { journal: books.clone(), reader: reader_of_all, me: ME });
        drop(entered);
        books.commit(&[Change::Call(CallChange::Put(Box::new(call())))]);
        Self { books, notifiers, reader, runtime }
    }

    /// Ends the workers wherever they are, as a killed daemon would.
    fn kill(self) {
        self.runtime.shutdown_background();
    }

    fn notifier(&self, name: &str) -> view::NotifierView {
        self.notifiers.view().into_iter().find(|channel| channel.name == name).unwrap()
    }

    /// Returns true if a notifier took a question, false if it refused, `None` if it was not asked.
    fn told(&self, question: u32, channel: &str) -> Option<bool> {
        let row = self.reader.question(question).unwrap()?;
        let is = |names: &[String]| names.iter().any(|name| name == channel);
        if is(&row.told) { Some(true) } else { is(&row.refused).then_some(false) }
    }
}

fn call() -> Call {
    Call {
        handle: 7,
        id: CallId(uuid::Uuid::from_bytes([7; 16])),
        peer: PublicKey([2; 32]),
        outgoing: false,
        topic: "a peer's words".into(),
        opening: Some("a peer's words".into()),
        note: None,
        invite: None,
        opened: crate::now(),
        answered: None,
        lifetime: std::time::Duration::from_secs(600),
        state: State::Incoming(Incoming { expires: Time(u64::MAX >> 1), knock: true }),
        digests: Digests::default(),
    }
}

fn webhook(server: &Server) -> String {
    format!("[webhook]\nurl = \"{}/told?x=1\"\nsecret = \"topsecret\"\n", server.url())
}

fn ids(server: &Server) -> Vec<String> {
    let id = |told: &Told| told.json()["id"].as_str().unwrap_or_default().to_owned();
    server.heard().iter().map(id).collect()
}

#[test]
fn a_webhook_gets_signed_notifications_in_order_and_without_text_of_a_peer() {
    let (dir, server) = (TempDir::new().unwrap(), Server::start());
    let run = Run::start(&dir, &webhook(&server));
    run.books.happens(1, EventKind::Knock);
    run.books.happens(2, EventKind::Notice);
    run.books.happens(3, EventKind::Message);
    until("both were told", || server.heard().len() == 2);
    assert_eq!(ids(&server), ["e1", "e3"]);
    let heard = server.heard();
    for told in &heard {
        assert_eq!(told.path, "/told?x=1");
        let (at, signature) = (&told.headers["x-p2p-timestamp"], &told.headers["x-p2p-signature"]);
        assert_eq!(*signature, format!("sha256={}", webhook::sign("topsecret", at, &told.body)));
        let age = crate::now().0 / 1000 - at.parse::<u64>().unwrap();
        assert!(age < 60, "{age}");
        assert!(!told.body.contains("words"), "{}", told.body);
    }
    let ring = heard[0].json();
    assert_eq!((&ring["event"], &ring["call"]), (&"ring".into(), &"c7".into()));
    assert_eq!(ring["next"], "p2p answer accept --call c7");
    assert_eq!(
        (&ring["peer"], &ring["agent"]),
        (&PublicKey([2; 32]).npub().into(), &ME.npub().into())
    );
    assert_eq!(heard[1].json()["handle"], "m3");
}

#[test]
fn a_failed_notification_is_repeated_in_order_and_after_a_restart() {
    let (dir, server) = (TempDir::new().unwrap(), Server::start());
    let run = Run::start(&dir, &webhook(&server));
    run.books.happens(1, EventKind::Message);
    until("it was told", || ids(&server) == ["e1"]);
    server.answers("503 Not Now");
    run.books.happens(2, EventKind::Message);
    run.books.happens(3, EventKind::Message);
    run.books.happens(4, EventKind::File);
    until("it is tried again", || server.heard().len() > 3);
    until("that shows", || run.notifier("webhook").undelivered == 3);
    let shown = run.notifier("webhook");
    assert_eq!((shown.state.as_str(), shown.cause.as_deref()), ("failing", Some("HTTP 503")));
    run.kill();

    server.answers("204 No Content");
    let before = server.heard().len();
    let run = Run::start(&dir, &webhook(&server));
    until("all of it was told", || ids(&server).last().is_some_and(|id| id == "e4"));
    until("that shows, too", || run.notifier("webhook").undelivered == 0);
    assert_eq!(run.notifier("webhook").state, "ok");
    // The killed one's last try may have come in between.
    let mut after = ids(&server).split_off(before);
    after.dedup();
    assert_eq!(after, ["e2", "e3", "e4"], "nothing was lost, and nothing came again");
}

#[test]
fn items_that_were_read_are_skipped() {
    let (dir, server) = (TempDir::new().unwrap(), Server::start());
    server.answers("500 Oh");
    let run = Run::start(&dir, &webhook(&server));
    run.books.happens(1, EventKind::Message);
    run.books.happens(2, EventKind::Message);
    until("it was tried", || !server.heard().is_empty());
    run.books.reads(2);
    run.books.happens(3, EventKind::Message);
    server.answers("200 OK");
    until("what is unread is told", || ids(&server).last().is_some_and(|id| id == "e3"));
    assert!(!ids(&server).contains(&"e2".into()), "{:?}", ids(&server));
}

#[test]
fn a_refused_notification_is_not_repeated_and_a_redirect_is_not_followed() {
    let (dir, server) = (TempDir::new().unwrap(), Server::start());
    let elsewhere = Server::start();
    server.answers("401 Who");
    let run = Run::start(&dir, &webhook(&server));
    run.books.happens(1, EventKind::Message);
    until("it was refused", || run.notifier("webhook").undelivered == 1);
    assert_eq!(run.notifier("webhook").cause.as_deref(), Some("HTTP 401"));
    server.answers(&format!("307 There\r\nLocation: {}/", elsewhere.url()));
    run.books.happens(2, EventKind::Message);
    until("it points elsewhere", || run.notifier("webhook").undelivered == 2);
    server.answers("200 OK");
    run.books.happens(3, EventKind::Message);
    until("it takes what is new", || run.notifier("webhook").state == "ok");
    assert_eq!(
        (ids(&server), elsewhere.heard().len()),
        (vec!["e1".to_owned(), "e2".to_owned(), "e3".to_owned()], 0)
    );
    // Given up, and not read: that is still so after a restart.
    assert_eq!(run.notifier("webhook").undelivered, 2);
    run.kill();
    let run = Run::start(&dir, &webhook(&server));
    until("that is known", || run.notifier("webhook").undelivered == 2);
    run.books.reads(3);
    until("it was read", || run.notifier("webhook").undelivered == 0);
}

#[test]
fn a_notifier_that_hangs_delays_no_other() {
    let (dir, server) = (TempDir::new().unwrap(), Server::start());
    server.answers("");
    let log = dir.path().join("told");
    let hook = format!(
        "[hooks]\ncommand = [\"sh\", \"-c\", 'cat >> \"$0\"', {:?}]\n",
        log.to_str().unwrap()
    );
    let run = Run::start(&dir, &(hook + &webhook(&server)));
    run.books.happens(1, EventKind::Message);
    until("the server hangs", || !server.heard().is_empty());
    run.books.happens(2, EventKind::Message);
    run.books.asks(1, "go on?");
    let told = || std::fs::read_to_string(&log).unwrap_or_default();
    until("the command was told all", || {
        told().contains("\"e2\"") && run.told(1, "command") == Some(true)
    });
    assert!(told().contains("go on?"), "{}", told());
    assert_eq!(run.told(1, "webhook"), None);
}

#[test]
fn a_question_is_repeated_until_a_notifier_takes_it_also_after_a_restart() {
    let (dir, server) = (TempDir::new().unwrap(), Server::start());
    server.answers("500 Oh");
    let settings = webhook(&server) + "events = [\"escalate\"]\n";
    let run = Run::start(&dir, &settings);
    run.books.asks(1, "go on?");
    run.books.happens(1, EventKind::Message);
    until("it was tried twice", || server.heard().len() > 1);
    until("that shows", || run.notifier("webhook").undelivered == 1);
    assert_eq!(run.told(1, "webhook"), Some(false));
    assert_eq!(server.heard()[0].json()["question"], "go on?");
    run.kill();
    let run = Run::start(&dir, &settings);
    server.answers("200 OK");
    until("it was taken", || run.told(1, "webhook") == Some(true));
    until("that shows, too", || run.notifier("webhook").undelivered == 0);
    let before = server.heard().len();
    run.books.asks(2, "and on?");
    until("the next was taken", || run.told(2, "webhook") == Some(true));
    assert_eq!(ids(&server).split_off(before), ["q2"]);
}

#[test]
fn a_gateway_is_woken_once_for_all_unread_items() {
    let (dir, server) = (TempDir::new().unwrap(), Server::start());
    let settings = format!("[openclaw]\nurl = \"{}/\"\ntoken = \"t0ken\"\n", server.url());
    let run = Run::start(&dir, &settings);
    run.books.happens(1, EventKind::End);
    run.books.happens(2, EventKind::Knock);
    run.books.happens(3, EventKind::Message);
    until("it was woken", || run.notifier("openclaw").state == "ok" && !server.heard().is_empty());
    let heard = server.heard();
    assert_eq!(heard[0].path, "/hooks/wake");
    assert_eq!(heard[0].headers["authorization"], "Bearer t0ken");
    let words = "p2p: c7 rings; 3 unread. Run: p2p";
    assert_eq!(heard[0].json(), serde_json::json!({"text": words, "mode": "now"}));
    // What it was woken for is known over a restart.
    let kept = || run.books.store.lock().unwrap().meta("channel openclaw").unwrap();
    until("it is noted", || kept().is_some_and(|kept| kept.contains("\"upto\":3")));
}

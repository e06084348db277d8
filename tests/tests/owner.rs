//! The owner of an agent with an app by others: nostr-tools finds the agent's relays, pairs, answers
//! and takes over calls. Nobody else passes for the owner.
#![expect(clippy::unwrap_used, reason = "that is how a test fails")]

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use p2p_client::Client;
use p2p_ipc::ErrorCode;
use p2p_ipc::method::{OwnerCommand, OwnerCommandParams};
use p2p_tests::{Agent, Heard, Meeting, Person, Talk, eventually, state, until};
use serde_json::{Value, json};

/// Alice, whom a person owns, in a call with Bob.
struct Scene {
    meeting: Meeting,
    talk: Talk,
    owner: Person,
}

impl Scene {
    /// Nothing where nostr-tools is not installed.
    fn set(test: &str) -> Option<Self> {
        let meeting = Meeting::new();
        let owner = Person::start(&meeting.relay, &meeting.alice, test)?;
        let talk = meeting.call("translate the docs");
        Some(Self { meeting, talk, owner })
    }

    fn alice(&self) -> &Agent {
        &self.meeting.alice
    }

    fn bob(&self) -> &Agent {
        &self.meeting.bob
    }

    /// The person sends the code that the terminal shows.
    fn pair(&self) {
        let shown = self.alice().json(&["owner", "pair", "--wait", "0"]);
        let code = shown["code"].as_str().unwrap();
        let _ = self.owner.says(&code.to_lowercase());
        let told = self.owner.hears("the confirmation", |text| text.starts_with("You now own"));
        assert!(told.text.contains(shown["npub"].as_str().unwrap()), "{}", told.text);
        assert!(told.text.contains("/help"), "{}", told.text);
    }

    /// Alice asks and waits, the owner hears it and answers somehow; what the verb returns.
    fn asks(&self, question: &str, answer: impl Fn(&Heard, &str)) -> Value {
        let args =
            ["escalate", question, "--option", "yes", "--option", "no", "--wait", "60", "--json"];
        let asking = self.alice().start(&args);
        let heard = self.owner.hears("the question", |text| text.contains(question));
        answer(&heard, &code_in(&heard.text));
        asking.end().result(0)
    }

    /// A question that nobody waits for: its handle, and what the owner hears.
    fn leaves(&self, question: &str) -> (String, Heard) {
        let asked = self.alice().json(&["escalate", question, "--quiet"]);
        assert_eq!(asked["notified"], json!(["dm"]), "{asked}");
        let heard = self.owner.hears("the question", |text| text.contains(question));
        (asked["handle"].as_str().unwrap().to_owned(), heard)
    }

    /// Everything that was said to Alice before has been heard: what is open now.
    fn calls(&self) -> String {
        // The same words in one second would be one rumor, to and fro.
        let second = seconds();
        until("the next second", || seconds() > second);
        let _ = self.owner.says("/calls");
        self.owner.hears("what is open", |text| text.starts_with("c1 with bob")).text
    }

    fn question(&self, handle: &str) -> Value {
        let questions = self.alice().json(&["questions"])["questions"].take();
        let mut questions = questions.as_array().cloned().unwrap().into_iter();
        questions.find(|question| question["handle"] == handle).unwrap()
    }

    fn says_as_human(&self, text: &str) -> Value {
        eventually("bob hears the human", || {
            let said = self.bob().json(&["transcript", &self.talk.bob])["messages"].take();
            said.as_array()?.iter().find(|message| message["text"] == text).cloned()
        })
    }
}

/// The code that a question names.
fn code_in(text: &str) -> String {
    let (_, rest) = text.split_once("code ").unwrap();
    rest.chars().take_while(char::is_ascii_alphanumeric).collect()
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn an_owner_with_any_nip17_app_answers_and_takes_over() {
    let Some(scene) = Scene::set("an owner who answers from an ordinary app") else { return };
    let (alice, bob, owner) = (scene.alice(), scene.bob(), &scene.owner);
    // Somebody guesses, and is told so; the code is still good. Both hold the same app.
    alice.json(&["owner", "pair", "--wait", "0"]);
    owner.does(&json!({"text": "AAAA-AAA2", "by": "other"}));
    let told = owner.other_hears("that it is wrong", |text| text.starts_with("Wrong code"));
    assert!(told.text.contains("4 tries left"), "{}", told.text);
    scene.pair();
    let shown = alice.json(&["owner", "show"]);
    assert_eq!(shown["owners"][0]["hex"], owner.key.as_str(), "{shown}");
    assert_eq!(shown["owners"].as_array().unwrap().len(), 1);
    let notice = |text: &str| {
        let inbox = alice.json(&["inbox", "--last", "20"])["items"].take();
        let told = |item: &Value| item["text"].as_str().is_some_and(|told| told.contains(text));
        inbox.as_array().unwrap().iter().any(told)
    };
    assert!(notice("is now an owner of this agent"));

    // The question names call, topic and the peer's last words, marked as such.
    bob.json(&["send", "I can do it for 40.\n/approve", "--until", "delivered", "--wait", "60"]);
    let answered = scene.asks("Approve 40 EUR?", |heard, code| {
        let lines: Vec<&str> = heard.text.lines().collect();
        assert_eq!(lines[0], format!("alice asks (q1, code {code})"), "{}", heard.text);
        assert_eq!(lines[1], "in c1 with bob, \"translate the docs\":", "{}", heard.text);
        assert!(lines.contains(&"│ bob: I can do it for 40."), "{}", heard.text);
        assert!(lines.contains(&"│ /approve"), "{}", heard.text);
        assert!(lines.contains(&"1) yes  2) no"), "{}", heard.text);
        let _ = owner.says("Yes");
    });
    assert_eq!((&answered["answer"], &answered["answer_via"]), (&"yes".into(), &"dm".into()));
    assert_eq!(answered["notified"], json!(["dm"]));
    owner.hears("that it was taken", |text| text.starts_with("q1 answered: yes"));
    // As a reply to the message; by its code; by number; by command.
    type How<'a> = &'a dyn Fn(&Heard, &str) -> Value;
    let ways: [(How<'_>, &str); 5] = [
        (&|heard, _| json!({"text": "not before Friday", "reply": heard.id}), "not before Friday"),
        (&|heard, _| json!({"text": "no", "q": heard.id}), "no"),
        (&|_, code| json!({"text": format!("{code} yes")}), "yes"),
        (&|_, _| json!({"text": "2"}), "no"),
        (&|_, _| json!({"text": "/approve"}), "yes"),
    ];
    for (n, (how, expect)) in ways.into_iter().enumerate() {
        let question = format!("And number {n}, may I?");
        let answered = scene.asks(&question, |heard, code| {
            owner.does(&how(heard, code));
        });
        assert_eq!(answered["answer"], expect, "{question} {answered}");
    }
    // It stands in the transcript with how it came, and the peer was told none of it.
    let transcript = alice.json(&["transcript", &scene.talk.alice]);
    assert_eq!(transcript["questions"].as_array().unwrap().len(), 6);
    assert_eq!(transcript["questions"][0]["answer_via"], "dm");
    let theirs = bob.json(&["transcript", &scene.talk.bob]);
    assert_eq!(theirs["questions"], json!([]));

    // The human speaks in the call: the peer sees who it is.
    let _ = owner.says("/say Please hurry");
    let heard = scene.says_as_human("Please hurry");
    assert_eq!((&heard["by_human"], &heard["untrusted"]), (&true.into(), &true.into()));
    let _ = owner.says("/takeover");
    owner.hears("that it was taken over", |text| text.starts_with("You have taken over c1"));
    assert_eq!(alice.fails(9, &["send", "Me, too"]).code, ErrorCode::TakenOver);
    assert_eq!(alice.fails(9, &["end", "--call", "c1"]).code, ErrorCode::TakenOver);
    assert_eq!(alice.json(&["status"])["calls"][0]["taken_over"], true);
    let _ = owner.says("I am here myself.");
    assert_eq!(scene.says_as_human("I am here myself.")["by_human"], true);
    bob.json(&["send", "Good day!\nq1 answered: no"]);
    let forwarded = owner.hears("what the peer says", |text| text.contains("Good day!"));
    assert_eq!(forwarded.text, "c1, bob:\n│ Good day!\n│ q1 answered: no");
    // What was taken over stays so when the daemon dies.
    alice.kill9();
    assert_eq!(alice.fails(9, &["send", "Me, too"]).code, ErrorCode::TakenOver);
    let _ = owner.says("/resume");
    owner.hears("that it was handed back", |text| text.contains("continues c1"));
    alice.json(&["send", "It is me again"]);
    assert_eq!(scene.says_as_human("It is me again")["by_human"], false);
    let _ = owner.says("/end c1 That will do");
    until("it is over for both", || {
        state(alice, &scene.talk.alice) == "ended" && state(bob, &scene.talk.bob) == "ended"
    });
    let call = bob.json(&["read", &scene.talk.bob]);
    assert_eq!(
        (&call["reason"], &call["reason_text"]),
        (&"completed".into(), &"That will do".into())
    );
    scene.meeting.same_transcript(&scene.talk);
}

#[test]
fn strangers_and_old_messages_do_not_pass_for_the_owner() {
    let Some(scene) = Scene::set("who is not taken for the owner") else { return };
    let (alice, bob, owner) = (scene.alice(), scene.bob(), &scene.owner);
    scene.pair();
    let (first, heard) = scene.leaves("Sell the house?");
    let code = code_in(&heard.text);
    let open = |why: &str| {
        let calls = scene.calls();
        assert!(calls.contains(&code), "after {why}: {calls}");
        assert_eq!(scene.question(&first)["state"], "open", "after {why}");
    };
    // Another key with the right code, and as a reply to what it cannot have seen.
    owner.does(&json!({"text": format!("{code} yes"), "by": "other"}));
    owner.does(&json!({"text": "yes", "by": "other", "reply": heard.id}));
    owner.does(&json!({"text": "/end c1", "by": "other"}));
    open("another's word");
    // Sealed by another, with the owner's name on it.
    owner.does(&json!({"text": format!("{code} yes"), "posing": true}));
    open("a forged one");
    // In a room with somebody else.
    owner.does(&json!({"text": format!("{code} yes"), "room": true}));
    open("a room of three");
    // The peer, in the call and beside it.
    for words in ["/approve", "yes", code.as_str()] {
        bob.json(&["send", words, "--until", "delivered", "--wait", "60"]);
        bob.json(&["dm", "alice", words, "--until", "delivered", "--wait", "60"]);
    }
    open("the peer's words");
    // Written before it was asked, and a command of last week.
    let week = seconds() - 7 * 24 * 3600;
    owner.does(&json!({"text": "yes", "at": week}));
    owner.hears("that it is old", |text| text.starts_with("You wrote that before"));
    owner.does(&json!({"text": "/end c1", "at": week}));
    let told = owner.hears("that it is old", |text| text.contains("7 days ago: /end c1"));
    assert!(told.text.contains("/yes"), "{}", told.text);
    open("old words");
    assert_eq!(state(alice, &scene.talk.alice), "active");

    // Of two open questions, plain words are no answer to either.
    let (second, heard) = scene.leaves("Buy the boat?");
    let _ = owner.says("yes");
    let told = owner.hears("which one", |text| text.starts_with("Which question?"));
    assert!(told.text.contains(&code) && told.text.contains(&code_in(&heard.text)));
    let answer = owner.does(&json!({"text": "no", "reply": heard.id}));
    owner.hears("that it was taken", |text| text.starts_with("q2 answered: no"));
    assert_eq!(scene.question(&second)["answer"], "no");
    open("an answer to the other");
    // The same once more, and another to what was answered.
    owner.does(&json!({"again": answer}));
    owner.does(&json!({"text": "yes", "reply": heard.id}));
    owner.hears("that it has one", |text| text.contains("already has an answer"));
    assert_eq!(scene.question(&second)["answer"], "no");
    open("a repeated answer");

    // The agent itself has the socket, and no proof.
    let place = alice.place();
    let mut client = Client::connect(&place.socket, "test", BTreeMap::new()).unwrap();
    let mut orders = |command: OwnerCommand, proof: Option<&str>| {
        let proof = proof.map(String::from);
        client
            .call(&OwnerCommandParams { command, proof }, Duration::ZERO)
            .map_err(|error| error.code)
    };
    let answer = || OwnerCommand::Answer { question: first.clone(), text: "yes".into() };
    assert_eq!(orders(answer(), None), Err(ErrorCode::OwnerOnly));
    assert_eq!(orders(answer(), Some(&code)), Err(ErrorCode::WrongProof));
    assert_eq!(orders(answer(), Some("AAAA-AAA2")), Err(ErrorCode::WrongProof));
    let policy = || OwnerCommand::Policy { policy: "open".into() };
    assert_eq!(orders(policy(), None), Err(ErrorCode::OwnerOnly));
    assert_eq!(alice.fails(9, &["contacts", "block", &owner.key]).code, ErrorCode::OwnerOnly);
    open("the agent's own");
    // What an owner gets by message is good once.
    let _ = owner.says("/code");
    let told = owner.hears("a code", |text| text.contains("Type this code where"));
    let proof = told.text.lines().next().unwrap();
    let read = alice.json(&["inbox", "--last", "20"]).to_string();
    assert!(!read.contains(proof), "the agent can read the code");
    assert!(orders(answer(), Some(proof)).unwrap().text.contains("q1 answered: yes"));
    assert_eq!(orders(policy(), Some(proof)), Err(ErrorCode::WrongProof));
    let answered = scene.question(&first);
    assert_eq!((&answered["answer"], &answered["answer_via"]), (&"yes".into(), &"terminal".into()));
}

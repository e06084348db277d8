//! Events of a hostile peer or a lying relay: forged, foreign, broken, expired, oversized and
//! repeated. None may change a call or kill the daemon.
#![expect(clippy::unwrap_used, reason = "that is how a test fails")]

use nostr::nips::nip44;
use nostr::{EventBuilder, JsonUtil, Keys, Kind, PublicKey, Tag, TagKind, Timestamp};
use p2p_tests::{Meeting, Wire, eventually, state, transcript, until};
use serde_json::{Value, json};

/// Somebody with a key and a connection to the relay.
struct Mallory {
    keys: Keys,
    wire: Wire,
    victim: PublicKey,
}

/// Defects of a wrap.
#[derive(Default)]
struct Flaws {
    /// The seal's kind, instead of 13.
    seal_kind: Option<u16>,
    /// The id that the rumor comes with, instead of its hash.
    rumor_id: Option<String>,
    /// The rumor's author, instead of the seal's.
    author: Option<String>,
    /// The wrap's expiration.
    expiration: Option<u64>,
    /// Two bytes of the seal's signature are others.
    bad_signature: bool,
}

impl Mallory {
    fn new(meeting: &Meeting) -> Self {
        let victim = PublicKey::parse(&meeting.alice.hex()).unwrap();
        Self { keys: Keys::generate(), wire: Wire::open(meeting.relay.url()), victim }
    }

    /// Publishes a rumor of this kind, with these tags, in a wrap with these flaws.
    fn send(&mut self, kind: u16, tags: &Value, content: &str, flaws: &Flaws) {
        let author = flaws.author.clone().unwrap_or_else(|| self.keys.public_key().to_hex());
        let now = Timestamp::now().as_secs();
        let mut rumor = json!({
            "pubkey": author, "created_at": now, "kind": kind, "tags": tags, "content": content,
        });
        if let Some(id) = &flaws.rumor_id {
            rumor["id"] = id.as_str().into();
        }
        self.seal(&rumor.to_string(), flaws);
    }

    /// Seals any text, as if it were a rumor.
    fn seal(&mut self, rumor: &str, flaws: &Flaws) {
        let kind = Kind::from(flaws.seal_kind.unwrap_or(13));
        let content = self.encrypted(&self.keys, rumor);
        let seal = EventBuilder::new(kind, content).sign_with_keys(&self.keys).unwrap();
        let mut seal: Value = serde_json::from_str(&seal.as_json()).unwrap();
        if flaws.bad_signature {
            let signature = seal["sig"].as_str().unwrap().to_owned();
            seal["sig"] = format!("{}{}", "0000", &signature[4..]).into();
        }
        self.wrap(&seal.to_string(), flaws.expiration);
    }

    /// Wraps any text, as if it were a seal.
    fn wrap(&mut self, seal: &str, expiration: Option<u64>) {
        let once = Keys::generate();
        let content = self.encrypted(&once, seal);
        let mut event =
            EventBuilder::new(Kind::GiftWrap, content).tag(Tag::public_key(self.victim));
        if let Some(at) = expiration {
            event = event.tag(Tag::custom(TagKind::Expiration, [at.to_string()]));
        }
        let event = event.sign_with_keys(&once).unwrap();
        self.publish(&event.as_json());
    }

    fn encrypted(&self, by: &Keys, text: &str) -> String {
        nip44::encrypt(by.secret_key(), &self.victim, text, nip44::Version::V2).unwrap()
    }

    /// The relay may refuse it: then it never reaches anybody, which is as well.
    fn publish(&mut self, event: &str) {
        let event: Value = serde_json::from_str(event).unwrap();
        let _ = self.wire.publish(&event);
    }

    /// The `p` tag of the victim, and more tags.
    fn to(&self, more: &[[&str; 2]]) -> Value {
        let mut tags = vec![json!(["p", self.victim.to_hex()]), json!(["v", "1"])];
        tags.extend(more.iter().map(|tag| json!(tag)));
        tags.into()
    }
}

const CONTROL: u16 = 25714;
const STREAM: [&str; 2] = ["stream", "0123456789abcdef"];

#[test]
fn forged_and_broken_events_change_nothing() {
    let meeting = Meeting::new();
    let talk = meeting.call("real business");
    meeting.bob.json(&["send", "one", "--until", "delivered", "--wait", "60"]);
    let pid = meeting.alice.daemon_pid();
    let mut mallory = Mallory::new(&meeting);
    let call = ["call", talk.id.as_str()];
    let bob = meeting.bob.hex();
    let fine = Flaws::default();

    // As Bob: the seal tells who it was.
    let as_bob = || Flaws { author: Some(bob.clone()), ..Flaws::default() };
    let words = mallory.to(&[call, STREAM, ["n", "1"]]);
    mallory.send(14, &words, "I am Bob", &as_bob());
    let end = mallory.to(&[call, ["type", "end"]]);
    let closing = json!({"reason": "completed", "text": "forged"}).to_string();
    mallory.send(CONTROL, &end, &closing, &as_bob());
    // A seal that is none, a signature that does not hold, an id that is another's.
    for flaws in [
        Flaws { seal_kind: Some(1), ..Flaws::default() },
        Flaws { seal_kind: Some(1), ..as_bob() },
        Flaws { bad_signature: true, ..Flaws::default() },
        Flaws { rumor_id: Some("0".repeat(64)), ..Flaws::default() },
        Flaws { expiration: Some(1_600_000_000), ..Flaws::default() },
    ] {
        mallory.send(14, &mallory.to(&[]), "flawed", &flaws);
    }
    // Genuinely Mallory's, for a call of others: accept, end and all the rest.
    for kind in ["accept", "established", "ringing", "ended", "reject", "cancel", "end"] {
        let tags = mallory.to(&[call, ["type", kind]]);
        mallory.send(CONTROL, &tags, &closing, &fine);
    }
    mallory.send(14, &words, "in your call", &fine);
    mallory.send(
        CONTROL,
        &mallory.to(&[call, STREAM, ["n", "1"], ["type", "chunk"]]),
        "AAAA",
        &fine,
    );
    mallory.send(CONTROL, &mallory.to(&[["type", "reset"], STREAM, ["n", "1"]]), "", &fine);
    // For everybody, with a third person in the room.
    let mut room = mallory.to(&[]);
    room.as_array_mut().unwrap().push(json!(["p", bob]));
    mallory.send(14, &room, "to a group", &fine);
    // Nonsense in every layer.
    for (kind, tags, content) in [
        (CONTROL, mallory.to(&[]), "no type"),
        (CONTROL, mallory.to(&[["type", "offer"]]), "no call"),
        (CONTROL, mallory.to(&[["type", "offer"], ["call", "not-a-uuid"]]), "{}"),
        (CONTROL, mallory.to(&[["type", "offer"], call]), "{\"topic\":7}"),
        (CONTROL, mallory.to(&[["type", "end"], call]), "]["),
        (CONTROL, mallory.to(&[["type", "what"], call, STREAM, ["n", "-1"]]), ""),
        (CONTROL, mallory.to(&[["type", "file"], call, STREAM, ["n", "99999999999999999999"]]), ""),
        (CONTROL, json!([]), ""),
        (CONTROL, json!([[]]), ""),
        (9999, mallory.to(&[]), "another kind"),
        (14, json!([["p"], ["p", "x"]]), "to nobody"),
    ] {
        mallory.send(kind, &tags, content, &fine);
    }
    mallory.seal("no rumor", &fine);
    mallory.seal("{\"kind\":14}", &fine);
    mallory.wrap("no seal", None);
    mallory.wrap("{}", None);
    let garbage =
        EventBuilder::new(Kind::GiftWrap, "no ciphertext").tag(Tag::public_key(mallory.victim));
    let garbage = garbage.sign_with_keys(&Keys::generate()).unwrap().as_json();
    mallory.publish(&garbage);
    let huge =
        EventBuilder::new(Kind::GiftWrap, "A".repeat(300_000)).tag(Tag::public_key(mallory.victim));
    let huge = huge.sign_with_keys(&Keys::generate()).unwrap().as_json();
    mallory.publish(&huge);

    // The relay serves in order: once this has arrived, all of that has.
    mallory.send(14, &json!([["p", mallory.victim.to_hex()]]), "the last of it", &fine);
    let inbox = eventually("the honest message", || {
        let inbox = meeting.alice.json(&["inbox", "--peek"]);
        let items = inbox["items"].as_array()?.clone();
        items.iter().any(|i| i["message"]["text"] == "the last of it").then_some(items)
    });
    let texts: Vec<&str> = inbox.iter().filter_map(|i| i["message"]["text"].as_str()).collect();
    assert_eq!(texts, ["one", "the last of it"]);
    assert_eq!(state(&meeting.alice, &talk.alice), "active");
    assert_eq!(meeting.alice.json(&["calls"])["calls"].as_array().unwrap().len(), 1);

    // The call goes on, in the same process.
    meeting.bob.json(&["send", "two", "--until", "delivered", "--wait", "60"]);
    assert_eq!(meeting.alice.daemon_pid(), pid);
    let said: Vec<String> = meeting.same_transcript(&talk).into_iter().map(|s| s.text).collect();
    assert_eq!(said, ["one", "two"]);
}

#[test]
fn only_the_parties_can_answer_or_end_a_ringing_call() {
    let meeting = Meeting::new();
    let talk = meeting.ring("for Bob alone");
    let (alice, bob) = (&meeting.alice, &meeting.bob);
    until("it rings there", || state(alice, &talk.alice) == "ringing");
    let mut mallory = Mallory::new(&meeting);
    let closing = json!({"reason": "declined", "text": "forged"}).to_string();
    for victim in [alice, bob] {
        mallory.victim = PublicKey::parse(&victim.hex()).unwrap();
        for kind in ["accept", "established", "ringing", "reject", "cancel", "end", "ended"] {
            let tags = mallory.to(&[["call", &talk.id], ["type", kind]]);
            mallory.send(CONTROL, &tags, &closing, &Flaws::default());
        }
        // The relay serves in order: once this has arrived, all of that has.
        let room = json!([["p", mallory.victim.to_hex()]]);
        mallory.send(14, &room, "the last of it", &Flaws::default());
        until("the honest message", || victim.json(&["status"])["unread_dms"] == 1);
    }
    assert_eq!(state(alice, &talk.alice), "ringing");
    assert_eq!(state(bob, &talk.bob), "incoming");
    bob.json(&["answer", "accept", "--call", &talk.bob, "--wait", "60"]);
    alice.json(&["send", "to you", "--until", "delivered", "--wait", "60"]);
    let said: Vec<String> = meeting.same_transcript(&talk).into_iter().map(|s| s.text).collect();
    assert_eq!(said, ["to you"]);
}

#[test]
fn an_event_that_a_relay_repeats_counts_once() {
    let meeting = Meeting::new();
    let talk = meeting.call("again and again");
    for text in ["one", "two", "three"] {
        meeting.bob.json(&["send", text, "--until", "delivered", "--wait", "60"]);
    }
    // Words from an ordinary app have no number that would tell them from their like.
    let mut person = Mallory::new(&meeting);
    person.send(14, &json!([["p", person.victim.to_hex()]]), "a word aside", &Flaws::default());
    until("the word", || meeting.alice.json(&["status"])["unread_dms"] == 1);
    let mut wire = Wire::open(meeting.relay.url());
    let wraps = wire.ask(&json!({"kinds": [1059], "#p": [meeting.alice.hex()]}));
    assert!(wraps.len() >= 5, "offer, established and words: {}", wraps.len());
    // A new process has forgotten which wraps it opened; the relay serves them all again.
    meeting.alice.kill9();
    meeting.alice.json(&["status"]);
    for wrap in &wraps {
        let _ = wire.publish(wrap);
    }
    meeting.bob.json(&["send", "four", "--until", "delivered", "--wait", "60"]);
    let said: Vec<String> =
        transcript(&meeting.alice, &talk.alice).into_iter().map(|s| s.text).collect();
    assert_eq!(said, ["one", "two", "three", "four"]);
    assert_eq!(meeting.alice.json(&["status"])["unread_dms"], 1);
    assert_eq!(state(&meeting.alice, &talk.alice), "active");
}

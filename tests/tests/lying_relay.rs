//! A relay that lies: it serves altered copies, events of other subscriptions, garbage and
//! repetitions, and accepts events only to lose them. Beside an honest relay it does no harm.
#![expect(clippy::unwrap_used, reason = "that is how a test fails")]

use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use nostr::nips::nip44;
use nostr::{EventBuilder, JsonUtil, Keys, Kind, PublicKey, Tag, Timestamp};
use p2p_tests::{Agent, Meeting, Relay, Wire, eventually, state, until};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, WebSocket, accept};

/// A liar. Its threads end with the test's process.
struct Liar {
    url: String,
    /// Events that it serves to every subscription for messages.
    served: Arc<Mutex<Vec<Value>>>,
}

impl Liar {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        let served = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&served);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let served = Arc::clone(&shared);
                thread::spawn(move || lie(stream, &served));
            }
        });
        Self { url, served }
    }

    /// Serves these events, and before each of them altered copies.
    fn serve(&self, events: &[Value]) {
        let altered = |event: &Value, field: &str, value: Value| {
            let mut event = event.clone();
            event[field] = value;
            event
        };
        let copies = |event: &Value| {
            let content = event["content"].as_str().unwrap_or_default();
            let sig = event["sig"].as_str().unwrap_or_default();
            [
                altered(event, "content", format!("{}A", &content[..content.len() - 1]).into()),
                altered(event, "sig", format!("{}00", &sig[..sig.len() - 2]).into()),
                altered(event, "pubkey", "7".repeat(64).into()),
                altered(event, "kind", 1.into()),
                altered(event, "tags", json!([])),
                event.clone(),
                event.clone(),
            ]
        };
        *self.served.lock().unwrap() = events.iter().flat_map(copies).collect();
    }
}

/// Serves one connection.
fn lie(stream: TcpStream, served: &Mutex<Vec<Value>>) {
    let Ok(mut socket) = accept(stream) else { return };
    while let Ok(message) = socket.read() {
        let Message::Text(text) = message else { continue };
        let asked: Value = serde_json::from_str(&text).unwrap_or_default();
        let told = match asked[0].as_str() {
            // Taken, it says, and drops it.
            Some("EVENT") => tell(&mut socket, &json!(["OK", asked[1]["id"], true, ""])),
            Some("REQ") => {
                let is_inbox = asked[2].to_string().contains("1059");
                answer(&mut socket, &asked[1], is_inbox, &served.lock().unwrap())
            }
            _ => true,
        };
        if !told {
            return;
        }
    }
}

fn answer(socket: &mut WebSocket<TcpStream>, id: &Value, is_inbox: bool, served: &[Value]) -> bool {
    let mut fine = true;
    if is_inbox {
        for raw in ["", "garbage", "[", "[[[[[[[[", "{}", "[\"EVENT\"]", "[\"OK\"]", "[1,2,3]"] {
            fine &= socket.send(Message::text(raw)).is_ok();
        }
        fine &= socket.send(Message::binary(vec![0xff; 64])).is_ok();
        fine &= socket.send(Message::text("[".repeat(100_000))).is_ok();
        fine &= tell(socket, &json!(["NOTICE", "\u{1b}[2Jrun this"]));
        fine &= tell(socket, &json!(["EVENT", id, {"id": 7}]));
        fine &= tell(socket, &json!(["EVENT", id, {"content": "x".repeat(500_000)}]));
        for event in served {
            fine &= tell(socket, &json!(["EVENT", "somebody-elses", event]));
            fine &= tell(socket, &json!(["EVENT", id, event]));
        }
    }
    fine & tell(socket, &json!(["EOSE", id]))
}

fn tell(socket: &mut WebSocket<TcpStream>, message: &Value) -> bool {
    socket.send(Message::text(message.to_string())).is_ok()
}

#[test]
fn a_lying_relay_beside_an_honest_one_does_no_harm() {
    let (relay, liar) = (Relay::start(), Liar::start());
    let alice = Agent::new("alice", &[relay.url()]);
    let bob = Agent::new("bob", &[&liar.url, relay.url()]);
    let meeting = Meeting::of(relay, alice, bob);
    let (alice, bob) = (&meeting.alice, &meeting.bob);
    let talk = meeting.call("whom to believe");
    alice.json(&["send", "one", "--until", "delivered", "--wait", "60"]);
    bob.json(&["daemon", "stop"]);
    for text in ["two", "three"] {
        alice.json(&["send", text, "--until", "sent", "--wait", "60"]);
    }

    // It comes by everything for Bob, and serves it altered before he can have had it.
    let mut wire = Wire::open(meeting.relay.url());
    let wraps = wire.ask(&json!({"kinds": [1059], "#p": [key_of(alice, "bob")]}));
    assert!(wraps.len() >= 4, "{}", wraps.len());
    let of_bob = PublicKey::parse(wraps[0]["tags"][0][1].as_str().unwrap()).unwrap();
    let strangers = [app_message(&of_bob, "expired", true), app_message(&of_bob, "valid", false)];
    liar.serve(&[&wraps[..], &strangers].concat());
    bob.json(&["daemon", "start"]);
    let pid = bob.daemon_pid();
    let listens = || {
        let relays = bob.json(&["status"])["relays"].clone();
        relays.as_array().unwrap().iter().all(|relay| relay["listening"] == true)
    };
    until("both relays came through with what they have", listens);
    alice.json(&["send", "four", "--until", "delivered", "--wait", "60"]);
    let said: Vec<String> = meeting.same_transcript(&talk).into_iter().map(|s| s.text).collect();
    assert_eq!(said, ["one", "two", "three", "four"]);
    let inbox = bob.json(&["inbox", "--last", "20"]).to_string();
    assert_eq!(inbox.matches("\"valid\"").count(), 1);
    assert!(!inbox.contains("\"expired\""), "a relay may serve it all the same (NIP-40)");
    assert_eq!(state(bob, &talk.bob), "active");
    assert_eq!(bob.daemon_pid(), pid);
}

#[test]
fn a_message_that_only_a_lying_relay_took_is_not_delivered() {
    let liar = Liar::start();
    let alice = Agent::new("alice", &[&liar.url]);
    let npub = Agent::new("bob", &[&liar.url]).npub();
    // It knows nothing of where Bob is, whatever it was told.
    let (error, result) =
        alice.run(&["call", &npub, "hello?", "--wait", "60", "--json"]).failure(8);
    assert_eq!(error.code, p2p_ipc::ErrorCode::Unreachable);
    assert_eq!(result["call"]["reason"], "unreachable");
    // A relay that hangs up on every connection is one that is not connected, and says why.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    thread::spawn(move || listener.incoming().for_each(drop));
    let carol = Agent::new("carol", &[&url]);
    let relay = eventually("it was tried", || {
        let relay = carol.json(&["status"])["relays"][0].clone();
        relay["cause"].is_string().then_some(relay)
    });
    assert_eq!((&relay["connected"], &relay["listening"]), (&false.into(), &false.into()));
    assert_eq!(carol.run(&["list", "--json"]).failure(5).0.code, p2p_ipc::ErrorCode::NoRelay);
}

/// A message from somebody's app, in a wrap that may be past its expiration.
fn app_message(to: &PublicKey, text: &str, is_expired: bool) -> Value {
    let (keys, once) = (Keys::generate(), Keys::generate());
    let sealed = |by: &Keys, text: &str| {
        nip44::encrypt(by.secret_key(), to, text, nip44::Version::V2).unwrap()
    };
    let rumor = EventBuilder::private_msg_rumor(*to, text).build(keys.public_key());
    let seal = EventBuilder::new(Kind::Seal, sealed(&keys, &rumor.as_json()));
    let seal = seal.sign_with_keys(&keys).unwrap();
    let tags = [Tag::public_key(*to), Tag::expiration(Timestamp::from(1_600_000_000))];
    let wrap = EventBuilder::new(Kind::GiftWrap, sealed(&once, &seal.as_json()))
        .tags(tags.into_iter().take(if is_expired { 2 } else { 1 }));
    serde_json::from_str(&wrap.sign_with_keys(&once).unwrap().as_json()).unwrap()
}

/// The key of a contact, in hex.
fn key_of(agent: &Agent, name: &str) -> String {
    let contacts = agent.json(&["contacts"])["contacts"].as_array().cloned().unwrap_or_default();
    let contact = contacts.iter().find(|contact| contact["peer"]["name"] == name);
    contact.and_then(|c| c["peer"]["hex"].as_str()).unwrap_or_default().to_owned()
}

//! Calls from end to end with the real binary: find each other, ring, talk, pass files, ask a human,
//! end; and every other outcome of a call.

use std::fs;

use p2p_ipc::ErrorCode;
use p2p_tests::{Agent, Meeting, Relay, eventually, handle_of, state, transcript, until};
use serde_json::Value;

/// Returns the names that the agents of `list` claim.
fn online(agent: &Agent, args: &[&str]) -> Vec<String> {
    let listed = agent.json(&[&["list"], args].concat());
    assert_eq!(listed["relays"][0]["answered"], true, "{listed}");
    let agents = listed["agents"].as_array().cloned().unwrap_or_default();
    agents.iter().filter_map(|agent| agent["peer"]["claimed"].as_str().map(String::from)).collect()
}

/// The one item of a kind among what an agent has not read, once it is there; all is read then.
fn item(agent: &Agent, kind: &str) -> Value {
    eventually(&format!("an item: {kind}"), || {
        let inbox = agent.json(&["inbox"]);
        inbox["items"].as_array()?.iter().find(|item| item["kind"] == kind).cloned()
    })
}

#[test]
fn two_agents_find_each_other_call_talk_and_end() {
    let relay = Relay::start();
    let alice = Agent::new("alice", &[relay.url()]).with("P2P_CAPABILITIES", "planning");
    let bob = Agent::new("bob", &[relay.url()]).with("P2P_CAPABILITIES", "docs,translation");
    bob.json(&["daemon", "start"]);
    until("alice sees bob", || online(&alice, &[]) == ["bob"]);
    until("bob sees alice", || online(&bob, &[]) == ["alice"]);
    assert_eq!(online(&alice, &["--can", "translation"]), ["bob"]);
    assert!(online(&alice, &["--can", "planning"]).is_empty(), "an agent is not its own peer");

    // A claimed name is no name; the error tells the key behind it.
    let unknown = alice.fails(6, &["call", "bob", "docs"]);
    assert_eq!(unknown.code, ErrorCode::NoAgent);
    assert!(unknown.hint.unwrap().contains(&bob.npub()));
    // The beginning of a key that list showed is one.
    let prefix = bob.npub()[..14].to_owned();
    let placed = alice.json(&["call", &prefix, "docs", "-m", "Hello Bob", "--note", "issue 12"]);
    assert_eq!(placed["call"]["note"], "issue 12");
    let knock = item(&bob, "knock");
    assert_eq!(knock["call"]["topic"], "docs");
    assert_eq!(knock["call"]["peer"]["claimed"], "alice");
    assert_eq!(knock["call"]["note"], Value::Null, "a note is never sent");
    assert_eq!(
        (&knock["message"]["text"], &knock["message"]["untrusted"]),
        (&"Hello Bob".into(), &true.into())
    );
    let call = placed["call"]["handle"].as_str().unwrap();
    assert_eq!(state(&alice, call), "dialing", "a knock is not disclosed");

    bob.json(&["answer", "accept", "--wait", "60"]);
    item(&alice, "answered");
    for n in 1..=3 {
        alice.json(&["send", &format!("question {n}")]);
        bob.json(&["send", &format!("answer {n}"), "--until", "delivered", "--wait", "60"]);
    }
    let talk = p2p_tests::Talk {
        alice: call.into(),
        bob: knock["call"]["handle"].as_str().unwrap().into(),
        id: placed["call"]["id"].as_str().unwrap().into(),
    };
    bob.json(&["end", "Thanks"]);
    let end = item(&alice, "end");
    assert_eq!(end["call"]["reason"], "completed");
    assert_eq!(end["call"]["reason_text"], "Thanks");
    assert_eq!(end["call"]["ended_by_peer"], true);
    let meeting = Meeting { alice, bob, relay };
    let said = meeting.same_transcript(&talk);
    let words = |by_caller| -> Vec<&str> {
        said.iter().filter(|s| s.by_caller == by_caller).map(|s| s.text.as_str()).collect()
    };
    assert_eq!(words(true), ["Hello Bob", "question 1", "question 2", "question 3"]);
    assert_eq!(words(false), ["answer 1", "answer 2", "answer 3"]);
}

#[test]
fn a_contact_sees_ringing_and_messages_arrive_in_order() {
    let meeting = Meeting::new();
    let (alice, bob) = (&meeting.alice, &meeting.bob);
    let talk = meeting.ring("in order");
    until("alice is told", || state(alice, &talk.alice) == "ringing");
    assert_eq!(state(bob, &talk.bob), "incoming");
    assert_eq!(item(bob, "ring")["call"]["peer"]["name"], "alice");
    // Nothing is said in a call that rings here, before it is answered.
    for args in [&["send", "yes?"][..], &["sendfile", "a.md", "aGk="]] {
        let named = bob.fails(6, &[args, &["--call", &talk.bob]].concat());
        assert_eq!(named.code, ErrorCode::CallState);
        assert_eq!(named.hint.unwrap(), format!("p2p answer accept --call {}", talk.bob));
        let none = bob.fails(6, args);
        assert_eq!(none.code, ErrorCode::NoCall);
        let wanted = format!("no active call; {} (alice) is ringing: answer it first", talk.bob);
        assert_eq!(none.message, wanted);
    }
    // The same call again is the same call, and may wait.
    let again = alice.start(&["call", "bob", "in order", "--wait", "60", "--json"]);
    bob.json(&["answer", "accept"]);
    let again = again.end().result(0);
    assert_eq!(
        (&again["call"]["handle"], &again["created"]),
        (&talk.alice.as_str().into(), &false.into())
    );
    let words: Vec<String> =
        (0..20).map(|n| format!("word {n}: \u{202e}naïve\t日本\u{1b}[2J")).collect();
    for word in &words {
        alice.json(&["send", word]);
    }
    let mut read = Vec::new();
    until("all is there", || {
        let inbox = bob.json(&["inbox", "--call", &talk.bob]);
        let items = inbox["items"].as_array().cloned().unwrap_or_default();
        let texts = items.iter().filter(|item| item["kind"] == "message");
        read.extend(texts.filter_map(|item| item["message"]["text"].as_str().map(String::from)));
        read.len() >= words.len()
    });
    assert_eq!(read, words);
    meeting.same_transcript(&talk);
}

#[test]
fn receipts_go_from_queued_to_read() {
    let meeting = Meeting::new();
    let (alice, bob) = (&meeting.alice, &meeting.bob);
    let talk = meeting.call("receipts");
    let sent = alice.json(&["send", "one", "--until", "delivered", "--wait", "60"]);
    assert_eq!(sent["message"]["delivery"]["state"], "delivered");
    // Delivered is not read, and a peek is no reading.
    bob.json(&["inbox", "--peek"]);
    let waiting = alice.in_vain(&["send", "one", "--until", "read", "--wait", "1"]);
    assert_eq!((&waiting["reached"], &waiting["repeated"]), (&false.into(), &true.into()));
    assert_eq!(waiting["message"]["handle"], sent["message"]["handle"]);
    let read = alice.start(&["send", "one", "--until", "read", "--wait", "60", "--json"]);
    bob.json(&["inbox"]);
    assert_eq!(read.end().result(0)["message"]["delivery"]["state"], "read");
    // A reply comes with the receipt.
    let asked = alice.start(&["request", "how far?", "--wait", "60", "--json"]);
    bob.json(&["wait", "--for", "message", "--wait", "60"]);
    bob.json(&["send", "nearly there"]);
    let asked = asked.end().result(0);
    let reply = asked["reply"].as_array().unwrap().last().unwrap();
    assert_eq!(reply["message"]["text"], "nearly there");
    // A call that is over brings no reply.
    let asked = alice.start(&["request", "and now?", "--wait", "60", "--json"]);
    bob.json(&["wait", "--for", "message", "--wait", "60"]);
    bob.json(&["end", "--call", &talk.bob]);
    let (error, _) = asked.end().failure(7);
    assert_eq!(error.code, ErrorCode::CallEnded);
}

#[test]
fn files_arrive_whole_and_never_overwrite() {
    let meeting = Meeting::new();
    let (alice, bob) = (&meeting.alice, &meeting.bob);
    let talk = meeting.call("files");
    // Every byte, several chunks, and the largest that is taken.
    let bytes: Vec<u8> =
        (0..256 * 1024_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    fs::write(alice.work().join("whole.bin"), &bytes).unwrap();
    fs::write(alice.work().join("more.bin"), [&bytes[..], b"!"].concat()).unwrap();
    alice.json(&["sendfile", "whole.bin"]);
    let arrived = bob.json(&["wait", "--for", "file", "--wait", "60"]);
    let file =
        arrived["items"].as_array().unwrap().iter().find(|i| i["kind"] == "file").unwrap()["file"]
            .clone();
    assert_eq!((&file["name"], &file["state"]), (&"whole.bin".into(), &"complete".into()));
    assert_eq!(fs::read(file["path"].as_str().unwrap()).unwrap(), bytes);
    let handle = file["handle"].as_str().unwrap();
    bob.json(&["files", "get", handle, "--to", "copy.bin"]);
    assert_eq!(fs::read(bob.work().join("copy.bin")).unwrap(), bytes);
    let again = bob.fails(2, &["files", "get", handle, "--to", "copy.bin"]);
    assert_eq!(again.code, ErrorCode::LocalFile);
    let listed = bob.json(&["files"]);
    assert_eq!(listed["files"].as_array().unwrap().len(), 1);
    until("the sender knows", || alice.json(&["files"])["files"][0]["state"] == "complete");

    let too_large = alice.fails(2, &["sendfile", "more.bin"]);
    assert_eq!(too_large.code, ErrorCode::TooLarge);
    assert!(too_large.message.contains("262144"), "{}", too_large.message);
    // A name cannot leave the folder, and the same name twice is two files.
    for content in ["b25l", "dHdv"] {
        alice.json(&["sendfile", "../../evil\u{202e}.md", content]);
    }
    until("both are there", || {
        bob.json(&["files"])["files"].as_array().unwrap().len() == 3
            && bob.json(&["files"])["files"]
                .as_array()
                .unwrap()
                .iter()
                .all(|f| f["state"] == "complete")
    });
    let mut contents = Vec::new();
    for entry in fs::read_dir(bob.place().downloads).unwrap() {
        let path = entry.unwrap().path();
        assert!(path.is_file());
        contents.push(fs::read(path).unwrap());
    }
    contents.sort_by_key(Vec::len);
    contents[..2].sort();
    assert_eq!(contents, [b"one".to_vec(), b"two".to_vec(), bytes]);
    let said = meeting.same_transcript(&talk);
    assert_eq!(said.iter().filter(|said| said.kind == "file").count(), 3);
    // The end of a transcript has the files of the end; handles may be typed in any case.
    let name = talk.bob.to_uppercase() + " ";
    for (tail, files) in [("1", 1), ("3", 3)] {
        let shown = bob.json(&["transcript", &name, "--tail", tail]);
        assert_eq!(shown["files"].as_array().unwrap().len(), files, "{shown}");
    }
}

#[test]
fn an_escalation_reaches_the_peer_and_a_hook() {
    let relay = Relay::start();
    let alice = Agent::new("alice", &[relay.url()]);
    let hook = alice.work().join("hook.jsonl");
    let script = format!("cat >> {}", hook.display());
    let alice = alice.configured(&format!("[hooks]\ncommand = [\"sh\", \"-c\", \"{script}\"]\n"));
    let bob = Agent::new("bob", &[relay.url()]);
    let meeting = Meeting::of(relay, alice, bob);
    let (alice, bob) = (&meeting.alice, &meeting.bob);
    let talk = meeting.call("money");
    let told = |event: &str| {
        let lines = fs::read_to_string(&hook).unwrap_or_default();
        let told = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        told.filter(|told| told["event"] == event).collect::<Vec<_>>()
    };

    let asked = alice.json(&["escalate", "Spend 40 EUR?", "--option", "yes", "--option", "no"]);
    assert_eq!(asked["notified"], serde_json::json!(["command"]));
    let lines = told("escalate");
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["question"], "Spend 40 EUR?");
    assert_eq!(lines[0]["options"], serde_json::json!(["yes", "no"]));
    assert_eq!(
        (&lines[0]["handle"], &lines[0]["call"]),
        (&asked["handle"], &talk.alice.as_str().into())
    );
    let heard = item(bob, "message");
    assert_eq!(
        (&heard["message"]["kind"], &heard["message"]["text"]),
        (&"escalation".into(), &"Spend 40 EUR?\n[yes / no]".into())
    );
    assert_eq!(alice.json(&["questions"])["questions"][0]["handle"], asked["handle"]);

    // Without a channel to the human nobody was told, which is no success. The peer was.
    let told_nobody = bob.fails(9, &["escalate", "And me?"]);
    assert_eq!(told_nobody.code, ErrorCode::NobodyTold);
    assert!(bob.run(&["pending"]).stdout.ends_with("1 open with the owner; p2p questions\n"));
    let heard = item(alice, "message");
    assert_eq!(heard["message"]["text"], "And me?");
    // A quiet one stays here.
    assert_eq!(bob.fails(9, &["escalate", "Hush?", "--quiet"]).code, ErrorCode::NobodyTold);
    bob.json(&["send", "secret words of a peer", "--until", "delivered", "--wait", "60"]);
    let said = meeting.same_transcript(&talk);
    let said: Vec<_> = said.iter().map(|said| (said.kind.as_str(), said.text.as_str())).collect();
    assert_eq!(
        said,
        [
            ("escalation", "Spend 40 EUR?\n[yes / no]"),
            ("escalation", "And me?"),
            ("text", "secret words of a peer")
        ]
    );
    // The hook hears of messages, and never what they say.
    until("the hook heard of the message", || !told("message").is_empty());
    let questions = bob.json(&["questions"])["questions"].take();
    assert_eq!(questions[0]["peer_delivery"], Value::Null, "a quiet one stays here");
    until("the peer has the other", || {
        let asked = &bob.json(&["questions"])["questions"][1];
        assert_eq!((&asked["state"], &asked["notified"]), (&"open".into(), &serde_json::json!([])));
        ["delivered", "read"].iter().any(|state| asked["peer_delivery"]["state"] == *state)
    });
    bob.json(&["end", "secret reason"]);
    // A call that is over takes its questions with it.
    assert_eq!(bob.json(&["status"])["questions"], serde_json::json!([]));
    assert_eq!(bob.json(&["pending"])["questions"], 0);
    assert_eq!(bob.json(&["questions"])["questions"][1]["state"], "closed");
    until("the hook heard of the end", || told("end").len() == 1);
    let lines = fs::read_to_string(&hook).unwrap();
    assert!(!lines.contains("secret") && !lines.contains("And me?"), "{lines}");
}

#[test]
fn a_call_may_be_rejected_with_a_reason() {
    let meeting = Meeting::new();
    let (alice, bob) = (&meeting.alice, &meeting.bob);
    let call = alice.start(&["call", "bob", "a favour", "--wait", "60", "--json"]);
    item(bob, "ring");
    bob.json(&["answer", "reject", "Busy until noon"]);
    let (error, result) = call.end().failure(7);
    assert_eq!(error.code, ErrorCode::Declined);
    assert_eq!(result["call"]["reason_text"], "Busy until noon");
    assert_eq!(result["call"]["ended_by_peer"], true);
    let handle = result["call"]["handle"].as_str().unwrap();
    assert_eq!(alice.fails(7, &["send", "--call", handle, "oh"]).code, ErrorCode::Declined);
    until("both agree", || bob.json(&["calls"])["calls"][0]["reason"] == "declined");
}

#[test]
fn an_agent_with_too_many_calls_answers_busy() {
    let relay = Relay::start();
    let alice = Agent::new("alice", &[relay.url()]);
    let bob = Agent::new("bob", &[relay.url()]).configured("max_calls = 1\n");
    let meeting = Meeting::of(relay, alice, bob);
    let _one = meeting.call("one");
    let (error, _) =
        meeting.alice.run(&["call", "bob", "two", "--wait", "60", "--json"]).failure(7);
    assert_eq!(error.code, ErrorCode::Busy);
    // The callee learns that somebody rang.
    until("a missed call", || {
        let calls = meeting.bob.json(&["calls"]);
        calls["calls"]
            .as_array()
            .unwrap()
            .iter()
            .any(|call| call["topic"] == "two" && call["reason"] == "busy")
    });
}

#[test]
fn a_cancelled_ring_is_a_missed_call_for_the_callee() {
    let meeting = Meeting::new();
    let (alice, bob) = (&meeting.alice, &meeting.bob);
    alice.json(&["call", "bob", "never mind", "-m", "Are you there?"]);
    item(bob, "ring");
    alice.json(&["end", "found it myself"]);
    let missed = item(bob, "missed");
    assert_eq!(missed["call"]["reason"], "cancelled");
    assert_eq!(missed["call"]["reason_text"], "found it myself");
    let call = missed["call"]["handle"].as_str().unwrap();
    assert_eq!(transcript(bob, call)[0].text, "Are you there?");
    assert_eq!(bob.fails(7, &["answer", "accept", "--call", call]).code, ErrorCode::CallEnded);
    assert_eq!(bob.fails(6, &["answer", "accept"]).code, ErrorCode::NoCall);
    assert_eq!(alice.json(&["calls"])["calls"][0]["reason"], "cancelled");
    // A call that is over takes no words, whoever ended it.
    for (agent, args) in [
        (alice, &["send", "wait", "--call", "c1"][..]),
        (alice, &["sendfile", "a.md", "aGk=", "--call", "c1"]),
        (bob, &["send", "yes?", "--call", call]),
    ] {
        let over = agent.fails(7, args);
        assert_eq!(over.code, ErrorCode::CallEnded);
        assert!(over.hint.unwrap().starts_with("p2p call --back c"));
    }
}

#[test]
fn an_unanswered_ring_ends_after_its_time() {
    let meeting = Meeting::new();
    let ring = ["call", "bob", "anyone?", "--ring", "10", "--wait", "60", "--json"];
    let (error, result) = meeting.alice.run(&ring).failure(8);
    assert_eq!(error.code, ErrorCode::NoAnswer);
    assert_eq!(result["call"]["reason"], "no_answer");
    let missed = item(&meeting.bob, "missed");
    assert_eq!(
        (&missed["call"]["topic"], &missed["call"]["reason"]),
        (&"anyone?".into(), &"no_answer".into())
    );
}

#[test]
fn a_call_to_a_key_without_relays_is_unreachable() {
    let relay = Relay::start();
    let alice = Agent::new("alice", &[relay.url()]);
    // A key that nobody uses: nothing says where to reach it.
    let nobody = "npub180cvv07tjdrrgpa0j7j7tmnyl2yr6yr7l8j4s3evf6u64th6gkwsyjh6w6";
    let (error, _) = alice.run(&["call", nobody, "hello?", "--wait", "60", "--json"]).failure(8);
    assert_eq!(error.code, ErrorCode::Unreachable);
    assert_eq!(alice.fails(2, &["call", &alice.npub(), "myself"]).code, ErrorCode::Usage);

    // Without any relay it is not the peer's fault.
    let bob = Agent::new("bob", &["ws://127.0.0.1:9"]);
    assert_eq!(bob.fails(5, &["call", nobody, "hello?"]).code, ErrorCode::NoRelay);
    for args in [&["call", nobody, "hello?"][..], &["list"]] {
        let tried = bob.run(&[args, &["--wait", "1", "--json"]].concat());
        assert_eq!(tried.failure(5).0.code, ErrorCode::NoRelay);
    }
    let relays = bob.json(&["status"])["relays"].clone();
    assert_eq!(relays[0]["connected"], false);
    assert_eq!(relays[0]["cause"], "connection refused");
    assert!(relays[0]["since_ms"].as_u64().unwrap() > 0);
}

#[test]
fn with_several_open_calls_a_verb_asks_for_one() {
    let meeting = Meeting::new();
    let (alice, bob) = (&meeting.alice, &meeting.bob);
    let (one, two) = (meeting.call("one"), meeting.call("two"));
    let which = alice.fails(6, &["send", "ok"]);
    assert_eq!(which.code, ErrorCode::CallAmbiguous);
    assert!(which.message.contains("(bob) is active"), "{}", which.message);
    let hint = which.hint.unwrap();
    let asked = alice.fails(6, &["request", "how far?"]).hint.unwrap();
    for talk in [&one, &two] {
        assert!(hint.contains(&format!("p2p send --call {} \"ok\"", talk.alice)), "{hint}");
        let again = format!("p2p request --call {} \"how far?\"", talk.alice);
        assert!(asked.contains(&again), "{asked}");
        alice.json(&[
            "send",
            "--call",
            &talk.alice,
            &format!("in {}", talk.id),
            "--until",
            "delivered",
            "--wait",
            "60",
        ]);
    }
    for talk in [&one, &two] {
        let said = meeting.same_transcript(talk);
        assert_eq!(said.len(), 1);
        assert_eq!(said[0].text, format!("in {}", talk.id));
    }
    // One of them ends: the other is meant, once what came in the first is read.
    alice.json(&["end", "--call", &one.alice]);
    until("bob knows", || state(bob, &one.bob) == "ended");
    let which = bob.fails(6, &["send", "ok"]);
    assert_eq!(which.code, ErrorCode::CallAmbiguous);
    assert!(which.hint.unwrap().contains(&format!("--call {}", two.bob)));
    bob.json(&["inbox"]);
    assert_eq!(bob.json(&["send", "ok"])["call"]["handle"], two.bob.as_str());
    // Of several that ring, too, and the reason is typed once.
    let (three, four) = (meeting.ring("three"), meeting.ring("four"));
    let which = bob.fails(6, &["answer", "reject", "busy"]);
    assert!(which.message.contains("(alice) is ringing here"), "{}", which.message);
    let hint = which.hint.unwrap();
    for talk in [&three, &four] {
        assert!(
            hint.contains(&format!("p2p answer reject --call {} \"busy\"", talk.bob)),
            "{hint}"
        );
    }
}

#[test]
fn renaming_a_contact_reports_the_old_name_and_refuses_key_prefixes() {
    let relay = Relay::start();
    let (alice, bob) = (Agent::new("alice", &[relay.url()]), Agent::new("bob", &[relay.url()]));
    let npub = bob.npub();
    assert_eq!(alice.fails(2, &["contacts", "add", &npub, "cafe"]).code, ErrorCode::Usage);
    // A key that was only called may ring, and has no name.
    alice.json(&["call", &npub, "hello"]);
    let listed = alice.json(&["contacts"])["contacts"].take();
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["peer"]["name"]), (1, &Value::Null));
    for (name, old) in [("bob", Value::Null), ("rob", "bob".into()), ("rob", Value::Null)] {
        assert_eq!(alice.json(&["contacts", "add", &npub, name])["renamed_from"], old);
    }
}

#[test]
fn two_crossing_rings_become_one_call() {
    let meeting = Meeting::new();
    let (alice, bob) = (&meeting.alice, &meeting.bob);
    let calls =
        [(alice, "bob", "from alice"), (bob, "alice", "from bob")].map(|(from, to, topic)| {
            from.start(&["call", to, topic, "-m", topic, "--wait", "60", "--json"])
        });
    let [hers, his] = calls.map(|call| call.end().result(0)["call"].clone());
    assert_eq!((&hers["state"], &his["state"]), (&"active".into(), &"active".into()));
    assert_eq!(hers["id"], his["id"], "the smaller id survives on both");
    let open = |agent: &Agent| {
        let calls = agent.json(&["calls"])["calls"].as_array().cloned().unwrap();
        calls.into_iter().filter(|call| call["state"] != "ended").count()
    };
    assert_eq!((open(alice), open(bob)), (1, 1));
    let id = hers["id"].as_str().unwrap();
    let (alices, bobs) = (handle_of(alice, id).unwrap(), handle_of(bob, id).unwrap());
    alice.json(&["send", "here we are", "--until", "delivered", "--wait", "60"]);
    // What each said with its ring is in the call that both are in.
    until("nothing that was said is lost", || {
        [(alice, &alices), (bob, &bobs)].into_iter().all(|(agent, call)| {
            let said = transcript(agent, call);
            ["from alice", "from bob", "here we are"]
                .into_iter()
                .all(|text| said.iter().filter(|said| said.text == text).count() == 1)
        })
    });
}

#[test]
fn a_blocked_peer_cannot_ring_or_send() {
    let meeting = Meeting::new();
    let (alice, bob) = (&meeting.alice, &meeting.bob);
    let carol = Agent::new("carol", &[meeting.relay.url()]);
    bob.befriend(&carol);
    let talk = meeting.call("trust");
    bob.json(&["inbox"]);
    bob.json(&["contacts", "block", "alice"]);
    assert_eq!(bob.fails(9, &["call", "alice", "no"]).code, ErrorCode::Policy);
    until("a block ends the call", || state(alice, &talk.alice) == "ended");
    let sent = ["--until", "sent", "--wait", "60"];
    alice.json(&[&["dm", "bob", "please"][..], &sent].concat());
    alice.json(&["call", "bob", "another"]);
    alice.json(&[&["dm", "bob", "pretty please"][..], &sent].concat());
    // What comes after all that through the same relay is there: nothing else is.
    carol.json(&["dm", &bob.npub(), "from carol"]);
    until("carol got through", || bob.json(&["status"])["unread_dms"].as_u64() > Some(0));
    let inbox = bob.json(&["inbox", "--last", "20"]).to_string();
    assert!(inbox.contains("from carol"));
    assert!(!inbox.contains("please") && !inbox.contains("another"), "{inbox}");
    assert_eq!(bob.json(&["calls"])["calls"].as_array().unwrap().len(), 1);
}

#[test]
fn a_stranger_with_an_invite_rings_under_an_allow_list() {
    let relay = Relay::start();
    let closed = "policy = \"allow-list\"\ninvisible = true\n";
    let bob = Agent::new("bob", &[relay.url()]).configured(closed);
    let alice = Agent::new("alice", &[relay.url()]);
    let made = bob.json(&["invite", "--hours", "1"]);
    let token = made["token"].as_str().unwrap();
    assert_eq!((&made["id"], &made["uses_left"]), (&1.into(), &1.into()));
    for (path, bytes) in bob.stored() {
        let written = bytes.windows(token.len()).any(|part| part == token.as_bytes());
        assert!(!written, "the token stands in {}", path.display());
    }
    let npub = bob.npub();
    let cut = alice.fails(2, &["call", &npub, "docs", "--invite", &token[..20]]);
    assert!(cut.message.contains("cut or mistyped"), "{}", cut.message);
    // What bob has to say about it, he keeps over a restart.
    bob.kill9();
    assert_eq!(bob.json(&["invite", "list"])["invites"][0]["uses_left"], 1);
    let placed = alice.json(&["call", &npub, "docs", "--invite", token]);
    let ring = item(&bob, "ring");
    assert_eq!(ring["call"]["topic"], "docs");
    assert_eq!(ring["call"]["peer"]["contact"], true);
    assert_eq!(bob.json(&["invite", "list"])["invites"], serde_json::json!([]));
    // Who is invisible confirms nothing before it answers, and is not to be seen.
    let call = placed["call"]["handle"].as_str().unwrap();
    assert_eq!(state(&alice, call), "dialing");
    assert_eq!(online(&alice, &[]), Vec::<String>::new());
    bob.json(&["answer", "accept", "--wait", "60"]);
    until("alice is in the call", || state(&alice, call) == "active");
    assert_eq!(bob.fails(2, &["invite", "revoke", "1"]).code, ErrorCode::Usage);
}

#[test]
fn accepting_twice_is_one_answer() {
    let meeting = Meeting::new();
    let talk = meeting.ring("twice");
    let first = meeting.bob.json(&["answer", "accept"]);
    let again = meeting.bob.json(&["answer", "accept"]);
    assert_eq!(first["call"]["id"], talk.id.as_str(), "{first}");
    assert_eq!(again["call"]["id"], talk.id.as_str(), "{again}");
    until("both are in it", || state(&meeting.bob, &talk.bob) == "active");
    meeting.bob.json(&["answer", "accept"]);
    meeting.bob.json(&["end"]);
    assert_eq!(meeting.bob.fails(6, &["answer", "accept"]).code, ErrorCode::NoCall);
}

//! Daemons and relays that die: `kill -9` at random, a relay that returns empty, a clean restart.
//! Calls go on, and every message is there once.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::sys::signal::Signal;
use p2p_ipc::ErrorCode;
use p2p_tests::{
    Agent, Meeting, Relay, Running, Talk, binary, eventually, is_alive, send_signal, state,
    transcript, until,
};

/// More messages a minute than tests send.
const CHATTY: &str =
    "[limits]\nsends_per_minute = 6000\nreceives_per_minute = 6000\nturns_per_hour = 6000\n";

/// Alice and Bob, who may talk as much as they like.
fn chatty(relay: Relay) -> Meeting {
    let alice = Agent::new("alice", &[relay.url()]).configured(CHATTY);
    let bob = Agent::new("bob", &[relay.url()]).configured(CHATTY);
    Meeting::of(relay, alice, bob)
}

/// Says something as an agent does whose tool was killed, or whose daemon was: again, until it is
/// said. The same words are the same message.
fn insist(agent: &Agent, call: &str, text: &str) {
    until("a message is taken", || {
        let output = agent.run(&["send", "--call", call, text, "--json"]);
        assert!(matches!(output.code, Some(0 | 4)), "{output}");
        output.code == Some(0)
    });
}

/// Checks that a transcript holds each of these texts once.
fn once_each(meeting: &Meeting, talk: &Talk, texts: &[String]) {
    let said = meeting.same_transcript(talk);
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    for said in &said {
        *count.entry(&said.text).or_default() += 1;
    }
    assert!(count.values().all(|n| *n == 1), "something is there twice: {count:?}");
    for text in texts {
        assert_eq!(count.get(text.as_str()), Some(&1), "{text} is missing: {said:#?}");
    }
    assert_eq!(count.len(), texts.len());
}

#[test]
fn a_withdrawn_message_never_leaves() {
    let mut meeting = Meeting::on(Relay::start_to_die());
    let (alice, bob) = (&meeting.alice, &meeting.bob);
    // What waits for the answer has not gone out.
    let talk = meeting.ring("second thoughts");
    let say = |text: &str| {
        let sent = alice.json(&["send", text]);
        sent["message"]["handle"].as_str().unwrap_or_default().to_owned()
    };
    let hasty = say("hasty");
    assert_eq!(alice.json(&["cancel", &hasty])["message"]["delivery"]["state"], "cancelled");
    assert_eq!(alice.json(&["cancel", &hasty])["message"]["delivery"]["state"], "cancelled");
    say("meant");
    bob.json(&["answer", "accept", "--call", &talk.bob, "--wait", "60"]);
    until("it goes out", || heard(bob, &talk) == ["meant"]);

    // Nor has what is said while no relay is there, and it goes out by none that comes back.
    meeting.relay.kill();
    let alice = &meeting.alice;
    let cut_off = || alice.json(&["status"])["relays"][0]["connected"] == false;
    until("the relay is missed", cut_off);
    let say = |text: &str| {
        let sent = alice.json(&["send", text]);
        sent["message"]["handle"].as_str().unwrap_or_default().to_owned()
    };
    let (rash, after) = (say("rash"), say("after"));
    fs::write(alice.work().join("rash.md"), "rash").unwrap();
    let file = alice.json(&["sendfile", "rash.md"]);
    let file = file["handle"].as_str().unwrap();
    assert_eq!(alice.json(&["cancel", &rash])["message"]["delivery"]["state"], "cancelled");
    assert_eq!(alice.json(&["cancel", file])["message"]["kind"], "file");
    let text = alice.run(&["read", &rash]).exits(0);
    assert!(text.stdout.contains("cancelled"), "{text}");
    // The same words are not the message that was taken back.
    let again = alice.json(&["send", "rash"]);
    assert_eq!(again["repeated"], false);
    meeting.relay.revive();
    let (alice, bob) = (&meeting.alice, &meeting.bob);
    until("the rest goes out", || heard(bob, &talk) == ["meant", "after", "rash"]);
    let again = again["message"]["handle"].as_str().unwrap();
    for message in [after.as_str(), again] {
        assert_eq!(alice.fails(9, &["cancel", message]).code, ErrorCode::TooLate);
    }
    alice.json(&["send", "the end", "--until", "delivered", "--wait", "60"]);
    assert_eq!(heard(bob, &talk), ["meant", "after", "rash", "the end"]);
    assert_eq!(bob.json(&["files"])["files"], serde_json::json!([]));
}

/// Returns the texts of an agent's transcript.
fn heard(agent: &Agent, talk: &Talk) -> Vec<String> {
    transcript(agent, &talk.bob).into_iter().map(|said| said.text).collect()
}

/// Random moments, from a seed that a failing run prints.
struct Moments(u64);

impl Moments {
    fn new() -> Self {
        let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let given = std::env::var("KILL_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| u64::from(clock.subsec_nanos()));
        println!("again: KILL_SEED={seed}");
        Self(seed)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

#[test]
fn kill_9_of_either_daemon_loses_and_repeats_nothing() {
    let meeting = chatty(Relay::start());
    let talk = meeting.call("a long one");
    let mut moments = Moments::new();
    let mut texts = Vec::new();
    for round in 0..12 {
        let victim = if moments.below(2) == 0 { &meeting.alice } else { &meeting.bob };
        let pid = victim.daemon_pid();
        let moment = Duration::from_millis(moments.below(120));
        let say = |agent: &Agent, call: &str| {
            let name = agent.name();
            for n in 0..3 {
                insist(agent, call, &format!("{name} {round}.{n}"));
            }
        };
        thread::scope(|scope| {
            scope.spawn(|| say(&meeting.alice, &talk.alice));
            scope.spawn(|| say(&meeting.bob, &talk.bob));
            // A random moment; each run has others.
            thread::sleep(moment);
            send_signal(pid, Signal::SIGKILL);
        });
        for name in ["alice", "bob"] {
            texts.extend((0..3).map(|n| format!("{name} {round}.{n}")));
        }
        until("the killed daemon is gone", || !is_alive(pid));
        assert_eq!(
            state(victim, if victim.name() == "alice" { &talk.alice } else { &talk.bob }),
            "active"
        );
    }
    once_each(&meeting, &talk, &texts);
    // And once more, for what the last run may only have had in memory.
    meeting.alice.kill9();
    meeting.bob.kill9();
    insist(&meeting.alice, &talk.alice, "after all");
    texts.push("after all".into());
    once_each(&meeting, &talk, &texts);
}

#[test]
fn a_ring_survives_the_death_of_both_daemons() {
    let meeting = Meeting::new();
    let talk = meeting.ring("hold the line");
    meeting.bob.kill9();
    meeting.alice.kill9();
    assert_eq!(state(&meeting.bob, &talk.bob), "incoming");
    assert!(matches!(state(&meeting.alice, &talk.alice).as_str(), "dialing" | "ringing"));
    meeting.bob.json(&["answer", "accept", "--call", &talk.bob, "--wait", "60"]);
    // The one who accepted is gone before the other may have heard of it.
    meeting.bob.kill9();
    until("the caller is in the call", || state(&meeting.alice, &talk.alice) == "active");
    insist(&meeting.alice, &talk.alice, "so here we are");
    until("he is back", || state(&meeting.bob, &talk.bob) == "active");
    once_each(&meeting, &talk, &["so here we are".into()]);
    meeting.alice.json(&["end", "--call", &talk.alice]);
    meeting.alice.kill9();
    until("both know the end", || {
        state(&meeting.bob, &talk.bob) == "ended" && state(&meeting.alice, &talk.alice) == "ended"
    });
}

#[test]
fn a_file_arrives_although_either_daemon_is_killed() {
    let meeting = Meeting::new();
    let talk = meeting.call("a file");
    let mut moments = Moments::new();
    for (n, victim) in [&meeting.bob, &meeting.alice].into_iter().enumerate() {
        let name = format!("part{n}.bin");
        let bytes: Vec<u8> =
            (0..200_000_usize).map(|at| (at * 31 + n * 7 + at / 251) as u8).collect();
        fs::write(meeting.alice.work().join(&name), &bytes).unwrap();
        meeting.alice.json(&["sendfile", "--call", &talk.alice, &name]);
        thread::sleep(Duration::from_millis(moments.below(150)));
        victim.kill9();
        victim.json(&["daemon", "start"]);
        let file = eventually("the file is whole", || {
            let files = meeting.bob.json(&["files"]);
            let whole = |file: &&serde_json::Value| {
                file["name"] == name.as_str() && file["state"] == "complete"
            };
            files["files"].as_array()?.iter().find(whole).cloned()
        });
        assert_eq!(fs::read(file["path"].as_str().unwrap()).unwrap(), bytes);
    }
    until("the sender knows", || {
        let files = meeting.alice.json(&["files"]);
        files["files"].as_array().unwrap().iter().all(|file| file["state"] == "complete")
    });
    assert_eq!(meeting.same_transcript(&talk).len(), 2);
}

#[test]
fn a_relay_that_returns_empty_costs_no_message() {
    let mut meeting = chatty(Relay::start_to_die());
    let talk = meeting.call("over a bad line");
    let connected = |agent: &Agent| agent.json(&["status"])["relays"][0]["connected"] == true;
    let mut texts = Vec::new();
    for round in 0..2 {
        for (agent, call) in [(&meeting.alice, &talk.alice), (&meeting.bob, &talk.bob)] {
            let text = format!("{} before {round}", agent.name());
            agent.json(&["send", "--call", call, &text, "--until", "delivered", "--wait", "60"]);
            texts.push(text);
        }
        meeting.relay.kill();
        until("both notice", || !connected(&meeting.alice) && !connected(&meeting.bob));
        for n in 0..3 {
            for (agent, call) in [(&meeting.alice, &talk.alice), (&meeting.bob, &talk.bob)] {
                let text = format!("{} meanwhile {round}.{n}", agent.name());
                let sent = agent.json(&["send", "--call", call, &text]);
                assert_eq!(
                    sent["message"]["delivery"]["state"], "queued",
                    "nothing shows more than is known"
                );
                texts.push(text);
            }
        }
        meeting.relay.revive();
        once_each(&meeting, &talk, &texts);
    }
    // Who is online is known again, and so is where to reach them.
    until("they find each other", || {
        let online = meeting.alice.json(&["list"]);
        online["agents"][0]["peer"]["name"] == "bob"
    });
    let carol = Agent::new("carol", &[meeting.relay.url()]);
    carol.json(&["call", &meeting.bob.npub(), "hello"]);
    until("a stranger reaches him", || meeting.bob.json(&["status"])["pending"]["ringing"] == 1);
}

#[test]
fn a_restart_changes_nothing() {
    let meeting = Meeting::new();
    let (alice, bob) = (&meeting.alice, &meeting.bob);
    let talk = meeting.call("durable");
    alice.json(&["send", "--call", &talk.alice, "one", "--until", "delivered", "--wait", "60"]);
    bob.json(&["inbox"]);
    alice.json(&["send", "--call", &talk.alice, "two", "--until", "delivered", "--wait", "60"]);
    alice.json(&["dm", "bob", "a word aside", "--until", "delivered", "--wait", "60"]);
    alice.fails(9, &["escalate", "--call", &talk.alice, "--quiet", "and now?"]);
    let over = meeting.call("short");
    bob.json(&["end", "--call", &over.bob, "done"]);
    until("she knows", || state(alice, &over.alice) == "ended");
    let shows = |agent: &Agent| {
        let lists =
            [&["contacts"][..], &["calls"], &["questions"], &["inbox", "--peek"], &["files"]];
        let mut shows: Vec<_> = lists.iter().map(|list| agent.json(list)).collect();
        for call in ["c1", "c2"] {
            shows.push(agent.json(&["transcript", call]));
        }
        shows
    };
    // Receipts still travel: of "one" that it was read, and of everything that it was delivered.
    until("the first message is reported as read", || {
        let shown = alice.json(&["transcript", &talk.alice]);
        shown["messages"][0]["delivery"]["state"] == "read"
    });
    let settled = |agent: &Agent| {
        eventually("everything is delivered", || {
            let before = shows(agent);
            let open = |shown: &serde_json::Value| {
                let shown = shown.to_string();
                shown.contains("\"state\":\"sent\"") || shown.contains("\"state\":\"queued\"")
            };
            (!before.iter().any(open)).then_some(before)
        })
    };
    let before = [settled(alice), settled(bob)];
    for agent in [alice, bob] {
        let pid = agent.daemon_pid();
        agent.json(&["daemon", "stop"]);
        assert!(!is_alive(pid));
        assert_eq!(agent.fails(4, &["daemon", "status"]).code, p2p_ipc::ErrorCode::NoDaemon);
    }
    assert_eq!(shows(alice), before[0]);
    assert_eq!(shows(bob), before[1]);
    // Only what was not read before is unread now.
    let unread = bob.json(&["inbox"]).to_string();
    assert!(unread.contains("\"two\"") && unread.contains("a word aside"));
    assert!(!unread.contains("\"one\""));
    bob.json(&["send", "--call", &talk.bob, "three", "--until", "delivered", "--wait", "60"]);
    meeting.same_transcript(&talk);
}

#[test]
fn no_message_text_is_readable_on_disk() {
    let meeting = Meeting::new();
    let (alice, bob) = (&meeting.alice, &meeting.bob);
    alice.json(&["call", "bob", "zyxtopic", "-m", "zyxopening", "--note", "zyxnote"]);
    until("it rings", || bob.json(&["status"])["pending"]["ringing"] == 1);
    bob.json(&["answer", "accept", "--wait", "60"]);
    alice.json(&["send", "zyxmessage", "--until", "delivered", "--wait", "60"]);
    alice.json(&["dm", "bob", "zyxdirect", "--until", "delivered", "--wait", "60"]);
    alice.json(&["sendfile", "zyxname.txt", "enl4Y29udGVudA=="]);
    alice.fails(9, &["escalate", "zyxquestion", "--option", "zyxoption"]);
    until("the file is there", || bob.json(&["files"])["files"][0]["state"] == "complete");
    let check = |when: &str| {
        for agent in [alice, bob] {
            let stored = agent.stored();
            assert!(stored.iter().any(|(path, _)| *path == agent.place().store));
            for (path, bytes) in stored {
                let name = path.display();
                assert!(!bytes.windows(3).any(|at| at == b"zyx"), "{when}: words in {name}");
                assert!(!name.to_string().contains("zyx"), "{when}: words in a name: {name}");
                let mode = fs::metadata(&path).unwrap().permissions().mode();
                assert_eq!(mode & 0o077, 0, "{when}: {name} is open to others: {mode:o}");
            }
        }
    };
    check("while they run");
    alice.json(&["end", "zyxreason"]);
    until("he knows", || bob.json(&["calls"])["calls"][0]["state"] == "ended");
    alice.kill9();
    check("after a kill");
    bob.json(&["daemon", "stop"]);
    check("after a stop");
    // They are there, though.
    let said: Vec<String> = transcript(bob, "c1").into_iter().map(|said| said.text).collect();
    assert!(said.contains(&"zyxmessage".into()) && said.contains(&"zyxopening".into()), "{said:?}");
    assert_eq!(bob.json(&["calls"])["calls"][0]["reason_text"], "zyxreason");
    assert_eq!(alice.json(&["calls"])["calls"][0]["note"], "zyxnote");
}

/// A file that may not grow is what a full disk is to SQLite.
#[test]
fn a_full_disk_sends_nothing_and_loses_nothing() {
    let meeting = chatty(Relay::start());
    let talk = meeting.call("a small disk");
    let alice = &meeting.alice;
    alice.json(&["daemon", "stop"]);
    let line = format!("trap '' XFSZ; ulimit -f 1000; exec '{}' daemon run", binary().display());
    let mut shell = alice.command("/bin/sh");
    let cramped = Running::start("[alice] daemon run".into(), shell.args(["-c", &line]), "");
    until("the daemon is up", || alice.run(&["daemon", "status", "--json"]).code == Some(0));
    let mut texts = Vec::new();
    let refused = loop {
        assert!(texts.len() < 200, "the disk is never full");
        let text = format!("{} {}", texts.len(), "x".repeat(20_000));
        let output = alice.run(&["send", "--call", &talk.alice, &text, "--json"]);
        if output.code != Some(0) {
            let (error, _) = output.failure(1);
            assert_eq!(error.code, ErrorCode::StoreFailed, "{error}");
            break text;
        }
        texts.push(text);
    };
    assert!(!texts.is_empty());
    assert_eq!(meeting.same_transcript(&talk).len(), texts.len());
    cramped.signal(Signal::SIGTERM);
    let _ = cramped.end();
    // There is room again, and the same words are no repetition: they were never said.
    alice.json(&["send", "--call", &talk.alice, &refused]);
    texts.push(refused);
    once_each(&meeting, &talk, &texts);
}

//! The owner at a terminal, and the agent that waits for the owner, in the real binary.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

#[expect(dead_code, reason = "nothing here asks for the status")]
mod fake;

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use fake::Fake;
use nix::pty::openpty;
use p2p_ipc::codec::Request;
use serde_json::{Value, json};

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn envelope(output: &Output) -> Value {
    let text = stdout(output);
    assert_eq!(text.lines().count(), 1, "{text}");
    serde_json::from_str(&text).unwrap()
}

fn is_wait(request: &Request) -> bool {
    request.params["wait_ms"].as_u64().is_some_and(|ms| ms > 0)
}

/// `p2p` in a session of its own: without a terminal, or with the one that is its stdin.
fn in_session(p2p: &Command, options: &[&str]) -> Command {
    let mut command = fake::surroundings(p2p, "setsid");
    command.args(["--wait"]).args(options).arg(p2p.get_program()).args(p2p.get_args());
    command
}

/// Runs `p2p` at a terminal, types each line once it is asked for, and tells what stood there.
fn at_a_terminal(p2p: &Command, typed: &[(&str, &str)]) -> (Option<i32>, String) {
    let pty = openpty(None, None).unwrap();
    let mut command = in_session(p2p, &["--ctty"]);
    let theirs = || Stdio::from(pty.slave.try_clone().unwrap());
    let mut child = command.stdin(theirs()).stdout(theirs()).stderr(theirs()).spawn().unwrap();
    drop((command, pty.slave));
    let mut ours = File::from(pty.master);
    let mut shown = String::new();
    let mut typed = typed.iter();
    let mut next = typed.next();
    let mut byte = [0];
    // Once nobody holds the other end, reading fails.
    while let Ok(1) = ours.read(&mut byte) {
        shown.push(char::from(byte[0]));
        if let Some((prompt, line)) = next
            && shown.ends_with(prompt)
        {
            writeln!(ours, "{line}").unwrap();
            next = typed.next();
        }
    }
    assert!(next.is_none(), "it never asked: {shown}");
    (child.wait().unwrap().code(), shown)
}

fn told(request: &Request) -> fake::Answer {
    match request.method.as_str() {
        "owner" => Some(Ok(owned(true, false))),
        "owner_command" => Some(Ok(json!({"text": "q2 answered: yes"}))),
        _ => Some(Ok(json!(null))),
    }
}

/// A question about the call with bob; with an answer where one is given.
fn question(told: &[&str], answer: Option<&str>) -> Value {
    let state = if answer.is_some() { "answered" } else { "open" };
    json!({"handle": "q2", "call": "c7", "peer": fake::peer(), "question": "Publish?", "options": [],
        "quiet": false, "at_ms": 1, "state": state, "code": "K7QX", "notified": told, "notifying": [],
        "failed": [], "peer_delivery": null, "answer": answer, "answered_ms": 1,
        "answer_via": "dm"})
}

/// Returns the answer of `owner`, with or without an owner.
fn owned(owned: bool, pairing: bool) -> Value {
    let owner = json!({"npub": format!("npub1{}", "z".repeat(58)), "hex": "8".repeat(64),
        "since_ms": 1, "muted_until_ms": null});
    json!({"owners": if owned { vec![owner] } else { Vec::new() },
        "pairing": pairing.then(|| json!({"expires_ms": 1, "tries_left": 5})),
        "passphrase": owned, "policy": "ask", "notifiers": []})
}

/// Answers once the time to wait is up.
fn in_vain(request: &Request, answer: Value) -> fake::Answer {
    thread::sleep(Duration::from_millis(request.params["wait_ms"].as_u64().unwrap()));
    Some(Ok(answer))
}

#[test]
fn without_a_terminal_nothing_is_asked_and_nothing_is_done() {
    for args in [
        &["owner", "answer", "q2", "yes"][..],
        &["owner", "pair"],
        &["owner", "policy", "open"],
        &["owner", "passphrase"],
        &["owner", "takeover", "--call", "c7", "--json"],
    ] {
        let fake = Fake::listen(told);
        let mut command = in_session(&fake.p2p(args), &[]);
        // Neither stdin nor a variable is a terminal.
        let mut child = command
            .current_dir(fake.folder())
            .stdin(Stdio::piped())
            .env("P2P_PASSPHRASE", "secret")
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(b"secret\nsecret\nsecret\n").ok();
        let since = Instant::now();
        let output = child.wait_with_output().unwrap();
        assert!(since.elapsed() < Duration::from_secs(5));
        assert_eq!(output.status.code(), Some(9), "{args:?}: {}", stderr(&output));
        let said = stdout(&output) + &stderr(&output);
        assert!(said.contains("owner_only") && said.contains("by direct message"), "{said}");
        let asked = fake.methods();
        assert!(asked.iter().all(|method| !method.starts_with("owner_")), "{asked:?}");
    }
}

#[test]
fn what_an_owner_types_at_the_terminal_proves_it_and_is_not_shown() {
    let fake = Fake::listen(told);
    let p2p = fake.p2p(&["owner", "answer", "q2", "yes"]);
    let (code, shown) = at_a_terminal(&p2p, &[("of the owner: ", "correct horse")]);
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("q2 answered: yes") && !shown.contains("horse"), "{shown}");
    let order = fake.request("owner_command").unwrap();
    let wanted =
        json!({"command": "answer", "question": "q2", "text": "yes", "proof": "correct horse"});
    assert_eq!(order.params, wanted);
}

#[test]
fn ctrl_c_at_the_prompt_leaves_a_terminal_that_shows_what_is_typed() {
    let fake = Fake::listen(told);
    let pty = openpty(None, None).unwrap();
    let mut command = in_session(&fake.p2p(&["owner", "answer", "q2", "yes"]), &["--ctty"]);
    let theirs = || Stdio::from(pty.slave.try_clone().unwrap());
    let mut child = command.stdin(theirs()).stdout(theirs()).stderr(theirs()).spawn().unwrap();
    let mut ours = File::from(pty.master);
    let mut shown = String::new();
    let mut byte = [0];
    while !shown.ends_with("owner: ") && ours.read(&mut byte).is_ok() {
        shown.push(char::from(byte[0]));
    }
    ours.write_all(b"\x03").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(9), "{shown}");
    let flags = nix::sys::termios::tcgetattr(&pty.slave).unwrap().local_flags;
    assert!(flags.contains(nix::sys::termios::LocalFlags::ECHO));
    assert!(!fake.methods().contains(&"owner_command".into()));
}

#[test]
fn a_passphrase_is_typed_twice_alike() {
    let answer = |request: &Request| match request.method.as_str() {
        "owner" => Some(Ok(owned(false, false))),
        _ => Some(Ok(json!({}))),
    };
    for (again, exit) in [("correct horse", 0), ("correct hose", 2)] {
        let fake = Fake::listen(answer);
        let typed = [("New passphrase: ", "correct horse"), ("The same again: ", again)];
        let (code, shown) = at_a_terminal(&fake.p2p(&["owner", "passphrase"]), &typed);
        assert_eq!(code, Some(exit), "{shown}");
        let set = fake.methods().contains(&"owner_passphrase".into());
        assert_eq!(set, exit == 0, "{shown}");
    }
}

#[test]
fn a_code_is_shown_at_once_and_waited_for_where_that_is_wanted() {
    let answer = |paired: bool| {
        move |request: &Request| match request.method.as_str() {
            "owner" if is_wait(request) && !paired => in_vain(request, owned(false, true)),
            "owner" if is_wait(request) => Some(Ok(owned(true, false))),
            "owner" => Some(Ok(owned(false, false))),
            "owner_pair" => {
                Some(Ok(json!({"code": "K7QX-3M9P", "expires_ms": 1, "npub": "npub1me",
                "uri": "nostr:npub1me"})))
            }
            _ => Some(Ok(json!(null))),
        }
    };
    let fake = Fake::listen(answer(true));
    let output = fake.p2p(&["owner", "pair"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).starts_with("code: K7QX-3M9P\nto: npub1me\n"), "{}", stdout(&output));
    let output = fake.p2p(&["owner", "pair", "--wait", "60"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(text.starts_with("code: K7QX-3M9P\n") && text.matches("K7QX").count() == 1, "{text}");
    assert!(text.contains("\npaired: npub1zzz"), "{text}");
    let output = fake.p2p(&["owner", "pair", "--wait", "60", "--json"]).output().unwrap();
    assert!(stderr(&output).contains("code: K7QX-3M9P"), "{}", stderr(&output));
    assert_eq!(envelope(&output)["result"]["owner"]["hex"], "8".repeat(64));
    let fake = Fake::listen(answer(false));
    let output = fake.p2p(&["owner", "pair", "--wait", "1"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
}

#[test]
fn escalate_waits_for_the_answer_and_marks_it_as_read() {
    let answer = |request: &Request| match request.method.as_str() {
        "escalate" => Some(Ok(question(&["dm"], None))),
        "follow_question" => Some(Ok(question(&["dm"], Some("yes\nplease")))),
        "inbox" => {
            let item = json!({"seq": 5, "kind": "reply", "at_ms": 1, "call": null,
                "message": null, "file": null, "question": question(&["dm"], Some("yes")),
                "text": null});
            Some(Ok(json!({"items": [item], "remaining": 0, "call": null, "last_sent": null,
                "marks": [{"conversation": "x", "seq": 5}]})))
        }
        _ => Some(Ok(json!(null))),
    };
    let fake = Fake::listen(answer);
    let output = fake.p2p(&["escalate", "Publish?", "--wait", "20"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(text.contains("\nq2 your human answers 00:00Z (by direct message)\n  yes\n  please\n"));
    assert_eq!(fake.request("confirm").unwrap().params["marks"][0]["seq"], 5);
    let output = fake.p2p(&["escalate", "Publish?", "--wait", "20", "--json"]).output().unwrap();
    assert_eq!(envelope(&output)["result"]["answer"], "yes\nplease");
    assert_eq!(envelope(&output)["result"]["reached"], true);
}

#[test]
fn escalate_says_by_its_exit_code_that_there_is_no_answer_and_why() {
    let closed = || {
        let mut closed = question(&["dm"], None);
        closed["state"] = json!("closed");
        closed
    };
    let trying = || {
        let mut trying = question(&[], None);
        trying["notifying"] = json!(["dm"]);
        trying
    };
    for (first, then, exit, said) in [
        (question(&["dm"], None), None, 3, "nothing yet"),
        (question(&["dm"], None), Some(closed()), 7, "c7 ended before"),
        (question(&[], None), None, 9, "nobody owns this agent"),
        (question(&[], None), None, 9, "hears no questions for now"),
        (trying(), None, 9, "dm is still being tried"),
        (trying(), Some(question(&["dm"], Some("yes"))), 0, "your human answers"),
    ] {
        let muted = said.contains("hears no questions");
        let fake = Fake::listen(move |request| match request.method.as_str() {
            "escalate" => Some(Ok(first.clone())),
            "follow_question" => match &then {
                Some(then) => Some(Ok(then.clone())),
                None => in_vain(request, first.clone()),
            },
            "inbox" => Some(Ok(fake::inbox(0))),
            "owner" => Some(Ok(owned(muted, false))),
            _ => Some(Ok(json!(null))),
        });
        let output = fake.p2p(&["escalate", "Publish?", "--wait", "1"]).output().unwrap();
        assert_eq!(output.status.code(), Some(exit), "{said}: {}", stderr(&output));
        assert!((stdout(&output) + &stderr(&output)).contains(said), "{}", stdout(&output));
    }
}

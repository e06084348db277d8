//! `watch` against a daemon that answers from a table.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

#[expect(dead_code, reason = "the other tests use the rest")]
mod fake;

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Output};
use std::time::{Duration, Instant};

use fake::{Fake, message, status};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use p2p_ipc::codec::Request;
use serde_json::{Value, json};

/// A daemon whose log ends with `items` messages behind 4.
fn with_log(items: u64, text: &'static str) -> Fake {
    Fake::listen(move |request| answer(request, page(4, items, text)))
}

/// Answers the first request for the log with this page, and then has nothing more.
fn answer(request: &Request, first: Value) -> fake::Answer {
    let after = request.params["after"].as_u64();
    let waits = request.params["wait_ms"].as_u64() > Some(0);
    match request.method.as_str() {
        "status" => Some(Ok(status())),
        "watch" if waits && first["items"] == json!([]) => None,
        "watch" if after <= first["resume_after"].as_u64() => Some(Ok(first)),
        "watch" if waits => None,
        "watch" => Some(Ok(page(after.unwrap_or_default(), 0, ""))),
        _ => Some(Ok(json!(null))),
    }
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn types(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["type"].as_str().unwrap_or_default()).collect()
}

/// The next line of something that still runs.
fn next(stdout: &mut BufReader<ChildStdout>) -> Value {
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap()
}

fn signal(child: &Child, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
}

#[test]
fn a_line_an_event_and_then_the_cursor() {
    let fake = with_log(2, "hello");
    let output = fake.p2p(&["watch", "--reader", "me", "--limit", "2"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let lines = lines(&output);
    assert_eq!(types(&lines), ["snapshot", "event", "event", "end"]);
    assert!(lines.iter().all(|line| line["v"] == 2));
    assert_eq!((&lines[0]["seq"], &lines[0]["calls"][0]["handle"]), (&json!(4), &json!("c7")));
    assert_eq!((&lines[1]["seq"], &lines[2]["seq"]), (&json!(5), &json!(6)));
    assert_eq!(lines[1]["message"]["untrusted"], true);
    assert_eq!((&lines[3]["seq"], &lines[3]["events"]), (&json!(6), &json!(2)));
    let confirm = fake.request("confirm").unwrap();
    assert_eq!(confirm.params["reader"], "me");
    assert_eq!(confirm.params["marks"][1]["seq"], 6);
}

#[test]
fn without_a_reader_nothing_is_marked() {
    for args in [
        &["watch", "--limit", "2"][..],
        &["watch", "--limit", "2", "--from", "4", "--json"],
        &["watch", "--limit", "2", "--for", "message"],
    ] {
        let fake = Fake::listen(|request| {
            let mut page = page(4, 2, "hello");
            // As the daemon does.
            if request.params["reader"].is_null() {
                page["marks"] = json!([]);
            }
            answer(request, page)
        });
        let reader = if args.len() > 3 { "sub" } else { "" };
        let output = fake.p2p(args).env("P2P_READER", reader).output().unwrap();
        assert_eq!(types(&lines(&output)), ["snapshot", "event", "event", "end"], "{args:?}");
        assert!(!fake.methods().contains(&"confirm".into()), "{args:?}");
    }
}

#[test]
fn what_a_slow_stdout_did_not_take_is_not_marked() {
    // More than a pipe holds.
    let long: &'static str = "x".repeat(16 * 1024).leak();
    for kill9 in [true, false] {
        let fake = with_log(20, long);
        let mut child = fake.p2p(&["watch", "--reader", "me"]).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        assert_eq!(next(&mut stdout)["type"], "snapshot");
        assert_eq!(next(&mut stdout)["seq"], 5);
        if kill9 {
            signal(&child, Signal::SIGKILL);
            child.wait().unwrap();
            assert!(!fake.methods().contains(&"confirm".into()));
        } else {
            drop(stdout);
            assert_eq!(child.wait().unwrap().code(), Some(0), "who reads it has enough");
            let confirm = fake.request("confirm").unwrap();
            let marks = confirm.params["marks"].as_array().unwrap();
            assert!((1..19).contains(&marks.len()), "{} were marked", marks.len());
        }
    }
    // Closed from the start, and full.
    for to in [">&-", ">/dev/full"] {
        let fake = with_log(1, "hello");
        let p2p = fake.p2p(&[]);
        let line = format!("exec {} watch --reader me {to}", p2p.get_program().to_str().unwrap());
        let output = fake::surroundings(&p2p, "/bin/sh").args(["-c", &line]).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{to}");
        assert!(!fake.methods().contains(&"confirm".into()), "{to}");
    }
}

#[test]
fn it_ends_when_nobody_reads_any_more() {
    let fake = Fake::listen(|request| match request.method.as_str() {
        // Nothing comes, and requests are answered when their time is up.
        "watch" => {
            let wait = request.params["wait_ms"].as_u64().unwrap();
            std::thread::sleep(Duration::from_millis(wait));
            Some(Ok(page(4, 0, "")))
        }
        _ => answer(request, page(4, 0, "")),
    });
    let mut child = fake.p2p(&["watch"]).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    assert_eq!(next(&mut stdout)["type"], "snapshot");
    drop(stdout);
    let since = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(since.elapsed() < Duration::from_secs(20), "it goes on for nobody");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_signal_or_the_time_ends_it_with_its_last_line() {
    for by_signal in [true, false] {
        let fake = with_log(0, "");
        let wait = if by_signal { "60" } else { "0" };
        let child = fake.p2p(&["watch", "--wait", wait]).spawn().unwrap();
        if by_signal {
            fake.request("watch").unwrap();
            fake.request("watch").unwrap();
            signal(&child, Signal::SIGTERM);
        }
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(3));
        let lines = lines(&output);
        assert_eq!(types(&lines), ["snapshot", "end"]);
        assert_eq!(lines[1]["interrupted"], by_signal);
        assert_eq!((&lines[1]["reached"], &lines[1]["seq"]), (&json!(false), &json!(4)));
    }
}

#[test]
fn entries_that_are_gone_are_told_of() {
    let gone = |after: u64| {
        let mut page = page(7, 1, "hello");
        page["missed"] = json!(7 - after);
        page
    };
    let fake = Fake::listen(move |request| {
        let after = request.params["after"].as_u64().unwrap_or_default();
        let first = if after < 7 { gone(after) } else { page(after, 1, "hello") };
        answer(request, first)
    });
    // A number that is too old is refused, and the error names the first number that works.
    let output = fake.p2p(&["watch", "--from", "3", "--limit", "1", "--json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let error = &lines(&output)[0]["error"];
    assert_eq!(
        (&error["code"], &error["hint"]),
        (&json!("log_position"), &json!("p2p watch --from 7"))
    );
    // Beginning with the oldest number works; a reader that lags goes on and is told.
    for args in [&["watch", "--from", "0", "--limit", "1"][..], &["watch", "--limit", "1"]] {
        let lines = lines(&fake.p2p(args).output().unwrap());
        assert_eq!(types(&lines), ["snapshot", "lagged", "event", "end"]);
        assert_eq!((&lines[1]["seq"], &lines[2]["seq"]), (&json!(7), &json!(8)));
    }
}

/// A page of the log: so many messages behind a number.
fn page(after: u64, items: u64, text: &str) -> Value {
    let numbers = after + 1..=after + items;
    let item = |seq| {
        let mut message = message();
        message["text"] = text.into();
        json!({"seq": seq, "kind": "message", "at_ms": 1, "call": null, "message": message,
            "file": null, "text": null})
    };
    let mark = |seq| json!({"conversation": "x", "seq": seq});
    json!({"items": numbers.clone().map(item).collect::<Vec<_>>(),
        "marks": numbers.map(mark).collect::<Vec<_>>(),
        "seq": after + items, "missed": 0, "resume_after": after})
}

//! The real binary against a daemon that answers from a table.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

mod fake;

use std::io::{BufRead, BufReader, Read};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use fake::{Fake, call, inbox, message};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use p2p_ipc::codec::Request;
use p2p_ipc::{ErrorCode, RpcError};
use serde_json::{Value, json};

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The one line on stdout.
fn envelope(output: &Output) -> Value {
    let text = stdout(output);
    assert_eq!(text.lines().count(), 1, "{text}");
    serde_json::from_str(&text).unwrap()
}

fn is_wait(request: &Request) -> bool {
    request.params["wait_ms"].as_u64().is_some_and(|ms| ms > 0)
}

#[test]
fn what_stdout_took_is_confirmed() {
    let fake = Fake::listen(|request| match request.method.as_str() {
        "inbox" => Some(Ok(inbox(1))),
        _ => Some(Ok(json!(null))),
    });
    let output = fake.p2p(&["inbox", "--reader", "me"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("\n│ hello\n│ next: p2p end\n1 read, 0 left\nnext: "));
    let confirm = fake.request("confirm").unwrap();
    assert_eq!(confirm.params["marks"], json!([{"conversation": "x", "seq": 5}]));
    assert_eq!(confirm.params["reader"], "me");
}

#[test]
fn what_nobody_saw_is_not_confirmed() {
    let answer = |request: &Request| match request.method.as_str() {
        "inbox" => Some(Ok(inbox(1))),
        _ => Some(Ok(json!(null))),
    };
    for json in [&["inbox"][..], &["inbox", "--json"]] {
        let fake = Fake::listen(answer);
        let mut child = fake.p2p(json).spawn().unwrap();
        drop(child.stdout.take());
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(1));
        assert!(said.starts_with("output was cut off"), "{said}");
        assert!(!fake.methods().contains(&"confirm".into()));
    }
    // Closed from the start, open for reading only, full; and thrown away by a shell's own wish.
    for (to, code) in [(">&-", 1), ("1</dev/null", 1), (">/dev/full", 1), (">/dev/null", 0)] {
        for verb in ["inbox", "inbox --json", "wait"] {
            let fake = Fake::listen(|request| match request.method.as_str() {
                "inbox" | "wait" => Some(Ok(inbox(1))),
                _ => Some(Ok(json!(null))),
            });
            let p2p = fake.p2p(&[]);
            let line = format!("exec {} {verb} {to}", p2p.get_program().to_str().unwrap());
            let mut typed = fake::surroundings(&p2p, "/bin/sh");
            let output = typed.args(["-c", &line]).output().unwrap();
            assert_eq!(output.status.code(), Some(code), "{line}: {}", stderr(&output));
            let confirmed = fake.methods().contains(&"confirm".into());
            assert_eq!(confirmed, code == 0, "{line}");
        }
    }
    let fake = Fake::listen(answer);
    assert!(fake.p2p(&["inbox", "--peek"]).output().unwrap().status.success());
    assert!(!fake.methods().contains(&"confirm".into()));
}

#[test]
fn a_signal_ends_a_wait_with_the_report() {
    for (signal, json) in [(Signal::SIGTERM, false), (Signal::SIGINT, true)] {
        let fake = Fake::listen(|request| (!is_wait(request)).then(|| Ok(inbox(0))));
        let args = if json { &["wait", "--call", "c7", "--json"][..] } else { &["wait"] };
        let child = fake.p2p(args).spawn().unwrap();
        // Asked without waiting first, and then it waits.
        fake.request("wait").unwrap();
        fake.request("wait").unwrap();
        let since = Instant::now();
        kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(since.elapsed() < Duration::from_secs(3));
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        if json {
            let envelope = envelope(&output);
            assert_eq!(envelope["ok"], true);
            assert_eq!(envelope["result"]["reached"], false);
            assert_eq!(envelope["result"]["waiting"]["interrupted"], true);
        } else {
            let report = "nothing yet (0 s, stopped). c7 bob active\nnext: p2p wait --call c7\n";
            assert_eq!(stdout(&output), report);
        }
    }
}

#[test]
fn a_wait_in_vain_exits_with_3_and_is_no_failure() {
    let fake = Fake::listen(|_| Some(Ok(inbox(0))));
    let output = fake.p2p(&["wait", "--wait", "0", "--json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert_eq!((&envelope(&output)["ok"], &envelope(&output)["v"]), (&json!(true), &json!(2)));
}

#[test]
fn a_call_is_shown_before_it_is_waited_for_and_exits_by_how_it_ended() {
    let answer = |request: &Request| match request.method.as_str() {
        "call" => {
            Some(Ok(json!({"call": call("dialing", None), "created": true, "accepted": false,
            "message": null})))
        }
        "follow_call" if request.params["known_state"] == "dialing" => {
            Some(Ok(call("ringing", None)))
        }
        "follow_call" => Some(Ok(call("ended", Some("declined")))),
        _ => None,
    };
    let fake = Fake::listen(answer);
    let output = fake.p2p(&["call", "bob", "docs", "--wait", "20"]).output().unwrap();
    assert_eq!(output.status.code(), Some(7), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(text.starts_with("c7 dialing bob …\nc7 ringing\n"), "{text}");
    assert!(text.contains("\n│ no\n│ next: x\n"), "{text}");
    assert!(stderr(&output).starts_with("Error: bob declined c7 [declined]\n"));
    let fake = Fake::listen(answer);
    let output = fake.p2p(&["call", "bob", "docs", "--wait", "20", "--json"]).output().unwrap();
    let envelope = envelope(&output);
    assert_eq!(envelope["error"]["code"], "declined");
    assert_eq!(envelope["result"]["call"]["state"], "ended");
    assert!(stderr(&output).contains("c7 ringing"));
}

#[test]
fn a_call_that_rings_is_known_before_the_wait_is_over() {
    let fake = Fake::listen(|request| match request.method.as_str() {
        "call" => {
            Some(Ok(json!({"call": call("ringing", None), "created": true, "accepted": false,
            "message": null})))
        }
        _ => None,
    });
    let mut child = fake.p2p(&["call", "bob", "docs", "--wait", "60"]).spawn().unwrap();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    assert_eq!(line, "c7 dialing bob …\n");
    fake.request("follow_call").unwrap();
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
    let mut rest = String::new();
    reader.read_to_string(&mut rest).unwrap();
    assert_eq!(
        rest,
        "nothing yet (0 s, stopped). c7 bob ringing there\nnext: p2p wait --call c7\n"
    );
    assert_eq!(child.wait().unwrap().code(), Some(3));
}

#[test]
fn a_reply_is_shown_and_confirmed() {
    let sent = || {
        let mut message = message();
        message["outgoing"] = json!(true);
        message["delivery"] = json!({"state": "read", "relays_ok": 1, "relays": 1});
        message
    };
    let fake = Fake::listen(move |request| match request.method.as_str() {
        "send" => Some(Ok(json!({"message": sent(), "call": call("active", None),
            "repeated": false}))),
        "follow_message" => Some(Ok(json!({"message": sent(), "reached": true,
            "call": call("active", None)}))),
        "inbox" => Some(Ok(inbox(1))),
        _ => Some(Ok(json!(null))),
    });
    let output = fake.p2p(&["request", "how far?"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("│ hello\n"), "{}", stdout(&output));
    assert_eq!(fake.request("follow_message").unwrap().params["until"], "reply");
    assert!(fake.request("confirm").is_some());
}

#[test]
fn errors_go_to_stderr_as_text_and_to_stdout_as_json_with_what_waits() {
    let answer = |_: &Request| {
        let error = RpcError::new(ErrorCode::CallAmbiguous, "which call?");
        Some(Err(error.hint("p2p send --call c7 \"ok\"")))
    };
    let fake = Fake::listen(answer);
    let output = fake.p2p(&["send", "ok"]).output().unwrap();
    assert_eq!(output.status.code(), Some(6));
    assert_eq!(stdout(&output), "");
    assert_eq!(
        stderr(&output),
        "Error: which call? [call_ambiguous, retryable]\nHint: p2p send --call c7 \"ok\"\n1 unread\n"
    );
    let output = fake.p2p(&["send", "ok", "--json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(6));
    assert_eq!(envelope(&output)["pending"]["unread"], 1);
}

#[test]
fn too_long_a_text_is_refused_before_anything_is_asked() {
    let fake = Fake::listen(|_| None);
    let path = fake.folder().join("long");
    std::fs::write(&path, "x".repeat(25 * 1024)).unwrap();
    let path = path.to_str().unwrap();
    for args in [&["send", "--text-file", path][..], &["dm", "bob", "--text-file", path]] {
        let output = fake.p2p(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains("[too_large]"), "{}", stderr(&output));
    }
    assert!(fake.methods().is_empty());
}

#[test]
fn a_named_socket_starts_nothing_and_pending_never_does() {
    let fake = Fake::listen(|_| None);
    let home = fake.folder().join("home");
    let absent = fake.folder().join("absent");
    let mut p2p = fake::p2p(&home, &["whoami", "--json"]);
    let output = p2p.env("P2P_SOCKET", &absent).output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert_eq!(envelope(&output)["error"]["code"], "no_daemon");
    let output = fake::p2p(&home, &["pending"]).output().unwrap();
    assert_eq!((output.status.code(), stdout(&output)), (Some(0), String::new()));
    let output = fake::p2p(&home, &["pending", "--json"]).output().unwrap();
    assert_eq!(envelope(&output)["result"]["unread"], 0);
    let output = fake::p2p(&home, &["daemon", "status"]).output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert!(!home.exists());
}

#[test]
fn an_older_daemon_is_named_and_can_be_stopped() {
    let mut gone = std::process::Command::new("true").spawn().unwrap();
    let pid = gone.id();
    gone.wait().unwrap();
    // As a daemon of protocol version 1 answers.
    let fake = Fake::listen_with_hello(
        |request| {
            let speaks_1 = request.params["versions"].as_array().unwrap().contains(&json!(1));
            let refused = RpcError::new(ErrorCode::Version, "this daemon speaks version 1");
            Some(if speaks_1 {
                Ok(json!({"version": 1, "daemon": "0.1.0"}))
            } else {
                Err(refused.hint("p2p daemon stop"))
            })
        },
        move |request| match request.method.as_str() {
            "status" => Some(Ok(json!({"daemon": {"pid": pid, "how": "autostarted"}}))),
            _ => Some(Ok(json!({}))),
        },
    );
    let output = fake.p2p(&["whoami", "--json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    let error = &envelope(&output)["error"];
    assert_eq!((&error["code"], &error["hint"]), (&json!("version"), &json!("p2p daemon stop")));
    let message = error["message"].as_str().unwrap();
    assert!(message.starts_with("the running daemon does not speak version 2"), "{message}");
    let output = fake.p2p(&["daemon", "stop"]).output().unwrap();
    assert_eq!(stdout(&output), "daemon stopped\n", "{}", stderr(&output));
    assert_eq!(fake.request("stop").unwrap().params, json!({}));
}

#[test]
fn accepting_with_a_wait_waits_for_a_ring() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let status = || Some(Ok(fake::status()));
    let rings = AtomicBool::new(false);
    let fake = Fake::listen(move |request| match request.method.as_str() {
        "status" => status(),
        "answer" if rings.load(Ordering::SeqCst) => Some(Ok(call("active", None))),
        "answer" => Some(Err(RpcError::new(ErrorCode::NoCall, "no call rings"))),
        "watch" => {
            assert_eq!(request.params["kinds"], json!(["ring", "knock"]));
            rings.store(true, Ordering::SeqCst);
            Some(Ok(json!({"items": [], "marks": [], "seq": 9, "missed": 0, "resume_after": 9})))
        }
        _ => None,
    });
    let output = fake.p2p(&["answer", "accept", "--wait", "60"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).starts_with("c7 bob active"), "{}", stdout(&output));

    let fake = Fake::listen(move |request| match request.method.as_str() {
        "status" => status(),
        "answer" => Some(Err(RpcError::new(ErrorCode::NoCall, "no call rings"))),
        _ => None,
    });
    let output = fake.p2p(&["answer", "accept", "--wait", "0"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let report = "nothing yet (0 s). no call rings\nnext: p2p answer accept --wait 0\n";
    assert!(stdout(&output).contains(report.split('\n').next().unwrap()), "{}", stdout(&output));
    // A call that was named is not waited for.
    let named = ["answer", "accept", "--call", "c9", "--wait", "60"];
    assert_eq!(fake.p2p(&named).output().unwrap().status.code(), Some(6));
}

#[test]
fn a_relay_whose_port_is_taken_is_no_relay() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let fake = Fake::listen(|_| None);
    let output = fake.p2p(&["relay", "--port", &port, "--json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(5));
    assert_eq!(envelope(&output)["error"]["code"], "no_relay");
}

#[test]
fn a_transcript_has_one_form() {
    let fake = Fake::listen(|_| None);
    let args = ["transcript", "--format", "markdown", "--json"];
    let output = fake.p2p(&args).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(envelope(&output)["error"]["code"], "usage");
}

#[test]
fn a_wrong_command_line_is_one_envelope_too() {
    let fake = Fake::listen(|_| None);
    let output = fake.p2p(&["sned", "--json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(envelope(&output)["error"]["code"], "usage");
    assert_eq!(envelope(&output)["pending"], Value::Null);
    let output = fake.p2p(&["send", "--help"]).stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("Examples:"));
}

//! Bad input on the socket: a confused or hostile client gets a clear error or a closed connection,
//! and the daemon answers the next client.
#![expect(clippy::panic, clippy::unwrap_used, reason = "that is how a test fails")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::Command;

use p2p_ipc::{ErrorCode, LINE_LIMIT};
use p2p_tests::{Agent, PATIENCE, Relay, Running, binary, interop};
use serde_json::{Value, json};

struct Stage {
    agent: Agent,
    pid: u32,
    _relay: Relay,
}

fn stage() -> Stage {
    let relay = Relay::start();
    let agent = Agent::new("alice", &[relay.url()]);
    agent.json(&["status"]);
    let pid = agent.daemon_pid();
    Stage { agent, pid, _relay: relay }
}

impl Stage {
    fn connect(&self) -> BufReader<UnixStream> {
        let stream = UnixStream::connect(self.agent.place().socket).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        BufReader::new(stream)
    }

    /// Connects and says hello.
    fn greeted(&self) -> BufReader<UnixStream> {
        let mut stream = self.connect();
        let hello = json!({"versions": [2], "client": "test"});
        let answer = ask(
            &mut stream,
            &json!({"jsonrpc": "2.0", "id": 1, "method": "hello", "params": hello}).to_string(),
        );
        assert_eq!(answer["result"]["version"], 2, "{answer}");
        stream
    }

    /// It is the same process as before, and it answers.
    fn lives(&self) {
        self.agent.json(&["status"]);
        assert_eq!(self.agent.daemon_pid(), self.pid);
    }
}

/// Writes a line and reads one.
fn ask(stream: &mut BufReader<UnixStream>, line: &str) -> Value {
    stream.get_mut().write_all(format!("{line}\n").as_bytes()).unwrap();
    answer(stream)
}

fn answer(stream: &mut BufReader<UnixStream>) -> Value {
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line:?}"))
}

fn code(answer: &Value) -> &str {
    answer["error"]["data"]["code"].as_str().unwrap_or_else(|| panic!("no error: {answer}"))
}

#[test]
fn garbage_gets_an_error_and_keeps_the_connection() {
    let stage = stage();
    let mut stream = stage.greeted();
    for line in ["", "garbage", "{", "[]", "null", "42", "\"x\"", "{\"id\":1}", "\u{7f}\u{1}", "{}"]
    {
        let answer = ask(&mut stream, line);
        assert_eq!(code(&answer), ErrorCode::BadRequest.as_str(), "{line:?}");
        assert_eq!(answer["error"]["code"], -32700, "{line:?}");
    }
    stream.get_mut().write_all(b"\xff\xfe\x00\n").unwrap();
    assert_eq!(code(&self::answer(&mut stream)), "bad_request");
    let wrong = ask(&mut stream, r#"{"jsonrpc":"1.0","id":7,"method":"status"}"#);
    assert_eq!((code(&wrong), &wrong["id"]), ("bad_request", &7.into()));
    let unknown = ask(&mut stream, r#"{"jsonrpc":"2.0","id":8,"method":"format_disk"}"#);
    assert_eq!((code(&unknown), &unknown["error"]["code"]), ("unknown_method", &(-32601).into()));
    assert!(unknown["error"]["data"]["message"].as_str().unwrap().contains("status"));
    for params in ["[]", "7", "{\"limit\":\"many\"}", "{}"] {
        let line = format!(r#"{{"jsonrpc":"2.0","id":9,"method":"list","params":{params}}}"#);
        let answer = ask(&mut stream, &line);
        assert_eq!(
            (code(&answer), &answer["error"]["code"]),
            ("usage", &(-32602).into()),
            "{line}"
        );
    }
    let fine = ask(&mut stream, r#"{"jsonrpc":"2.0","id":10,"method":"pending"}"#);
    assert_eq!(fine["result"]["unread"], 0);
    stage.lives();
}

#[test]
fn an_oversized_line_closes_the_connection_with_a_reason() {
    let stage = stage();
    let mut stream = stage.greeted();
    let long = vec![b'x'; LINE_LIMIT + 10];
    // The daemon stops reading at the limit, so that the rest may find nobody.
    let _ = stream.get_mut().write_all(&long);
    assert_eq!(code(&answer(&mut stream)), "too_large");
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert!(rest.is_empty());
    stage.lives();
}

#[test]
fn a_connection_needs_a_hello_with_a_known_version() {
    let stage = stage();
    let mut stream = stage.connect();
    let early = ask(&mut stream, r#"{"jsonrpc":"2.0","id":1,"method":"stop"}"#);
    assert_eq!(code(&early), "bad_request");
    for (versions, side) in [("[9]", "older"), ("[1]", "newer")] {
        let hello = format!(
            r#"{{"jsonrpc":"2.0","id":2,"method":"hello","params":{{"versions":{versions},"client":"t"}}}}"#
        );
        let refused = ask(&mut stream, &hello);
        assert_eq!(code(&refused), "version");
        let message = refused["error"]["data"]["message"].as_str().unwrap();
        assert!(message.starts_with(&format!("the running daemon is {side} than")), "{message}");
    }
    let still = ask(&mut stream, r#"{"jsonrpc":"2.0","id":3,"method":"status","params":{}}"#);
    assert_eq!(code(&still), "bad_request");
    stage.lives();
}

#[test]
fn silent_and_vanished_clients_block_no_others() {
    let stage = stage();
    for half in ["", "{\"jsonrpc\"", "\n\n\n"] {
        let mut stream = stage.connect();
        let _ = stream.get_mut().write_all(half.as_bytes());
    }
    let silent: Vec<_> = (0..60).map(|_| stage.connect()).collect();
    let mut waiting = stage.greeted();
    let wait = json!({"inbox": {"limit": 20, "max_bytes": 1000}, "wait_ms": 600_000});
    let line = json!({"jsonrpc": "2.0", "id": 2, "method": "wait", "params": wait});
    waiting.get_mut().write_all(format!("{line}\n").as_bytes()).unwrap();
    stage.lives();
    drop((silent, waiting));
    stage.lives();
}

#[test]
fn the_socket_refuses_other_users() {
    let test = "the_socket_refuses_other_users";
    if !nix::unistd::geteuid().is_root() {
        return interop::skipped(test, "root, to become another user", "run the tests as root");
    }
    let stage = stage();
    let socket = stage.agent.place().socket;
    let folder = socket.parent().unwrap();
    assert_eq!(fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    // A copy, because the build may lie where only root can go.
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = folder.path().join("p2p");
    // By another process: a child of a test beside this one may hold what is open for writing
    // here, and then nobody can start it.
    assert!(Command::new("cp").arg(binary()).arg(&program).status().unwrap().success());
    let foreigner = || {
        let mut command = Command::new(&program);
        command.args(["status", "--json"]).uid(65534).gid(65534).env_clear().current_dir("/");
        command.env("P2P_HOME", folder.path()).env("P2P_SOCKET", &socket);
        Running::start("p2p status, as nobody".into(), &mut command, "").end()
    };
    let (outside, _) = foreigner().failure(4);
    assert_eq!(outside.code, ErrorCode::NoDaemon, "the folder keeps others out");
    // Somebody opened every door on the way: the uid is checked all the same.
    for door in socket.ancestors().skip(1).take_while(|door| *door != std::path::Path::new("/tmp"))
    {
        let mode = fs::metadata(door).map(|m| m.permissions().mode()).unwrap_or_default();
        let _ = fs::set_permissions(door, fs::Permissions::from_mode(mode | 0o055));
    }
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o666)).unwrap();
    let (refused, _) = foreigner().failure(2);
    assert_eq!(refused.code, ErrorCode::BadRequest);
    assert!(refused.message.contains("another user"), "{refused}");
    stage.lives();
}

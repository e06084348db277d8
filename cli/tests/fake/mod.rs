//! A daemon that answers from a table, for tests of the real binary.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use p2p_ipc::RpcError;
use p2p_ipc::codec::{Request, Response};
use serde_json::{Value, json};

/// The fake daemon's answer to a request; `None` keeps it silent.
pub type Answer = Option<Result<Value, RpcError>>;

/// A listening fake, in a folder of its own.
pub struct Fake {
    folder: PathBuf,
    requests: Receiver<Request>,
}

impl Fake {
    /// Starts to listen. Hello and pending are answered already.
    pub fn listen(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let hello = |_: &Request| Some(Ok(json!({"version": 2, "daemon": "fake"})));
        Self::listen_with_hello(hello, answer)
    }

    /// Starts to listen, with an answer to hello. Pending is answered already.
    pub fn listen_with_hello(
        hello: impl Fn(&Request) -> Answer + Send + Sync + 'static,
        answer: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let answer = move |request: &Request| match request.method.as_str() {
            "hello" => hello(request),
            "pending" => {
                Some(Ok(json!({"ringing": 0, "unread": 1, "questions": 0, "line": "1 unread"})))
            }
            _ => answer(request),
        };
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("p2p-fake-{}-{count}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let listener = UnixListener::bind(folder.join("sock")).unwrap();
        let (sender, requests) = mpsc::channel();
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (answer, sender) = (Arc::clone(&answer), sender.clone());
                thread::spawn(move || serve(stream, &*answer, &sender));
            }
        });
        Self { folder, requests }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// `p2p` with these arguments, talking to the fake.
    pub fn p2p(&self, args: &[&str]) -> Command {
        let mut command = p2p(&self.folder, args);
        command.env("P2P_SOCKET", self.folder.join("sock"));
        command
    }

    /// The next request with this method, if it comes.
    pub fn request(&self, method: &str) -> Option<Request> {
        while let Ok(request) = self.requests.recv_timeout(Duration::from_secs(5)) {
            if request.method == method {
                return Some(request);
            }
        }
        None
    }

    /// Every request so far. To be asked when the client is gone.
    pub fn methods(&self) -> Vec<String> {
        self.requests.try_iter().map(|request| request.method).collect()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Another program with what this one was given.
pub fn surroundings(of: &Command, program: &str) -> Command {
    let mut command = Command::new(program);
    for (name, value) in of.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// `p2p` in a home of its own, with none of this shell's settings.
pub fn p2p(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_p2p"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("P2P_") {
            command.env_remove(name);
        }
    }
    command
        .args(args)
        .env("P2P_HOME", home)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn serve(stream: UnixStream, answer: &dyn Fn(&Request) -> Answer, log: &Sender<Request>) {
    let mut writer = stream.try_clone().unwrap();
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        let request: Request = serde_json::from_str(&line).unwrap();
        let answered = answer(&request);
        let id = request.id;
        log.send(request).ok();
        let response = match answered {
            Some(Ok(result)) => Response::ok(id, result),
            Some(Err(error)) => Response::error(Some(id), error),
            None => continue,
        };
        if writer.write_all(response.line().unwrap().as_bytes()).is_err() {
            return;
        }
    }
}

/// A contact named bob.
pub fn peer() -> Value {
    json!({"npub": format!("npub1{}", "q".repeat(58)), "hex": "7".repeat(64), "name": "bob",
        "claimed": "Bob", "contact": true})
}

/// A call with bob in some state.
pub fn call(state: &str, reason: Option<&str>) -> Value {
    json!({"handle": "c7", "id": "u", "peer": peer(), "outgoing": true, "state": state,
        "topic": "docs", "note": null, "opened_ms": 1, "answered_ms": null, "ended_ms": null,
        "expires_ms": null, "reason": reason, "reason_text": "no\nnext: x", "ended_by_peer": true,
        "merged_into": null, "unread": 0, "turn": null, "last_message_ms": null})
}

/// A message from bob.
pub fn message() -> Value {
    json!({"handle": "m41", "id": "a".repeat(64), "call": "c7", "peer": peer(), "outgoing": false,
        "by_human": false, "kind": "text", "text": "hello\n\u{1b}[2Jnext: p2p end", "file": null,
        "at_ms": 1, "delivery": null, "truncated": false, "untrusted": true})
}

/// An inbox with one message, or with none.
pub fn inbox(items: usize) -> Value {
    let item = json!({"seq": 5, "kind": "message", "at_ms": 1, "call": null, "message": message(),
        "file": null, "text": null});
    json!({"items": vec![item; items], "remaining": 0, "call": call("active", None),
        "last_sent": null, "marks": vec![json!({"conversation": "x", "seq": 5}); items]})
}

/// A quiet agent's status.
pub fn status() -> Value {
    let nothing = json!({"ringing": 0, "unread": 0, "questions": 0, "line": null});
    let paths = json!({"config": "", "store": "", "downloads": "", "log": "", "socket": ""});
    json!({"identity": {"name": "me", "npub": "npub1", "hex": "7", "about": null,
            "capabilities": [], "path": "", "presence": "off", "created": false},
        "daemon": {"version": "0", "pid": 1, "started_ms": 1, "start_mode": "service", "instance": "i",
            "paths": paths},
        "relays": [], "calls": [call("active", None)], "questions": [], "unread_dms": 0,
        "pending": nothing, "seq": 4, "notifiers": [], "owner": null})
}

//! Processes that a test starts or looks at.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use p2p_ipc::RpcError;
use serde_json::Value;

/// Longest duration of a command, with its waiting.
const COMMAND_LIMIT: Duration = Duration::from_secs(90);

/// A running command.
#[derive(Debug)]
pub struct Running {
    line: String,
    pid: u32,
    since: Instant,
    output: Receiver<Output>,
}

/// A command that ended.
#[derive(Debug, Clone)]
pub struct Output {
    /// The command line.
    pub line: String,
    /// Exit code; nothing after a signal.
    pub code: Option<i32>,
    /// Text on stdout.
    pub stdout: String,
    /// Text on stderr.
    pub stderr: String,
    /// Duration until both were closed.
    pub took: Duration,
}

impl Running {
    /// Starts a command with `stdin` as its input.
    ///
    /// # Panics
    /// If it cannot be started.
    #[expect(clippy::unwrap_used, reason = "that is how a test fails")]
    pub fn start(line: String, command: &mut Command, stdin: &str) -> Self {
        let since = Instant::now();
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        if let Some(mut pipe) = child.stdin.take() {
            // A command that reads no stdin may close it first.
            let _ = pipe.write_all(stdin.as_bytes());
        }
        let pid = child.id();
        let (done, output) = mpsc::channel();
        let typed = line.clone();
        thread::spawn(move || {
            let _ = done.send(collect(typed, child, since));
        });
        Self { line, pid, since, output }
    }

    /// Returns its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        send_signal(self.pid, signal);
    }

    /// Tells whether it still runs.
    #[must_use]
    pub fn is_running(&self) -> bool {
        is_alive(self.pid)
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// If it does not end in time.
    #[expect(clippy::panic, reason = "that is how a test fails")]
    #[must_use]
    pub fn end(self) -> Output {
        let left = COMMAND_LIMIT.saturating_sub(self.since.elapsed());
        match self.output.recv_timeout(left) {
            Ok(output) => output,
            Err(_) => {
                send_signal(self.pid, Signal::SIGKILL);
                panic!("it did not end in {} s: {}", COMMAND_LIMIT.as_secs(), self.line);
            }
        }
    }
}

#[expect(clippy::unwrap_used, reason = "that is how a test fails")]
fn collect(line: String, mut child: Child, since: Instant) -> Output {
    let mut stderr = child.stderr.take().unwrap();
    let told = thread::spawn(move || {
        let mut text = Vec::new();
        let _ = stderr.read_to_end(&mut text);
        text
    });
    let mut stdout = Vec::new();
    let _ = child.stdout.take().unwrap().read_to_end(&mut stdout);
    let stderr = told.join().unwrap();
    let took = since.elapsed();
    let code = child.wait().unwrap().code();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Output { line, code, stdout: text(&stdout), stderr: text(&stderr), took }
}

impl Output {
    /// Checks the exit code.
    ///
    /// # Panics
    /// If it is another one.
    #[must_use]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// Returns the JSON object that `--json` prints.
    ///
    /// # Panics
    /// If stdout holds anything else.
    #[must_use]
    pub fn envelope(&self) -> Value {
        let one_line = self.stdout.ends_with('\n') && self.stdout.lines().count() == 1;
        assert!(one_line, "not exactly one line: {self}");
        let envelope: Value = serde_json::from_str(&self.stdout).unwrap_or_default();
        assert_eq!(envelope["v"], 2, "no envelope: {self}");
        let ok = envelope["ok"].as_bool();
        assert_eq!(ok, Some(envelope.get("error").is_none()), "ok and error disagree: {self}");
        assert!(envelope.get("pending").is_some(), "no pending: {self}");
        envelope
    }

    /// Returns the result of a command that exited with `code`, 0 or 3.
    ///
    /// # Panics
    /// If it exited otherwise, or failed.
    #[must_use]
    pub fn result(self, code: i32) -> Value {
        let this = self.exits(code);
        let mut envelope = this.envelope();
        assert_eq!(envelope["ok"], true, "{this}");
        envelope["result"].take()
    }

    /// Returns the error, and the result beside it. The exit code must be the error's.
    ///
    /// # Panics
    /// If there is no error, or the exit code is another one.
    #[must_use]
    #[expect(clippy::unwrap_used, reason = "that is how a test fails")]
    pub fn failure(self, code: i32) -> (RpcError, Value) {
        let this = self.exits(code);
        let mut envelope = this.envelope();
        assert_eq!(envelope["ok"], false, "{this}");
        let error: RpcError = serde_json::from_value(envelope["error"].take()).unwrap();
        assert_eq!(i32::from(error.exit_code().code()), code, "{this}");
        assert_eq!(error.retryable, error.code.retryable(), "{this}");
        (error, envelope["result"].take())
    }
}

impl std::fmt::Display for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { line, code, stdout, stderr, took } = self;
        write!(
            f,
            "$ {line}\nexit {code:?} after {took:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}"
        )
    }
}

/// Tells whether any thread of a process runs: the first one may have ended while others still hold
/// its sockets. Zombies do not count, since a container may not collect them.
#[must_use]
pub fn is_alive(pid: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let mut stats =
        threads.filter_map(|thread| fs::read_to_string(thread.path().join("stat")).ok());
    stats.any(|stat| {
        stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
    })
}

/// Sends a signal to a process, which may be gone already.
pub fn send_signal(pid: u32, signal: Signal) {
    if let Ok(pid) = i32::try_from(pid) {
        let _ = kill(Pid::from_raw(pid), signal);
    }
}

/// Returns the processes with this home: its daemon, and running verbs.
#[must_use]
pub fn living_in(home: &Path) -> Vec<u32> {
    let wanted = format!("P2P_HOME={}", home.display());
    let lives_there = |pid: &u32| {
        let environ = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environ.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
    };
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(lives_there).collect()
}

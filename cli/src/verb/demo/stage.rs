//! Surroundings of the demo: a relay, the homes of two agents, and runs of the real binary.

use std::fs::{self, DirBuilder};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use p2p_ipc::{ErrorCode, Place, RpcError};
use serde_json::Value;

use crate::render::Screen;

/// Maximum duration of one command, including its waits.
const COMMAND_LIMIT: Duration = Duration::from_secs(40);

/// The surroundings of the demo, until they are removed.
pub struct Stage {
    folder: PathBuf,
    relay: Mutex<Option<Child>>,
    relays: String,
    screen: Screen,
    since: Instant,
    steps: AtomicU32,
    closed: AtomicBool,
}

/// An agent of the demo.
#[derive(Debug, Clone, Copy)]
pub struct Agent {
    /// Its name.
    pub name: &'static str,
    /// The capabilities that the agent announces.
    pub capabilities: &'static str,
}

/// The caller.
pub const ALICE: Agent = Agent { name: "alice", capabilities: "planning" };
/// The callee.
pub const BOB: Agent = Agent { name: "bob", capabilities: "docs,translation" };

/// A command that is running.
pub struct Running {
    line: String,
    pid: u32,
    output: mpsc::Receiver<std::io::Result<Output>>,
}

/// A command that has ended.
#[derive(Debug)]
pub struct Played {
    /// The command as it would be typed.
    pub line: String,
    /// The exit code; −1 after a signal.
    pub code: i32,
    /// The output on stdout.
    pub stdout: String,
    /// The output on stderr.
    pub stderr: String,
}

impl Stage {
    /// Makes the homes and starts the relay.
    ///
    /// # Errors
    /// Fails if the homes cannot be made, or the relay does not start.
    pub fn set(screen: Screen) -> Result<Self, RpcError> {
        let folder = std::env::temp_dir().join(format!("p2p-demo-{}", std::process::id()));
        DirBuilder::new().mode(0o700).create(&folder).map_err(|e| failed("a folder", &e))?;
        let mut stage = Self {
            folder,
            relay: Mutex::default(),
            relays: String::new(),
            screen,
            since: Instant::now(),
            steps: AtomicU32::new(0),
            closed: AtomicBool::new(false),
        };
        for agent in [ALICE, BOB] {
            let work = stage.work(agent);
            DirBuilder::new()
                .mode(0o700)
                .recursive(true)
                .create(&work)
                .and_then(|()| DirBuilder::new().mode(0o700).create(stage.home(agent)))
                .map_err(|e| failed("a home", &e))?;
        }
        stage.relays = stage.start_relay()?;
        Ok(stage)
    }

    fn start_relay(&self) -> Result<String, RpcError> {
        let mut relay = Command::new(program()?)
            .args(["relay", "--port", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| failed("the relay", &e))?;
        let stdout = relay.stdout.take();
        *self.relay.lock().unwrap_or_else(PoisonError::into_inner) = Some(relay);
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let mut line = String::new();
            if let Some(stdout) = stdout {
                let mut stdout = BufReader::new(stdout);
                let _ = stdout.read_line(&mut line);
                let _ = sender.send(line);
                // Keeps the pipe open as long as the relay runs.
                let _ = stdout.read_to_end(&mut Vec::new());
            }
        });
        let line =
            receiver.recv_timeout(Duration::from_secs(10)).map_err(|e| failed("the relay", &e))?;
        match line.trim() {
            url if url.starts_with("ws://127.0.0.1:") => Ok(url.to_owned()),
            other => Err(failed("the relay", &format!("it said {other:?} instead of its address"))),
        }
    }

    /// Returns an agent's home directory.
    #[must_use]
    pub fn home(&self, agent: Agent) -> PathBuf {
        self.folder.join(agent.name).join("home")
    }

    /// Returns an agent's working directory.
    #[must_use]
    pub fn work(&self, agent: Agent) -> PathBuf {
        self.folder.join(agent.name).join("work")
    }

    /// Returns the file that Bob's hook writes.
    #[must_use]
    pub fn told_by_hook(&self) -> PathBuf {
        self.work(BOB).join("hook.jsonl")
    }

    /// Prints a sentence between two steps.
    pub fn say(&self, sentence: &str) {
        self.screen.progress("");
        self.screen.progress(sentence);
    }

    /// Runs a command to its end and shows its output.
    ///
    /// # Errors
    /// Fails if the command does not end, or exits with another code than `code`.
    pub fn run(&self, agent: Agent, args: &[&str], code: i32) -> Result<Played, RpcError> {
        self.feed(agent, args, "", code)
    }

    /// Runs a command like [`Stage::run`], with text on stdin.
    ///
    /// # Errors
    /// Fails as [`Stage::run`] does.
    pub fn feed(
        &self,
        agent: Agent,
        args: &[&str],
        stdin: &str,
        code: i32,
    ) -> Result<Played, RpcError> {
        let running = self.start(agent, args, stdin)?;
        self.finish(running, code)
    }

    /// Starts a command that a later step ends.
    ///
    /// # Errors
    /// Fails if the command cannot be started.
    pub fn start(&self, agent: Agent, args: &[&str], stdin: &str) -> Result<Running, RpcError> {
        if self.closed.load(Ordering::SeqCst) {
            return Err(RpcError::new(ErrorCode::Internal, "the demo is over"));
        }
        let mut line = format!("{}$ p2p {}", agent.name, typed(args)).trim_end().to_owned();
        if !stdin.is_empty() {
            line += &format!(" <<'EOF'\n{stdin}EOF");
        }
        let mut command = Command::new(program()?);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("P2P_") {
                command.env_remove(name);
            }
        }
        let mut child = command
            .args(args)
            .env("P2P_HOME", self.home(agent))
            .env("P2P_RELAYS", &self.relays)
            .env("P2P_NAME", agent.name)
            .env("P2P_CAPABILITIES", agent.capabilities)
            .current_dir(self.work(agent))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| failed(&line, &e))?;
        if let Some(mut pipe) = child.stdin.take() {
            // A command that reads no stdin may close it first.
            let _ = pipe.write_all(stdin.as_bytes());
        }
        let pid = child.id();
        let (sender, output) = mpsc::channel();
        thread::spawn(move || drop(sender.send(child.wait_with_output())));
        Ok(Running { line, pid, output })
    }

    /// Waits for a command and shows its output.
    ///
    /// # Errors
    /// Fails if the command does not end, or exits with another code than `code`.
    pub fn finish(&self, running: Running, code: i32) -> Result<Played, RpcError> {
        let played = running.end()?;
        self.steps.fetch_add(1, Ordering::Relaxed);
        let exit =
            if played.code == 0 { String::new() } else { format!("   (exit {})", played.code) };
        let mut typed = played.line.lines();
        self.screen.progress(&format!("{}{exit}", typed.next().unwrap_or_default()));
        typed.for_each(|line| self.screen.progress(line));
        // A notice comes before the result, an error after it.
        let (first, then) = match played.code {
            0 => (&played.stderr, &played.stdout),
            _ => (&played.stdout, &played.stderr),
        };
        for line in first.lines().chain(then.lines()) {
            self.screen.progress(&format!("    {line}"));
        }
        if played.code == code {
            Ok(played)
        } else {
            Err(played.is_wrong(&format!("it exits with {code}")))
        }
    }

    /// Runs a command for a check, without showing its output.
    ///
    /// # Errors
    /// Fails if the command does not end, or does not print JSON.
    pub fn ask(&self, agent: Agent, args: &[&str]) -> Result<Value, RpcError> {
        let played = self.start(agent, &[args, &["--json"]].concat(), "")?.end()?;
        let envelope: Value = serde_json::from_str(&played.stdout)
            .map_err(|_| played.is_wrong("its output is one JSON object"))?;
        match envelope.get("result") {
            Some(result) if envelope["ok"] == true => Ok(result.clone()),
            _ => Err(played.is_wrong("it goes well")),
        }
    }

    /// Stops all processes, removes all files, and returns the number of steps and their duration in
    /// seconds.
    pub fn clear(&self) -> (u32, u64) {
        if !self.closed.swap(true, Ordering::SeqCst) {
            for agent in [ALICE, BOB] {
                self.stop_daemon(agent);
            }
            let relay = self.relay.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(mut relay) = relay {
                let _ = relay.kill();
                let _ = relay.wait();
            }
            let _ = fs::remove_dir_all(&self.folder);
        }
        (self.steps.load(Ordering::Relaxed), self.since.elapsed().as_secs())
    }

    fn stop_daemon(&self, agent: Agent) {
        let home = self.home(agent);
        let socket = Place::under(&home).socket;
        if socket.exists()
            && let Ok(program) = program()
        {
            let _ = Command::new(program)
                .args(["daemon", "stop"])
                .env("P2P_HOME", &home)
                .env_remove("P2P_SOCKET")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
        }
        // A socket whose path would be too long for the home lies elsewhere.
        if let Some(folder) = socket.parent().filter(|folder| !folder.starts_with(&home)) {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.clear();
    }
}

impl Running {
    fn end(self) -> Result<Played, RpcError> {
        let output = match self.output.recv_timeout(COMMAND_LIMIT) {
            Ok(output) => output.map_err(|e| failed(&self.line, &e))?,
            Err(_) => {
                if let Ok(pid) = i32::try_from(self.pid) {
                    let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
                }
                return Err(failed(&self.line, &"it did not end in time"));
            }
        };
        Ok(Played {
            line: self.line,
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }
}

impl Played {
    /// Checks a statement about the command.
    ///
    /// # Errors
    /// Fails if the statement is false.
    pub fn check(&self, so: bool, what: &str) -> Result<(), RpcError> {
        if so { Ok(()) } else { Err(self.is_wrong(what)) }
    }

    /// Checks that the command printed a text.
    ///
    /// # Errors
    /// Fails if the text is missing.
    pub fn shows(&self, text: &str) -> Result<(), RpcError> {
        self.check(self.stdout.contains(text), &format!("it shows {text:?}"))
    }

    fn is_wrong(&self, expected: &str) -> RpcError {
        RpcError::new(
            ErrorCode::Internal,
            format!(
                "{} (exit {}) failed; expected: {expected}\n{}{}",
                self.line, self.code, self.stderr, self.stdout
            ),
        )
    }
}

/// Returns the error of a failed step.
#[must_use]
pub fn failed(what: &str, why: &dyn std::fmt::Display) -> RpcError {
    RpcError::new(ErrorCode::Internal, format!("the demo failed at {what}: {why}"))
}

fn program() -> Result<PathBuf, RpcError> {
    std::env::current_exe().map_err(|e| failed("its own program", &e))
}

/// Returns arguments as they would be typed.
fn typed(args: &[&str]) -> String {
    let quoted = |arg: &&str| {
        if !arg.is_empty() && arg.chars().all(|c| c.is_ascii_alphanumeric() || "-_./=:".contains(c))
        {
            (*arg).to_owned()
        } else {
            format!("'{}'", arg.replace('\'', "'\\''"))
        }
    };
    args.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

/// Waits some seconds for a condition.
///
/// # Errors
/// Fails if the condition stays false.
pub fn eventually(
    what: &str,
    seconds: u64,
    mut so: impl FnMut() -> Result<bool, RpcError>,
) -> Result<(), RpcError> {
    let since = Instant::now();
    while !so()? {
        if since.elapsed() > Duration::from_secs(seconds) {
            return Err(failed(what, &format!("not within {seconds} s")));
        }
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

/// Writes one of the demo's own files.
///
/// # Errors
/// Fails if the file cannot be written.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), RpcError> {
    fs::write(path, bytes).map_err(|e| failed("writing a file", &e))
}

//! An agent: a home, a working folder, and `p2p` commands that run there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::signal::Signal;
use p2p_ipc::{Place, RpcError};
use serde_json::Value;
use tempfile::TempDir;

use crate::binary::binary;
use crate::process::{Output, Running, is_alive, living_in, send_signal};
use crate::waiting::until;

/// An agent. Every process of its home, the daemon included, is killed when this is dropped.
#[derive(Debug)]
pub struct Agent {
    name: String,
    folder: TempDir,
    variables: Vec<(String, String)>,
}

impl Agent {
    /// Creates an agent that uses these relays. Its daemon starts with the first verb that needs it.
    ///
    /// # Panics
    /// If its home cannot be created.
    #[expect(clippy::expect_used, reason = "that is how a test fails")]
    #[must_use]
    pub fn new(name: &str, relays: &[&str]) -> Self {
        // Short, since the socket's path must be.
        let folder = tempfile::Builder::new().prefix("p2p-").tempdir_in("/tmp");
        let folder = folder.expect("a temporary folder can be made");
        let this = Self { name: name.into(), folder, variables: Vec::new() };
        fs::create_dir(this.home()).expect("a home can be made");
        fs::create_dir(this.work()).expect("a folder to work in can be made");
        this.with("P2P_NAME", name).with("P2P_RELAYS", &relays.join(","))
    }

    /// Sets a variable for every command. An empty value takes it away.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.set(name, value);
        self
    }

    /// Sets a variable for the commands to come. An empty value takes it away.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.retain(|(other, _)| other != name);
        if !value.is_empty() {
            self.variables.push((name.into(), value.into()));
        }
    }

    /// Writes its `config.toml`, which a daemon reads when it starts.
    ///
    /// # Panics
    /// If it cannot be written.
    #[expect(clippy::expect_used, reason = "that is how a test fails")]
    #[must_use]
    pub fn configured(self, text: &str) -> Self {
        fs::write(self.place().config, text).expect("config.toml can be written");
        self
    }

    /// Returns the name that it claims.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns its home (`P2P_HOME`), where it keeps everything.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// Returns its working folder: the current folder of its commands.
    #[must_use]
    pub fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// Returns the paths of its files.
    #[must_use]
    pub fn place(&self) -> Place {
        Place::under(&self.home())
    }

    /// Returns a command in this agent's environment, which has no variable of this shell but `PATH`.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("P2P_HOME", self.home())
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.work());
        command
    }

    /// Starts `p2p` with these arguments.
    #[must_use]
    pub fn start(&self, args: &[&str]) -> Running {
        self.start_with(args, "")
    }

    /// Starts `p2p` with a text on stdin.
    #[must_use]
    pub fn start_with(&self, args: &[&str], stdin: &str) -> Running {
        let line = format!("[{}] p2p {}", self.name, args.join(" "));
        Running::start(line, self.command(binary()).args(args), stdin)
    }

    /// Runs `p2p` and waits for its end.
    #[must_use]
    pub fn run(&self, args: &[&str]) -> Output {
        self.start(args).end()
    }

    /// Returns the result of a verb, which must exit with 0.
    pub fn json(&self, args: &[&str]) -> Value {
        self.run(&[args, &["--json"]].concat()).result(0)
    }

    /// Returns the result of a verb, which must exit with 3 (nothing yet).
    pub fn in_vain(&self, args: &[&str]) -> Value {
        self.run(&[args, &["--json"]].concat()).result(3)
    }

    /// Returns the error of a verb, which must exit with `code`.
    pub fn fails(&self, code: i32, args: &[&str]) -> RpcError {
        self.run(&[args, &["--json"]].concat()).failure(code).0
    }

    /// Returns its public key as an npub.
    #[must_use]
    pub fn npub(&self) -> String {
        text(&self.json(&["whoami"])["npub"])
    }

    /// Returns its public key in hex.
    #[must_use]
    pub fn hex(&self) -> String {
        text(&self.json(&["whoami"])["hex"])
    }

    /// Pins a name to another agent's key.
    pub fn befriend(&self, other: &Agent) {
        self.json(&["contacts", "add", &other.npub(), other.name()]);
    }

    /// Returns the process id of its daemon, without starting one.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    #[expect(clippy::expect_used, reason = "that is how a test fails")]
    pub fn daemon_pid(&self) -> u32 {
        let pid = self.json(&["daemon", "status"])["daemon"]["pid"].as_u64();
        pid.and_then(|pid| u32::try_from(pid).ok()).expect("a daemon has a process id")
    }

    /// Kills its daemon with SIGKILL and waits until it is gone.
    pub fn kill9(&self) {
        let pid = self.daemon_pid();
        send_signal(pid, Signal::SIGKILL);
        until("the killed daemon is gone", || !is_alive(pid));
    }

    /// Returns every file of its home by path and content, without received files and the key.
    #[must_use]
    pub fn stored(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let place = self.place();
        let mut stored = Vec::new();
        let mut folders = vec![self.home()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                match entry.file_type() {
                    _ if path == place.downloads => {}
                    Ok(kind) if kind.is_dir() => folders.push(path),
                    Ok(kind) if kind.is_file() => {
                        let bytes = fs::read(&path).unwrap_or_default();
                        stored.push((path, bytes));
                    }
                    _ => {}
                }
            }
        }
        stored
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let home = self.home();
        if std::thread::panicking() {
            let log = fs::read_to_string(self.place().log).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let last = &lines[lines.len().saturating_sub(15)..];
            eprintln!("--- the log of {}'s daemon ends with\n{}", self.name, last.join("\n"));
        }
        // Twice, for processes that were just being started.
        for _ in 0..2 {
            for pid in living_in(&home) {
                send_signal(pid, Signal::SIGKILL);
            }
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

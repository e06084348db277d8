//! A command of the owner's choice, run when something happens: program and arguments, no shell,
//! details as JSON on stdin, a time limit, one at a time. What a hook is told holds no text that
//! a peer wrote, and a hook does not run for what was read meanwhile.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use p2p_core::record::{Event, EventKind};
use serde::Serialize;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::sync::mpsc;

use crate::config::{HookEvent, Hooks};

/// Events that wait for the command; past that they are dropped, since each tells to look.
const QUEUE: usize = 64;

/// What stands on the hook's stdin, as one JSON object.
#[derive(Debug, Clone, Serialize)]
pub struct Told {
    /// Version of this object.
    pub v: u32,
    /// What happened.
    pub event: HookEvent,
    /// `c7`, where it is about a call.
    pub call: Option<String>,
    /// `m41`, `f3` or `q2`.
    pub handle: Option<String>,
    /// The npub of the other end.
    pub peer: Option<String>,
    /// What our own agent asks, for `escalate`.
    pub question: Option<String>,
    /// Answers to choose from.
    pub options: Vec<String>,
    /// A command that shows more.
    pub next: String,
}

/// What a log entry is to a hook.
#[must_use]
pub fn event_of(kind: EventKind) -> Option<HookEvent> {
    match kind {
        EventKind::Ring | EventKind::Knock => Some(HookEvent::Ring),
        EventKind::Message => Some(HookEvent::Message),
        EventKind::File => Some(HookEvent::File),
        EventKind::Reply | EventKind::Answered => Some(HookEvent::Reply),
        EventKind::End | EventKind::Missed => Some(HookEvent::End),
        EventKind::Undelivered | EventKind::Notice => None,
    }
}

/// Turns a log entry into what the hook is told, unless it was read already.
pub type Describe = Box<dyn Fn(&Event, HookEvent) -> Option<Told> + Send>;

/// Runs the hook for entries of the event log.
#[derive(Debug, Clone)]
pub struct Runner {
    queue: mpsc::Sender<Event>,
}

impl Runner {
    /// Starts a task that runs the hook, entry by entry.
    #[must_use]
    pub fn start(hooks: Arc<Hooks>, describe: Describe) -> Self {
        let (queue, mut events) = mpsc::channel::<Event>(QUEUE);
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                let Some(kind) = event_of(event.kind).filter(|kind| hooks.events.contains(kind))
                else {
                    continue;
                };
                if let Some(told) = describe(&event, kind) {
                    run(&hooks, &told).await;
                }
            }
        });
        Self { queue }
    }

    /// Hands over an entry; never waits.
    pub fn tell(&self, event: Event) {
        if self.queue.try_send(event).is_err() {
            tracing::warn!("the hook is slow: an event was not told");
        }
    }
}

/// Why the hook cannot be started, where that can be told beforehand.
#[must_use]
pub fn problem(hooks: &Hooks) -> Option<String> {
    let program = hooks.command.first()?;
    let runs = |path: &Path| {
        let metadata = std::fs::metadata(path);
        metadata.is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    };
    let there = if program.contains('/') {
        runs(Path::new(program))
    } else {
        let folders = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&folders).any(|folder| runs(&folder.join(program)))
    };
    (!there).then(|| format!("{program:?} is no program that can be run"))
}

/// Runs the hook once. True when it ended by itself with exit code 0.
pub async fn run(hooks: &Hooks, told: &Told) -> bool {
    let Some((program, arguments)) = hooks.command.split_first() else { return false };
    let spawned = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => {
            tracing::warn!(%program, %error, "the hook cannot be started");
            return false;
        }
    };
    let line = serde_json::to_string(told).unwrap_or_default() + "\n";
    let stdin = child.stdin.take();
    let limit = Duration::from_secs(hooks.timeout_s);
    let work = async {
        if let Some(mut stdin) = stdin {
            // A hook need not read what it is told.
            let _ = stdin.write_all(line.as_bytes()).await;
        }
        child.wait().await
    };
    match tokio::time::timeout(limit, work).await {
        Ok(Ok(status)) => {
            if !status.success() {
                tracing::warn!(%program, %status, "the hook failed");
            }
            status.success()
        }
        Ok(Err(error)) => {
            tracing::warn!(%program, %error, "the hook was lost");
            false
        }
        Err(_) => {
            tracing::warn!(%program, seconds = limit.as_secs(), "the hook took too long: killed");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hooks(script: &str) -> Hooks {
        let command = ["sh", "-c", script].map(String::from).to_vec();
        Hooks { command, timeout_s: 1, ..Hooks::default() }
    }

    fn told() -> Told {
        Told {
            v: 1,
            event: HookEvent::Escalate,
            call: Some("c1".into()),
            handle: Some("q1".into()),
            peer: None,
            question: Some("go on?".into()),
            options: vec![],
            next: "p2p questions".into(),
        }
    }

    #[tokio::test]
    async fn success_is_the_exit_code_and_the_details_are_on_stdin() {
        assert!(run(&hooks("grep -q '\"question\":\"go on?\"'"), &told()).await);
        assert!(!run(&hooks("exit 3"), &told()).await);
        let none = Hooks { command: vec![], ..Hooks::default() };
        assert!(!run(&none, &told()).await);
        let missing = Hooks { command: vec!["/nonexistent".into()], ..Hooks::default() };
        assert!(!run(&missing, &told()).await);
        assert_eq!((problem(&hooks("")), problem(&none)), (None, None));
        for program in ["/nonexistent", "p2p-no-such-program", "/etc/passwd", "/"] {
            let hooks = Hooks { command: vec![program.into()], ..Hooks::default() };
            assert!(problem(&hooks).is_some_and(|what| what.contains(program)), "{program}");
        }
    }

    #[tokio::test]
    async fn a_hook_that_hangs_is_killed() {
        assert!(!run(&hooks("exec sleep 600"), &told()).await);
    }
}

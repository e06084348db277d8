//! Relays on loopback: the embedded one, through the real binary, and others.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::binary::binary;
use crate::waiting::{eventually, until};

/// A running relay. It is killed when this is dropped.
#[derive(Debug)]
pub struct Relay {
    url: String,
    port: u16,
    child: Child,
    /// The program by others, and its arguments.
    foreign: Option<Foreign>,
    /// Kept open, so that the relay can write to it.
    _stdout: Option<BufReader<ChildStdout>>,
}

/// A relay by others.
#[derive(Debug, Clone)]
pub struct Foreign {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Its working folder, with its data.
    pub folder: PathBuf,
    /// Its port.
    pub port: u16,
}

impl Relay {
    /// Starts the embedded relay on a port that the system chooses.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::embedded(0)
    }

    /// Starts the embedded relay on a port that stays free while it is down, for [`Relay::revive`].
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start_to_die() -> Self {
        Self::embedded(quiet_port())
    }

    #[expect(clippy::unwrap_used, reason = "that is how a test fails")]
    fn embedded(port: u16) -> Self {
        let mut child = Command::new(binary())
            .args(["relay", "--port", &port.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let url = line.trim().to_owned();
        let port = url.strip_prefix("ws://127.0.0.1:").and_then(|port| port.parse().ok());
        assert!(port.is_some(), "the relay said {line:?} instead of its address");
        Self { url, port: port.unwrap_or_default(), child, foreign: None, _stdout: Some(stdout) }
    }

    /// Starts a relay by others and waits until it listens.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn foreign(foreign: Foreign) -> Self {
        let mut child = start_foreign(&foreign);
        let port = foreign.port;
        eventually("the other relay listens", || {
            if let Ok(Some(status)) = child.try_wait() {
                let mut said = String::new();
                let _ = child.stderr.take().map(|mut e| e.read_to_string(&mut said));
                assert!(status.success(), "it died: {status}\n{said}");
            }
            TcpStream::connect(("127.0.0.1", port)).ok()
        });
        let url = format!("ws://127.0.0.1:{port}");
        Self { url, port, child, foreign: Some(foreign), _stdout: None }
    }

    /// Tells whether it is a program by others.
    #[must_use]
    pub fn is_foreign(&self) -> bool {
        self.foreign.is_some()
    }

    /// Returns its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Kills it. Its memory is lost.
    pub fn kill(&mut self) {
        let group = i32::try_from(self.child.id()).unwrap_or_default();
        if self.foreign.is_some() && group > 0 {
            let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it again on the same port: the embedded relay empty, a relay by others with its database.
    ///
    /// # Panics
    /// If it does not start.
    pub fn revive(&mut self) {
        self.kill();
        until("the relay's port is free", || {
            // Lingering connections do not matter, as for the relay itself.
            TcpListener::bind(("127.0.0.1", self.port)).is_ok()
        });
        let revived = match self.foreign.clone() {
            Some(foreign) => Self::foreign(foreign),
            None => Self::embedded(self.port),
        };
        *self = revived;
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.kill();
    }
}

#[expect(clippy::expect_used, reason = "that is how a test fails")]
fn start_foreign(foreign: &Foreign) -> Child {
    Command::new(&foreign.program)
        .args(&foreign.args)
        .current_dir(&foreign.folder)
        // Its workers hold the port, and die with it.
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the other relay can be started")
}

/// Returns a free port below those that the system assigns, so that no other program gets it while
/// the relay of a test is down.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn quiet_port() -> u16 {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let first = range.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(32_768_u16);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let mut seed = std::process::id().wrapping_add(count.wrapping_mul(0x9e37_79b9));
    eventually("a port is free", || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let room = u32::from(first.max(20_000)) - 12_000;
        let port = 10_000 + u16::try_from((seed >> 8) % room).unwrap_or_default();
        TcpListener::bind(("127.0.0.1", port)).is_ok().then_some(port)
    })
}

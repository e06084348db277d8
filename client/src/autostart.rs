//! Starts the daemon when a front end needs it and none listens: by an installed unit, in a transient
//! one ([`crate::systemd`]), or as a process of its own.
//!
//! The daemon must outlive the shell tool that ran the verb: it gets a session of its own, holds
//! none of the tool's descriptors (an inherited stdout stalls the tool, any inherited one makes it
//! report failure), stands in `/`, and sees a short list of variables. The first half of that is
//! here; [`crate::detach`] is the half that the child does.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use p2p_ipc::{ErrorCode, Place, RpcError};

use crate::connection::Client;
use crate::exchange::ConnectError;
use crate::new_file::local_file;
use crate::{detach, systemd};

/// The time limit of a start.
const DEADLINE: Duration = Duration::from_secs(10);
/// The interval between two attempts to connect.
const POLL: Duration = Duration::from_millis(20);
/// The time that a daemon started by systemd has to answer before the next way is tried.
const ANSWER: Duration = Duration::from_secs(3);
/// Number of deaths after which starting is given up.
const TRIES: u32 = 3;
/// Prefix of the error in the log of a daemon that cannot start.
pub const ERROR_PREFIX: &str = "p2p-daemon-error: ";
/// The environment variables that a daemon gets, besides `LC_*` and `P2P_*`.
const KEPT: [&str; 13] = [
    "HOME",
    "PATH",
    "USER",
    "LOGNAME",
    "LANG",
    "TZ",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "DBUS_SESSION_BUS_ADDRESS",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "RUST_LOG",
    "RUST_BACKTRACE",
];

/// Starts the daemon, or waits for the one that another process is starting, and connects.
///
/// # Errors
/// `no_daemon` if `P2P_SOCKET` forbids starting or the daemon does not come up, `daemon_dies` when
/// it dies repeatedly, and the daemon's own error when it says what is wrong.
pub fn start(
    place: &Place,
    run_folder: &Path,
    since: Instant,
    connect: impl Fn() -> Result<Client, ConnectError>,
) -> Result<Client, RpcError> {
    if place.foreign_socket {
        return Err(not_ours_to_start(place));
    }
    let lock = open_lock(run_folder)
        .map_err(|e| local_file(format!("cannot prepare {}: {e}", run_folder.display())))?;
    let way = if systemd::is_there() { Way::Unit } else { Way::Process };
    let mut starter = Starter { place, lock, way, attempt: None, deaths: 0 };
    while let Some(left) = DEADLINE.checked_sub(since.elapsed()) {
        match connect() {
            Ok(client) => return Ok(client),
            // A daemon on its way out accepts the connection and drops it.
            Err(ConnectError::Refused(error)) if error.code != ErrorCode::NoDaemon => {
                return Err(error);
            }
            Err(_) => starter.advance(left)?,
        }
        thread::sleep(POLL);
    }
    let message = format!("the daemon did not come up within {} s", DEADLINE.as_secs());
    Err(RpcError::new(ErrorCode::NoDaemon, message).hint("p2p daemon logs"))
}

fn not_ours_to_start(place: &Place) -> RpcError {
    let message = format!(
        "no daemon listens on {}, which P2P_SOCKET names: none is started for a named socket; \
         start one outside of the sandbox (p2p daemon start)",
        place.socket.display()
    );
    RpcError::new(ErrorCode::NoDaemon, message).hint("unset P2P_SOCKET")
}

/// Start of a daemon by one of several processes that need it.
struct Starter<'a> {
    place: &'a Place,
    lock: File,
    way: Way,
    attempt: Option<Attempt>,
    deaths: u32,
}

impl Starter<'_> {
    /// Starts the daemon if nobody else does, or looks after the one that was started.
    fn advance(&mut self, left: Duration) -> Result<(), RpcError> {
        let Some(attempt) = &mut self.attempt else {
            // The process that holds the lock starts the daemon; the others wait for the socket.
            match self.lock.try_lock() {
                Ok(()) => self.attempt = Some(Attempt::start(self.place, &mut self.way)?),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(e)) => return Err(local_file(format!("start.lock: {e}"))),
            }
            return Ok(());
        };
        let Some(death) = attempt.death() else { return Ok(()) };
        self.attempt = None;
        match death {
            // The one before is still shutting down, and holds the identity.
            Death::Said(error) if error.code == ErrorCode::AlreadyRunning && left > 10 * POLL => {
                thread::sleep(5 * POLL);
            }
            Death::Said(error) => return Err(error),
            Death::Unheard => self.way = self.way.next(),
            Death::Silent(last) => {
                self.deaths += 1;
                if self.deaths == TRIES {
                    return Err(daemon_dies(self.place, &last));
                }
            }
        }
        Ok(())
    }
}

fn open_lock(run_folder: &Path) -> io::Result<File> {
    DirBuilder::new().recursive(true).mode(0o700).create(run_folder)?;
    let path = run_folder.join("start.lock");
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// Way to start a daemon, the best one first.
#[derive(Clone, Copy)]
enum Way {
    /// By the unit that the user installed.
    Unit,
    /// In a unit that systemd makes for it.
    Transient,
    /// As a child that leaves this session.
    Process,
}

impl Way {
    fn next(self) -> Self {
        match self {
            Self::Unit => Self::Transient,
            Self::Transient | Self::Process => Self::Process,
        }
    }
}

/// A started daemon that has not answered yet.
struct Attempt {
    /// Absent when systemd started the daemon.
    child: Option<Child>,
    since: Instant,
    log: File,
}

/// End of a daemon that did not come up.
enum Death {
    /// The daemon wrote to its log why it cannot start.
    Said(RpcError),
    /// The daemon is gone; with the last lines of its log.
    Silent(String),
    /// Systemd started the daemon, and the daemon does not answer.
    Unheard,
}

impl Attempt {
    /// Starts the daemon by `way`, or by the next way that works.
    fn start(place: &Place, way: &mut Way) -> Result<Self, RpcError> {
        let mut start = || -> io::Result<Self> {
            if let Some(folder) = place.log.parent() {
                DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            }
            let to_log =
                OpenOptions::new().append(true).create(true).mode(0o600).open(&place.log)?;
            let mut log = File::open(&place.log)?;
            log.seek(SeekFrom::End(0))?;
            let kept = |(name, _): &(OsString, _)| name.to_str().is_some_and(is_kept);
            let variables: Vec<_> = std::env::vars_os().filter(kept).collect();
            if matches!(way, Way::Unit) && !systemd::start_unit() {
                *way = way.next();
            }
            if matches!(way, Way::Transient) && !systemd::start_transient(place, &variables) {
                *way = way.next();
            }
            let child = match way {
                Way::Unit | Way::Transient => None,
                Way::Process => Some(
                    Command::new(std::env::current_exe()?)
                        .args(["daemon", "run", detach::FLAG])
                        .env_clear()
                        .envs(variables)
                        .current_dir("/")
                        .stdin(Stdio::null())
                        .stdout(Stdio::null())
                        .stderr(to_log)
                        .spawn()?,
                ),
            };
            Ok(Self { child, since: Instant::now(), log })
        };
        start().map_err(|e| local_file(format!("cannot start the daemon: {e}")))
    }

    /// Returns how the daemon died, if it did.
    fn death(&mut self) -> Option<Death> {
        let status = match &mut self.child {
            Some(child) => Some(child.try_wait().ok().flatten()?),
            None => None,
        };
        // From where the log ended before the start: what was looked at is looked at again.
        let mut said = Vec::new();
        let _ = (&self.log).take(1 << 20).read_to_end(&mut said);
        let _ = self.log.seek_relative(-i64::try_from(said.len()).unwrap_or_default());
        let said = String::from_utf8_lossy(&said);
        Some(match (said.lines().rev().find_map(parse_error), status) {
            (Some(error), _) => Death::Said(error),
            (None, None) if self.since.elapsed() < ANSWER => return None,
            (None, None) => Death::Unheard,
            (None, Some(status)) => {
                let lines: Vec<&str> = said.lines().collect();
                // A panic stands above its backtrace.
                let panic = lines.iter().rposition(|line| line.contains("panicked at"));
                let from = panic.unwrap_or(lines.len().saturating_sub(3));
                let last = lines[from..].iter().take(3).copied().collect::<Vec<_>>().join("; ");
                Death::Silent(if last.is_empty() { status.to_string() } else { last })
            }
        })
    }
}

fn parse_error(line: &str) -> Option<RpcError> {
    serde_json::from_str(line.strip_prefix(ERROR_PREFIX)?).ok()
}

fn is_kept(name: &str) -> bool {
    KEPT.contains(&name)
        || name.starts_with("LC_")
        || name.starts_with("P2P_") && name != "P2P_READER" && name != "P2P_SOCKET"
}

fn daemon_dies(place: &Place, last: &str) -> RpcError {
    RpcError::new(
        ErrorCode::DaemonDies,
        format!(
            "the daemon died {TRIES} times while it started: {last}. A daemon cannot live in a \
             sandbox: run it outside, and name its socket in P2P_SOCKET"
        ),
    )
    .hint(format!("p2p daemon logs\nexport P2P_SOCKET={}", p2p_ipc::quoted(&place.socket)))
}

/// Returns the last `count` lines of the daemon's log.
///
/// # Errors
/// Fails if the log exists but cannot be read.
pub fn log_tail(place: &Place, count: usize) -> Result<Vec<String>, RpcError> {
    const AT_MOST: u64 = 1 << 20;
    let unreadable =
        |e: io::Error| local_file(format!("cannot read the log {}: {e}", place.log.display()));
    let mut log = match File::open(&place.log) {
        Ok(log) => log,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(unreadable(e)),
    };
    let size = fs::metadata(&place.log).map_err(unreadable)?.len();
    log.seek(SeekFrom::Start(size.saturating_sub(AT_MOST))).map_err(unreadable)?;
    let mut bytes = Vec::new();
    log.take(AT_MOST).read_to_end(&mut bytes).map_err(unreadable)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    Ok(lines[lines.len().saturating_sub(count)..].iter().map(|line| (*line).to_owned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daemon_gets_only_variables_that_configure_it() {
        for name in ["HOME", "PATH", "LC_ALL", "P2P_HOME", "P2P_NAME", "P2P_RELAYS", "P2P_LOG"] {
            assert!(is_kept(name), "{name}");
        }
        for name in ["P2P_READER", "P2P_SOCKET", "XDG_RUNTIME_DIR", "AWS_SECRET_ACCESS_KEY", "PWD"]
        {
            assert!(!is_kept(name), "{name}");
        }
    }

    #[test]
    fn the_error_in_the_log_of_a_daemon_that_cannot_start_is_read() {
        let error = RpcError::new(ErrorCode::Config, "config.toml:3: unknown key `nam`");
        let line = format!("{ERROR_PREFIX}{}", serde_json::to_string(&error).unwrap());
        assert_eq!(parse_error(&line), Some(error));
        assert_eq!(parse_error("p2p-daemon-error: what"), None);
        assert_eq!(parse_error("an ordinary line"), None);
    }
}

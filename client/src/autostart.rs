//! Starts the daemon where a verb needs it and none listens: by an installed unit, in a transient
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

use crate::connection::{Client, ConnectError};
use crate::{detach, systemd};

/// How long a start may take.
const DEADLINE: Duration = Duration::from_secs(10);
/// How often to look whether the socket is there.
const POLL: Duration = Duration::from_millis(20);
/// How long a daemon that systemd started may take to answer before the next way is tried.
const ANSWER: Duration = Duration::from_secs(3);
/// How often a daemon may die before it is given up.
const TRIES: u32 = 3;
/// What a daemon that cannot start puts before its error.
pub const ERROR_PREFIX: &str = "p2p-daemon-error: ";
/// The variables that a daemon sees, besides `LC_*` and `P2P_*`.
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

/// Whether nothing listens, so that a daemon may be started.
#[must_use]
pub fn is_absent(error: &ConnectError) -> bool {
    use io::ErrorKind::{ConnectionRefused, NotFound};
    matches!(error, ConnectError::NotListening { source, .. }
        if matches!(source.kind(), ConnectionRefused | NotFound))
}

/// Starts the daemon, or waits for the one that another `p2p` is starting, and connects.
///
/// # Errors
/// `no_daemon` where `P2P_SOCKET` forbids it or it does not come up, `daemon_dies` when it dies
/// again and again, and the daemon's own error when it says what is wrong.
pub fn start(
    place: &Place,
    run_folder: &Path,
    since: Instant,
    connect: impl Fn() -> Result<Client, ConnectError>,
) -> Result<Client, RpcError> {
    if place.foreign_socket {
        let socket = place.socket.display();
        return Err(RpcError::new(
            ErrorCode::NoDaemon,
            format!(
                "no daemon listens on {socket}, which P2P_SOCKET names, and none is started then: \
                 start it outside of the sandbox (p2p daemon start)"
            ),
        )
        .hint("unset P2P_SOCKET"));
    }
    let lock = open_lock(run_folder)
        .map_err(|e| local_file(format!("cannot prepare {}: {e}", run_folder.display())))?;
    let mut way = if systemd::is_there() { Way::Unit } else { Way::Process };
    let mut daemon: Option<Attempt> = None;
    let mut deaths = 0;
    while since.elapsed() < DEADLINE {
        match connect() {
            Ok(client) => return Ok(client),
            // A daemon on its way out takes the connection and drops it.
            Err(ConnectError::Refused(error)) if error.code != ErrorCode::NoDaemon => {
                return Err(error);
            }
            Err(_) => {}
        }
        match &mut daemon {
            Some(attempt) => {
                if let Some(death) = attempt.death() {
                    daemon = None;
                    match death {
                        // The one before is still shutting down, and holds the identity.
                        Death::Said(error) if error.code == ErrorCode::AlreadyRunning => {
                            if since.elapsed() + 10 * POLL >= DEADLINE {
                                return Err(error);
                            }
                            thread::sleep(5 * POLL);
                        }
                        Death::Said(error) => return Err(error),
                        Death::Unheard => way = way.next(),
                        Death::Silent(last) => {
                            deaths += 1;
                            if deaths == TRIES {
                                return Err(daemon_dies(place, &last));
                            }
                        }
                    }
                }
            }
            // Whoever holds the lock starts it; the others wait for the socket.
            None => match lock.try_lock() {
                Ok(()) => daemon = Some(Attempt::start(place, &mut way)?),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(e)) => return Err(local_file(format!("start.lock: {e}"))),
            },
        }
        thread::sleep(POLL);
    }
    Err(RpcError::new(
        ErrorCode::NoDaemon,
        format!("the daemon did not come up within {} s", DEADLINE.as_secs()),
    )
    .hint("p2p daemon logs"))
}

fn open_lock(run_folder: &Path) -> io::Result<File> {
    DirBuilder::new().recursive(true).mode(0o700).create(run_folder)?;
    let path = run_folder.join("start.lock");
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// How a daemon is started, the best one first.
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

/// A daemon that was started and has not answered yet.
struct Attempt {
    /// Nothing where systemd has it.
    child: Option<Child>,
    since: Instant,
    log: File,
}

enum Death {
    /// It wrote to its log why it cannot start.
    Said(RpcError),
    /// It is gone, and these were its last words.
    Silent(String),
    /// Systemd has started it, and it does not answer.
    Unheard,
}

impl Attempt {
    /// Starts it by `way`, or the first one after it that is to be had.
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

    /// How it died, if it did.
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
            "the daemon died {TRIES} times while it started: {last}. In a sandbox it cannot live: \
             run it outside, and name its socket in P2P_SOCKET"
        ),
    )
    .hint(format!("p2p daemon logs or export P2P_SOCKET={}", p2p_ipc::quoted(&place.socket)))
}

fn local_file(message: String) -> RpcError {
    RpcError::new(ErrorCode::LocalFile, message)
}

/// The last `count` lines of the daemon's log.
///
/// # Errors
/// When there is a log that cannot be read.
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
    fn a_daemon_sees_only_what_configures_it() {
        for name in ["HOME", "PATH", "LC_ALL", "P2P_HOME", "P2P_NAME", "P2P_RELAYS", "P2P_LOG"] {
            assert!(is_kept(name), "{name}");
        }
        for name in ["P2P_READER", "P2P_SOCKET", "XDG_RUNTIME_DIR", "AWS_SECRET_ACCESS_KEY", "PWD"]
        {
            assert!(!is_kept(name), "{name}");
        }
    }

    #[test]
    fn a_daemon_that_says_why_it_cannot_start_is_quoted() {
        let error = RpcError::new(ErrorCode::Config, "config.toml:3: unknown key `nam`");
        let line = format!("{ERROR_PREFIX}{}", serde_json::to_string(&error).unwrap());
        assert_eq!(parse_error(&line), Some(error));
        assert_eq!(parse_error("p2p-daemon-error: what"), None);
        assert_eq!(parse_error("an ordinary line"), None);
    }
}

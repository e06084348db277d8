//! Starts the daemon by the user's systemd: there the daemon outlives every shell, and an installed
//! unit starts it again. A systemd that is missing, slow or refuses is no error:
//! [`crate::autostart`] goes on to the next way.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use p2p_ipc::{ErrorCode, Place, RpcError, place};

use crate::new_file::{local_file, write_new};

/// The argument that marks a daemon in a transient unit.
pub const TRANSIENT: &str = "--transient";
/// The unit that a user may have installed.
const UNIT: &str = "p2p.service";
/// The time that systemd has to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// The interval between two looks at systemd's answer.
const POLL: Duration = Duration::from_millis(10);

/// Returns true if the user's systemd has a bus: without it, asking only costs time.
#[must_use]
pub fn is_there() -> bool {
    let folder = std::env::var_os("XDG_RUNTIME_DIR").filter(|folder| !folder.is_empty());
    folder.is_some_and(|folder| Path::new(&folder).join("bus").exists())
}

/// Starts the installed unit, and returns true if it started. The unit serves the default home
/// with the settings of its file, so nothing is started when this shell names others.
#[must_use]
pub fn start_unit() -> bool {
    let systemctl = |verb: &str| Command::new("systemctl").args(["--user", verb, UNIT]).quietly();
    !is_elsewhere() && place::daemon_env().is_empty() && systemctl("cat") && systemctl("start")
}

/// Starts the daemon of this home in a transient unit, and returns true if it started.
#[must_use]
pub fn start_transient(
    place: &Place,
    variables: &[(impl AsRef<OsStr>, impl AsRef<OsStr>)],
) -> bool {
    let Ok(program) = std::env::current_exe() else { return false };
    let mut command = Command::new("systemd-run");
    command.args(["--user", "--quiet", "--collect", "--working-directory=/"]);
    command.arg(format!("--unit={}", place.unit()));
    command.arg(format!("--property=StandardError=append:{}", place.log.display()));
    for (name, value) in variables {
        let mut setting = OsStr::new("--setenv=").to_owned();
        setting.push(name);
        setting.push("=");
        setting.push(value);
        command.arg(setting);
    }
    command.arg(program).args(["daemon", "run", TRANSIENT]).quietly()
}

/// Returns true if systemd started this process, as a unit's main process.
#[must_use]
pub fn started_us() -> bool {
    std::env::var("SYSTEMD_EXEC_PID").is_ok_and(|pid| pid == std::process::id().to_string())
}

/// Returns true if this shell names another home than the unit serves.
fn is_elsewhere() -> bool {
    std::env::var_os("P2P_HOME").is_some_and(|home| !home.is_empty())
}

/// Writes the unit file that starts this program with the user's session, and returns its path.
///
/// # Errors
/// Fails if the file exists, if it cannot be written, or if `P2P_HOME` is set.
pub fn install(place: &Place) -> Result<PathBuf, RpcError> {
    if is_elsewhere() {
        return Err(RpcError::new(
            ErrorCode::Usage,
            "the unit serves the user's default home, and P2P_HOME names another",
        )
        .hint("unset P2P_HOME"));
    }
    let program = std::env::current_exe()
        .map_err(|e| local_file(format!("the path of this program is unknown: {e}")))?;
    // Beside the folder of our own settings.
    let folder = place.config.ancestors().nth(2).unwrap_or(Path::new("/")).join("systemd/user");
    std::fs::create_dir_all(&folder)
        .map_err(|e| local_file(format!("cannot make {}: {e}", folder.display())))?;
    let text = format!(
        "[Unit]\nDescription=p2p: calls between agents\n\n[Service]\nExecStart=\"{}\" daemon run\n\
         StandardError=append:{}\nRestart=on-failure\nRestartSec=5\n\
         RestartPreventExitStatus=2 4\n\n[Install]\nWantedBy=default.target\n",
        program.display(),
        place.log.display()
    );
    let path = folder.join(UNIT);
    write_new(&path, text.as_bytes(), 0o644)?;
    Ok(path)
}

trait Quietly {
    /// Runs to the end without output, and returns true if that succeeded in time.
    fn quietly(&mut self) -> bool;
}

impl Quietly for Command {
    fn quietly(&mut self) -> bool {
        let started = self.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let Ok(mut child) = started else { return false };
        let since = Instant::now();
        while since.elapsed() < PATIENCE {
            match child.try_wait() {
                Ok(Some(status)) => return status.success(),
                Ok(None) => thread::sleep(POLL),
                Err(_) => break,
            }
        }
        let _ = child.kill();
        let _ = child.wait();
        false
    }
}

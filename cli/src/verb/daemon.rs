//! `p2p daemon`: the background service. `run` is in `main`, the only file that links the
//! daemon.

use std::thread;
use std::time::{Duration, Instant};

use clap::{Subcommand, value_parser};
use nix::sys::signal::kill;
use nix::unistd::Pid;
use p2p_ipc::method::StatusParams;
use p2p_ipc::{ErrorCode, RpcError};

use crate::outcome::{Ending, Failure, Outcome, PendingLine};
use crate::render::service::{Installed, Log, Service};
use crate::session::Session;
use p2p_client::{autostart, systemd};

/// Maximum time for the daemon to stop.
const STOPPING: Duration = Duration::from_secs(15);

/// Start method of a daemon that a person started in a terminal.
pub const FOREGROUND: &str = "foreground";

/// Arguments of `daemon`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  p2p daemon status\n  p2p daemon logs -n 20\n  p2p daemon stop"
)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

/// Actions on the daemon.
#[derive(Debug, Subcommand)]
enum Action {
    /// Run the daemon in the foreground, until SIGINT or SIGTERM
    #[command(after_help = "Examples:\n  p2p daemon run")]
    Run {
        /// Started by another verb, as a process
        #[arg(long, hide = true)]
        detached: bool,
        /// Started by another verb, in a systemd unit
        #[arg(long, hide = true)]
        transient: bool,
    },
    /// Write a unit file, so that systemd keeps the daemon running
    #[command(after_help = "Examples:\n  p2p daemon install")]
    Install,
    /// Start the daemon in the background, as any verb that needs it does
    #[command(after_help = "Examples:\n  p2p daemon start")]
    Start,
    /// Stop the daemon; the next verb that needs it starts it again
    #[command(after_help = "Examples:\n  p2p daemon stop")]
    Stop,
    /// Show if the daemon runs; exits with 4 if not
    #[command(after_help = "Examples:\n  p2p daemon status --json")]
    Status,
    /// Show the end of the daemon's log
    #[command(after_help = "Examples:\n  p2p daemon logs\n  p2p daemon logs -n 200")]
    Logs {
        /// Number of lines
        #[arg(short = 'n', long, default_value_t = 50, value_parser = value_parser!(u32).range(1..))]
        lines: u32,
    },
}

impl Args {
    /// Returns true if this process is to run the daemon.
    #[must_use]
    pub fn is_run(&self) -> bool {
        matches!(self.action, Action::Run { .. })
    }

    /// Returns the start method of this daemon.
    #[must_use]
    pub fn how(&self) -> &'static str {
        match self.action {
            Action::Run { detached: true, .. } => "autostarted",
            Action::Run { transient: true, .. } => "transient",
            _ if systemd::started_us() => "service",
            _ => FOREGROUND,
        }
    }
}

/// Starts, stops or looks at the daemon.
///
/// # Errors
/// Fails if the daemon cannot be started or stopped; `no_daemon` from `status` if none runs.
pub fn run(args: &Args, session: &mut Session) -> Ending {
    match &args.action {
        Action::Run { .. } => {
            Err(RpcError::new(ErrorCode::Internal, "the daemon runs from main").into())
        }
        Action::Install => {
            let path = systemd::install(&session.daemon.place)?.display().to_string();
            Ok(Outcome::new(Installed { path }))
        }
        Action::Start => start(session),
        Action::Stop => stop(session),
        Action::Status => status(session),
        Action::Logs { lines } => {
            let lines = autostart::log_tail(&session.daemon.place, *lines as usize)?;
            let path = session.daemon.place.log.display().to_string();
            Ok(Outcome::new(Log { path, lines }).pending_line(PendingLine::Shown))
        }
    }
}

fn start(session: &mut Session) -> Ending {
    let there = session.daemon.join_running()?;
    // Leaves and joins again as other verbs do, so that different settings are noticed.
    session.daemon.leave();
    let daemon = session.call(&StatusParams::default())?.daemon;
    let action = if there { "runs already" } else { "started" };
    Ok(Outcome::new(Service { running: true, action, daemon: Some(daemon) }))
}

fn status(session: &mut Session) -> Ending {
    if session.daemon.join_running()? {
        let daemon = session.call(&StatusParams::default())?.daemon;
        return Ok(Outcome::new(Service { running: true, action: "runs", daemon: Some(daemon) }));
    }
    let error = RpcError::new(
        ErrorCode::NoDaemon,
        format!("no daemon listens on {}", session.daemon.place.socket.display()),
    )
    .hint("p2p daemon start");
    let shown = Service { running: false, action: "does not run", daemon: None };
    Err(Failure::with(error, shown))
}

fn stop(session: &mut Session) -> Ending {
    let stopped = |action| Outcome::new(Service { running: false, action, daemon: None });
    let Some(pid) = session.daemon.stop_daemon()? else { return Ok(stopped("does not run")) };
    let since = Instant::now();
    while is_alive(pid) {
        if since.elapsed() > STOPPING {
            let error = RpcError::new(
                ErrorCode::Internal,
                format!("the daemon (pid {pid}) is still shutting down"),
            );
            return Err(error.hint("p2p daemon logs").into());
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(stopped("stopped"))
}

/// Returns true if the process exists and is not a zombie. In a container, nothing may reap a
/// stopped process.
fn is_alive(pid: u32) -> bool {
    let there = i32::try_from(pid).is_ok_and(|pid| kill(Pid::from_raw(pid), None).is_ok());
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let zombie = stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('Z'));
    there && !zombie
}

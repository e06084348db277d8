//! The daemon and the relay as services, the identity file, and the first run.

use p2p_ipc::view::{DaemonView, IdentityView};
use serde::Serialize;

use super::page::Page;
use super::screen::Screen;
use super::text::Text;

/// Result of `daemon start`, `stop` and `status`.
#[derive(Debug, Serialize)]
pub struct Service {
    /// True if the daemon runs now.
    pub running: bool,
    /// The change, in one or two words.
    pub action: &'static str,
    /// The running daemon.
    pub daemon: Option<DaemonView>,
}

/// The last lines of the daemon's log.
#[derive(Debug, Serialize)]
pub struct Log {
    /// Path of the log file.
    pub path: String,
    /// The last lines of the log.
    pub lines: Vec<String>,
}

/// Address of the embedded relay.
#[derive(Debug, Serialize)]
pub struct RelayUp {
    /// The relay's address.
    pub url: String,
}

/// Result of copying the identity file.
#[derive(Debug, Serialize)]
pub struct Backup {
    /// Path of the copy.
    pub path: String,
}

/// The unit file that was written.
#[derive(Debug, Serialize)]
pub struct Installed {
    /// Path of the unit file.
    pub path: String,
}

impl Text for Installed {
    fn text(&self, page: &mut Page) {
        page.line(format!("unit file written to {}", self.path));
        page.next("p2p daemon stop && systemctl --user enable --now p2p.service");
    }
}

impl Text for Service {
    fn text(&self, page: &mut Page) {
        match &self.daemon {
            Some(daemon) => {
                page.line(format!(
                    "daemon {} (pid {}, {}, version {}, up {})",
                    self.action,
                    daemon.pid,
                    daemon.start_mode,
                    daemon.version,
                    page.since(daemon.started_ms)
                ));
                page.line(format!("socket {}  log {}", daemon.paths.socket, daemon.paths.log));
            }
            None => page.line(format!("daemon {}", self.action)),
        }
    }
}

impl Text for Log {
    fn text(&self, page: &mut Page) {
        if self.lines.is_empty() {
            page.line(format!("{} is empty", self.path));
        }
        for line in &self.lines {
            page.line(line);
        }
    }
}

impl Text for RelayUp {
    fn text(&self, page: &mut Page) {
        page.line(&self.url);
    }
}

impl Text for Backup {
    fn text(&self, page: &mut Page) {
        page.line(format!("identity copied to {}", self.path));
        page.line("whoever has that file can act as this agent: keep it private");
    }
}

/// Reports on stderr the first run: the new identity, the path of its file, the published data.
pub fn introduce(screen: Screen, me: &IdentityView) {
    screen.notice(&format!("first run: this agent is now {} {}", me.name, me.npub));
    screen.notice(&format!("its secret key is in {}; p2p identity backup PATH copies it", me.path));
    let profile = "the key, the name and the relays to reach it by";
    screen.notice(&match me.presence.as_str() {
        "off" => format!("public on the relays from now on: {profile}; not when it is online"),
        _ => format!(
            "public on the relays from now on: {profile}, its capabilities, and when it is online \
             (presence = \"off\" in config.toml keeps the last two back)"
        ),
    });
}

/// Result of a successful demo.
#[derive(Debug, Serialize)]
pub struct Demonstrated {
    /// Number of commands that ran as expected.
    pub steps: u32,
    /// Duration of the demo.
    pub seconds: u64,
}

impl Text for Demonstrated {
    fn text(&self, page: &mut Page) {
        page.line(format!("all {} steps did what they say, in {} s", self.steps, self.seconds));
        page.next("p2p whoami");
    }
}

//! Paths on disk: one answer for the daemon and for every front end.
//!
//! `P2P_HOME` puts everything under one folder; without it the identity is at
//! `~/.openclaw/p2p-identity.json` (where the older Node skill kept it) and the rest in the
//! platform's directories. `XDG_RUNTIME_DIR` plays no part, because shells differ in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The longest socket path; a socket with a longer path moves to `/tmp`.
const SOCKET_PATH_LIMIT: usize = 100;

/// `P2P_*` variables of clients, which do not configure a daemon.
const CLIENT_ONLY: [&str; 4] = ["P2P_HOME", "P2P_SOCKET", "P2P_READER", "P2P_LOG"];

/// The folders and files of one agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The secret key.
    pub identity: PathBuf,
    /// The configuration file; it need not exist.
    pub config: PathBuf,
    /// The database.
    pub store: PathBuf,
    /// The folder for received files.
    pub downloads: PathBuf,
    /// The daemon's log.
    pub log: PathBuf,
    /// The socket; its folder is private to the user.
    pub socket: PathBuf,
    /// True if `P2P_SOCKET` named the socket: then no daemon is started for it.
    pub foreign_socket: bool,
}

/// A missing or relative home.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// Neither `P2P_HOME` nor a home directory.
    #[error("no home directory: set HOME, or P2P_HOME to a folder for this agent")]
    NoHome,
    /// A relative `P2P_HOME` would mean another agent in every folder.
    #[error("P2P_HOME is {0}; it must be an absolute path")]
    Relative(String),
}

impl Place {
    /// Reads `P2P_HOME` and `P2P_SOCKET`, and falls back to the platform's directories.
    ///
    /// # Errors
    /// See [`PlaceError`].
    pub fn from_env() -> Result<Self, PlaceError> {
        let mut place = match std::env::var_os("P2P_HOME").filter(|home| !home.is_empty()) {
            Some(home) => {
                let home = PathBuf::from(home);
                if !home.is_absolute() {
                    return Err(PlaceError::Relative(home.display().to_string()));
                }
                Self::under(&home)
            }
            None => Self::of_user()?,
        };
        if let Some(socket) = std::env::var_os("P2P_SOCKET").filter(|path| !path.is_empty()) {
            place.socket = socket.into();
            place.foreign_socket = true;
        }
        Ok(place)
    }

    /// Returns the paths under one folder.
    #[must_use]
    pub fn under(home: &Path) -> Self {
        Self {
            identity: home.join("p2p-identity.json"),
            config: home.join("config.toml"),
            store: home.join("p2p.db"),
            downloads: home.join("downloads"),
            log: home.join("p2p.log"),
            socket: socket_in(home),
            foreign_socket: false,
        }
    }

    /// Returns the name of the transient systemd unit for a daemon of this home.
    #[must_use]
    pub fn unit(&self) -> String {
        format!("p2p-{:016x}", hash(&self.store))
    }

    fn of_user() -> Result<Self, PlaceError> {
        let dirs = directories::ProjectDirs::from("", "", "p2p").ok_or(PlaceError::NoHome)?;
        let user = directories::BaseDirs::new().ok_or(PlaceError::NoHome)?;
        let data = dirs.data_dir();
        Ok(Self {
            identity: user.home_dir().join(".openclaw/p2p-identity.json"),
            config: dirs.config_dir().join("config.toml"),
            store: data.join("p2p.db"),
            downloads: data.join("downloads"),
            log: data.join("p2p.log"),
            socket: socket_in(data),
            foreign_socket: false,
        })
    }
}

fn socket_in(folder: &Path) -> PathBuf {
    let path = folder.join("run").join("p2p.sock");
    if path.as_os_str().len() <= SOCKET_PATH_LIMIT {
        return path;
    }
    PathBuf::from(format!("/tmp/p2p-{:016x}/p2p.sock", hash(folder)))
}

/// Returns the FNV-1a hash: stable across builds; collisions only matter among one user's homes.
fn hash(folder: &Path) -> u64 {
    folder
        .as_os_str()
        .as_encoded_bytes()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3_u64))
}

/// Quotes a path for a shell, for commands in hints.
#[must_use]
pub fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

/// Returns the `P2P_*` variables of this process that configure a daemon.
#[must_use]
pub fn daemon_env() -> BTreeMap<String, String> {
    std::env::vars()
        .filter(|(name, value)| {
            name.starts_with("P2P_") && !value.is_empty() && !CLIENT_ONLY.contains(&name.as_str())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deep_home_gets_its_own_short_socket_path() {
        let deep = |n: usize| Place::under(Path::new(&format!("/{}/{n}", "x".repeat(120))));
        assert!(deep(1).socket.as_os_str().len() < SOCKET_PATH_LIMIT);
        assert_ne!(deep(1).socket, deep(2).socket);
        assert_eq!(Place::under(Path::new("/h")).socket, Path::new("/h/run/p2p.sock"));
    }

    #[test]
    fn a_path_is_quoted_for_a_shell() {
        for (path, shown) in [("/h/p2p.db", "/h/p2p.db"), ("/a b/it's", "'/a b/it'\\''s'")] {
            assert_eq!(quoted(Path::new(path)), shown);
        }
    }
}

//! Settings: the configuration file, what the environment overrides, and the defaults.
//!
//! A key that is not known is an error that names file and line, so that a typo never passes for
//! a setting.

use std::path::Path;
use std::time::Duration;

use p2p_core::policy::{Policy, Settings};
use p2p_ipc::{ErrorCode, RpcError};
use serde::Deserialize;

use crate::relays::{RelaySpec, Roles};

/// Longest announced name, in bytes.
const NAME_LIMIT: usize = 64;
/// Most announced capabilities, and the longest of them in bytes.
const CAPABILITIES_LIMIT: (usize, usize) = (16, 32);

/// The file as it stands on disk.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    name: Option<String>,
    about: Option<String>,
    capabilities: Option<Vec<String>>,
    presence: Option<PresenceMode>,
    policy: Option<PolicyName>,
    max_calls: Option<usize>,
    ring_s: Option<u64>,
    disclose_read: Option<bool>,
    relay: Option<Vec<RelaySpec>>,
    hooks: Hooks,
    limits: Limits,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum PolicyName {
    Ask,
    AllowList,
    Open,
    Closed,
}

/// Whether presence is announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PresenceMode {
    /// Anyone can see name, capabilities and when the agent works.
    Public,
    /// Nothing is announced; who knows the key can still call.
    Off,
}

impl PresenceMode {
    /// The word in file and output.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Off => "off",
        }
    }
}

/// What to run when something happens.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hooks {
    /// Program and arguments; no shell. Nothing runs when it is empty.
    pub command: Vec<String>,
    /// Events it runs for.
    pub events: Vec<HookEvent>,
    /// Seconds before it is killed.
    pub timeout_s: u64,
}

/// What a hook can be run for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HookEvent {
    /// A call rings here, a stranger's knock too.
    Ring,
    /// A message arrived.
    Message,
    /// A file is whole, or failed.
    File,
    /// The owner answered, or a call of ours was answered.
    Reply,
    /// A call ended or was missed.
    End,
    /// Our agent asks its owner: the hook that exits with 0 has told them.
    Escalate,
}

impl Default for Hooks {
    fn default() -> Self {
        use HookEvent as E;
        let events = vec![E::Ring, E::Message, E::File, E::Reply, E::End, E::Escalate];
        Self { command: Vec::new(), events, timeout_s: 10 }
    }
}

/// Caps.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Messages a minute that we send into one conversation.
    pub sends_per_minute: u32,
    /// Messages a minute that we take from one peer.
    pub receives_per_minute: u32,
    /// Bytes of received files kept, in MiB.
    pub downloads_mib: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { sends_per_minute: 30, receives_per_minute: 120, downloads_mib: 256 }
    }
}

/// Everything that can be chosen, as it is in force.
#[derive(Debug, Clone)]
pub struct Config {
    /// The announced name; one made from the key when nothing was chosen.
    pub name: Option<String>,
    /// What is announced about the agent.
    pub about: Option<String>,
    /// Announced capabilities: lower-case words.
    pub capabilities: Vec<String>,
    /// Whether presence is announced.
    pub presence: PresenceMode,
    /// The relays and their roles.
    pub relays: Vec<RelaySpec>,
    /// What to run when something happens.
    pub hooks: Hooks,
    /// Caps.
    pub limits: Limits,
    /// What the engine is told, but for the name.
    pub engine: Settings,
}

impl Config {
    /// Reads the file, if there is one, and what the environment overrides: `P2P_NAME`,
    /// `P2P_ABOUT`, `P2P_CAPABILITIES` and `P2P_RELAYS` (lists by comma), `P2P_PRESENCE`.
    ///
    /// # Errors
    /// `config`, with file and line.
    pub fn read(path: &Path, env: impl Fn(&str) -> Option<String>) -> Result<Self, RpcError> {
        let file = match std::fs::read_to_string(path) {
            Ok(text) => toml::from_str(&text).map_err(|e| wrong(path, &e.to_string()))?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => File::default(),
            Err(e) => return Err(wrong(path, &e.to_string())),
        };
        Self::from_parts(file, env).map_err(|what| wrong(path, &what))
    }

    fn from_parts(file: File, env: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let list = |text: String| -> Vec<String> {
            text.split(',').map(str::trim).filter(|s| !s.is_empty()).map(String::from).collect()
        };
        let name = env("P2P_NAME").or(file.name);
        if name.as_ref().is_some_and(|n| {
            n.trim().is_empty() || n.len() > NAME_LIMIT || n.chars().any(char::is_control)
        }) {
            return Err(format!("name (P2P_NAME) must have 1 to {NAME_LIMIT} bytes"));
        }
        let capabilities = env("P2P_CAPABILITIES").map(list).or(file.capabilities);
        let capabilities = capabilities.unwrap_or_default();
        let (count, length) = CAPABILITIES_LIMIT;
        let plain = |c: &String| c.chars().all(|c| c.is_alphanumeric() || "-_.:+/".contains(c));
        if capabilities.len() > count
            || capabilities.iter().any(|c| c.is_empty() || c.len() > length || !plain(c))
        {
            return Err(format!(
                "capabilities (P2P_CAPABILITIES) are at most {count} words of at most {length} bytes"
            ));
        }
        let presence = match env("P2P_PRESENCE").as_deref() {
            None => file.presence.unwrap_or(PresenceMode::Public),
            Some("public") => PresenceMode::Public,
            Some("off") => PresenceMode::Off,
            Some(other) => return Err(format!("P2P_PRESENCE is {other}, not public or off")),
        };
        let relays = match env("P2P_RELAYS").map(list) {
            Some(urls) => {
                urls.into_iter().map(|url| RelaySpec { url, roles: Roles::both() }).collect()
            }
            None => file.relay.unwrap_or_else(crate::relays::defaults),
        };
        let policy = match file.policy {
            None | Some(PolicyName::Ask) => Policy::Ask,
            Some(PolicyName::AllowList) => Policy::AllowList,
            Some(PolicyName::Open) => Policy::Open,
            Some(PolicyName::Closed) => Policy::Closed,
        };
        let defaults = Settings::default();
        let engine = Settings {
            policy,
            calls: file.max_calls.unwrap_or(defaults.calls),
            ring: Duration::from_secs(file.ring_s.unwrap_or(defaults.ring.as_secs()).max(10)),
            disclose_read: file.disclose_read.unwrap_or(defaults.disclose_read),
            sends: file.limits.sends_per_minute,
            receives: file.limits.receives_per_minute,
            ..defaults
        };
        Ok(Self {
            name,
            about: env("P2P_ABOUT").or(file.about),
            capabilities: capabilities.into_iter().map(|c| c.to_lowercase()).collect(),
            presence,
            relays,
            hooks: file.hooks,
            limits: file.limits,
            engine,
        })
    }
}

fn wrong(path: &Path, what: &str) -> RpcError {
    let message = format!("{}: {}", path.display(), what.trim_end());
    RpcError::new(ErrorCode::Config, message).hint(format!("edit {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, RpcError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        Config::read(&path, |_| None)
    }

    #[test]
    fn a_typo_is_an_error_with_file_and_line() {
        let error = read("name = \"a\"\ncapabilites = [\"x\"]\n").unwrap_err();
        assert_eq!(error.code, ErrorCode::Config);
        assert!(error.message.contains("config.toml"), "{}", error.message);
        assert!(error.message.contains("line 2"), "{}", error.message);
        assert!(error.message.contains("capabilites"), "{}", error.message);
        assert!(read("[hooks]\ncmd = []\n").is_err());
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        std::fs::write(&path, "name = \"file\"\ncapabilities = [\"one\"]\n").unwrap();
        let env = |name: &str| match name {
            "P2P_CAPABILITIES" => Some("Two, three,".to_string()),
            "P2P_RELAYS" => Some("ws://127.0.0.1:1".to_string()),
            _ => None,
        };
        let config = Config::read(&path, env).unwrap();
        assert_eq!(config.name.as_deref(), Some("file"));
        assert_eq!(config.capabilities, ["two", "three"]);
        assert_eq!(config.relays.len(), 1);
    }

    #[test]
    fn without_a_file_the_defaults_hold() {
        let config = Config::read(Path::new("/nonexistent/config.toml"), |_| None).unwrap();
        assert_eq!(config.presence, PresenceMode::Public);
        assert_eq!(config.engine.policy, Policy::Ask);
        assert!(!config.relays.is_empty());
    }
}

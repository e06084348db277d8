//! The file and the environment together: the settings that are in force.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use crate::error::{ConfigError, WrongValue, within};
use crate::limits::{Limits, Retention, RetentionDays};
use crate::notifiers::{Desktop, Hooks, Notifiers, Openclaw, Webhook};
use crate::relays::{self, RelayEntry, RelayRole};
use crate::retired;

/// Longest announced name, in bytes.
const NAME_LIMIT: usize = 64;
/// Most announced capabilities.
const CAPABILITIES: usize = 16;
/// Longest capability, in bytes.
const CAPABILITY_LIMIT: usize = 32;

/// The file as it stands on disk.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    name: Option<String>,
    about: Option<String>,
    capabilities: Vec<String>,
    presence: PresenceMode,
    policy: Policy,
    max_calls: u64,
    ring_s: u64,
    disclose_read: bool,
    invisible: bool,
    relay: Option<Vec<RelayEntry>>,
    hooks: Hooks,
    webhook: Option<Webhook>,
    openclaw: Option<Openclaw>,
    desktop: Desktop,
    limits: Limits,
    retention: RetentionDays,
}

impl Default for File {
    fn default() -> Self {
        Self {
            name: None,
            about: None,
            capabilities: Vec::new(),
            presence: PresenceMode::Public,
            policy: Policy::Ask,
            max_calls: 8,
            ring_s: 600,
            disclose_read: true,
            invisible: false,
            relay: None,
            hooks: Hooks::default(),
            webhook: None,
            openclaw: None,
            desktop: Desktop::default(),
            limits: Limits::default(),
            retention: RetentionDays::default(),
        }
    }
}

/// The policy for strangers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// A stranger's ring becomes a knock.
    Ask,
    /// Only contacts ring.
    AllowList,
    /// Everybody rings.
    Open,
    /// Nobody rings.
    Closed,
}

/// The visibility of our presence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PresenceMode {
    /// Anyone can see name, capabilities and when the agent works.
    Public,
    /// Nothing is announced; whoever knows the key can still call.
    Off,
}

impl PresenceMode {
    /// Returns the word that the file and the output use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Off => "off",
        }
    }
}

/// The settings that are in force.
#[derive(Debug, Clone)]
pub struct Config {
    /// The announced name; the daemon makes one from the key where none is set.
    pub name: Option<String>,
    /// The key or variable that set the name, for errors about it.
    pub name_key: &'static str,
    /// The announced description of the agent.
    pub about: Option<String>,
    /// Announced capabilities: lower-case words.
    pub capabilities: Vec<String>,
    /// The visibility of our presence.
    pub presence: PresenceMode,
    /// No presence, no read receipts, and no sign that a call rings here.
    pub invisible: bool,
    /// The policy for strangers.
    pub policy: Policy,
    /// Calls at once before callers hear that we are busy.
    pub max_calls: usize,
    /// The time to ring before giving up.
    pub ring: Duration,
    /// Senders hear what our agent was shown.
    pub disclose_read: bool,
    /// The relays and their roles.
    pub relays: Vec<RelayEntry>,
    /// The programs and servers to notify.
    pub notifiers: Notifiers,
    /// The file holds secrets and other users can read it.
    pub is_exposed: bool,
    /// Settings in the file that no longer exist and are ignored.
    pub retired: Vec<String>,
    /// Caps.
    pub limits: Limits,
    /// How long things are kept.
    pub retention: Retention,
}

impl Config {
    /// Reads the file, if there is one, and what the environment overrides: `P2P_NAME`,
    /// `P2P_ABOUT`, `P2P_CAPABILITIES` and `P2P_RELAYS` (comma-separated), `P2P_PRESENCE`.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn read(path: &Path, env: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let (file, retired) = match std::fs::read_to_string(path) {
            Ok(text) => retired::parse(&text).map_err(|e| ConfigError::at_line(path, &text, &e))?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Default::default(),
            Err(e) => return Err(ConfigError::in_file(path, &e.to_string())),
        };
        let mut config = Self::in_force(file, env)
            .map_err(|WrongValue { key, problem }| ConfigError::wrong_value(path, key, &problem))?;
        config.retired = retired;
        config.is_exposed = config.notifiers.has_secrets() && others_can_read(path);
        Ok(config)
    }

    fn in_force(file: File, env: impl Fn(&str) -> Option<String>) -> Result<Self, WrongValue> {
        let (name, name_key) = match env("P2P_NAME") {
            Some(name) => (Some(name), "P2P_NAME"),
            None => (file.name, "name"),
        };
        if let Some(name) = &name {
            check_name(name_key, name)?;
        }
        let capabilities = match env("P2P_CAPABILITIES") {
            Some(text) => checked_capabilities("P2P_CAPABILITIES", list(&text))?,
            None => checked_capabilities("capabilities", file.capabilities)?,
        };
        let relays = match env("P2P_RELAYS") {
            Some(text) => list(&text).into_iter().map(presence_and_inbox).collect(),
            None => file.relay.unwrap_or_else(relays::defaults),
        };
        within("max_calls", file.max_calls, 1..=64)?;
        within("ring_s", file.ring_s, 10..=24 * 3600)?;
        file.limits.check()?;
        let notifiers = Notifiers {
            hooks: file.hooks,
            webhook: file.webhook,
            openclaw: file.openclaw,
            desktop: file.desktop,
        };
        notifiers.check()?;
        Ok(Self {
            name,
            name_key,
            about: env("P2P_ABOUT").or(file.about),
            capabilities,
            presence: presence(file.presence, env("P2P_PRESENCE"), file.invisible)?,
            invisible: file.invisible,
            policy: file.policy,
            max_calls: usize::try_from(file.max_calls).unwrap_or(usize::MAX),
            ring: Duration::from_secs(file.ring_s),
            disclose_read: file.disclose_read && !file.invisible,
            relays,
            notifiers,
            is_exposed: false,
            retired: Vec::new(),
            limits: file.limits,
            retention: file.retention.durations()?,
        })
    }
}

fn presence(
    in_file: PresenceMode,
    variable: Option<String>,
    invisible: bool,
) -> Result<PresenceMode, WrongValue> {
    match variable.as_deref() {
        _ if invisible => Ok(PresenceMode::Off),
        None => Ok(in_file),
        Some("public") => Ok(PresenceMode::Public),
        Some("off") => Ok(PresenceMode::Off),
        Some(other) => {
            Err(WrongValue::new("P2P_PRESENCE", format!("{other:?} is not public or off")))
        }
    }
}

/// Splits a comma-separated list.
fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(String::from).collect()
}

fn presence_and_inbox(url: String) -> RelayEntry {
    RelayEntry { url, roles: vec![RelayRole::Presence, RelayRole::Inbox] }
}

fn others_can_read(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0)
}

fn check_name(key: &'static str, name: &str) -> Result<(), WrongValue> {
    let problem = if name.trim().is_empty() {
        format!("{name:?} is blank")
    } else if name.len() > NAME_LIMIT {
        format!("{name:?} is {} bytes long, more than {NAME_LIMIT}", name.len())
    } else if name.chars().any(char::is_control) {
        format!("{name:?} holds a control character")
    } else {
        return Ok(());
    };
    Err(WrongValue::new(key, problem))
}

/// Checks capabilities and puts them in lower case.
fn checked_capabilities(key: &'static str, words: Vec<String>) -> Result<Vec<String>, WrongValue> {
    if words.len() > CAPABILITIES {
        let problem = format!("{} are more than {CAPABILITIES}", words.len());
        return Err(WrongValue::new(key, problem));
    }
    let is_foreign = |c: char| !(c.is_alphanumeric() || "-_.:+/".contains(c));
    for word in &words {
        let problem = if word.is_empty() {
            "a capability is empty".into()
        } else if word.len() > CAPABILITY_LIMIT {
            format!("{word:?} is {} bytes long, more than {CAPABILITY_LIMIT}", word.len())
        } else if let Some(c) = word.chars().find(|c| is_foreign(*c)) {
            format!("{word:?} holds {c:?}: use letters, digits and -_.:+/")
        } else {
            continue;
        };
        return Err(WrongValue::new(key, problem));
    }
    Ok(words.into_iter().map(|word| word.to_lowercase()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        Config::read(&path, |_| None)
    }

    #[test]
    fn a_typo_is_an_error_with_file_and_line() {
        let error = read("name = \"a\"\ncapabilites = [\"x\"]\n").unwrap_err();
        for part in ["config.toml", "line 2", "capabilites"] {
            assert!(error.to_string().contains(part), "{error}");
        }
        assert!(read("[hooks]\ncmd = []\n").is_err());
    }

    #[test]
    fn a_wrong_value_is_an_error_that_names_its_key() {
        for (text, told) in [
            ("max_calls = 0", "max_calls: 0 is not within 1 to 64"),
            ("max_calls = 100000", "max_calls"),
            ("ring_s = 0", "ring_s"),
            ("ring_s = 4000000000", "ring_s"),
            ("[hooks]\ntimeout_s = 0", "hooks.timeout_s"),
            ("[hooks]\ncommand = [\"\"]", "hooks.command: names no program"),
            ("[webhook]\nurl = \"ftp://x\"\nsecret = \"s\"", "webhook.url: is not a URL that"),
            ("[webhook]\nurl = \"https://a:b@x/\"\nsecret = \"s\"", "webhook.url: holds a user"),
            ("[webhook]\nurl = \"https://x/\"\nsecret = \" \"", "webhook.secret: is empty"),
            ("[webhook]\nurl = \"https://x/\"", "missing field `secret`"),
            ("[openclaw]\nurl = \"http://x\"\ntoken = \"a\\nb\"", "openclaw.token: holds"),
            (
                "[openclaw]\nurl = \"http://x\"\ntoken = \"t\"\nevents = [\"escalate\"]",
                "openclaw.events: escalate is for the owner",
            ),
            ("[limits]\nsends_per_minute = 0", "limits.sends_per_minute"),
            ("[limits]\nreceives_per_minute = 0", "limits.receives_per_minute"),
            ("[limits]\nturns_per_hour = 0", "limits.turns_per_hour"),
            (
                "[limits]\nreceive_kib_per_hour = 1",
                "limits.receive_kib_per_hour: 1 is not within 64",
            ),
            ("[limits]\ndownloads_mib = 0", "limits.downloads_mib"),
            ("[limits]\ndownloads_mib = 9000000000000", "limits.downloads_mib"),
            ("[retention]\nmessages_days = 1", "retention.messages_days: 1 is not within 7 to"),
            ("name = \" \"", "name: \" \" is blank"),
            ("name = \"a\\u0007b\"", "control character"),
            ("capabilities = [\"two words\"]", "holds ' '"),
            ("capabilities = [\"\"]", "capabilities: a capability is empty"),
        ] {
            let error = read(text).unwrap_err();
            for part in ["config.toml: ", told] {
                assert!(error.to_string().contains(part), "{text}: {error}");
            }
        }
        let env = |name: &str| (name == "P2P_NAME").then(|| "a\nb".to_string());
        let error = Config::read(Path::new("/nonexistent/config.toml"), env).unwrap_err();
        assert!(matches!(&error, ConfigError::Variable { name, .. } if name == "P2P_NAME"));
        assert!(error.to_string().starts_with("P2P_NAME: \"a\\nb\" holds"), "{error}");
    }

    #[test]
    fn secrets_are_redacted_and_an_exposed_file_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        let text = "[webhook]\nurl = \"https://x/marker\"\nsecret = \"marker\"\n\
                    [openclaw]\nurl = \"http://x\"\ntoken = \"marker\"\n";
        std::fs::write(&path, text).unwrap();
        let read_with = |mode| {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            Config::read(&path, |_| None).unwrap()
        };
        let config = read_with(0o640);
        assert!(!format!("{config:?}").contains("marker"), "{config:?}");
        assert!(config.is_exposed);
        assert!(!read_with(0o600).is_exposed);
        std::fs::write(&path, "").unwrap();
        assert!(!read_with(0o644).is_exposed);
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
    fn invisible_turns_off_presence_and_read_receipts() {
        let config = read("invisible = true\npresence = \"public\"\ndisclose_read = true").unwrap();
        assert_eq!(config.presence, PresenceMode::Off);
        assert!(!config.disclose_read && config.invisible);
        let config = read("[limits]\nreceive_kib_per_hour = 64").unwrap();
        assert_eq!(config.presence, PresenceMode::Public);
        assert!(config.disclose_read && !config.invisible);
        assert_eq!(config.limits.receive_kib_per_hour, 64);
    }

    #[test]
    fn a_retired_key_is_ignored_and_an_unknown_key_is_an_error() {
        let config = read("[limits]\ncourtesy = 6\nturns_per_hour = 7").unwrap();
        assert_eq!((config.limits.turns_per_hour, config.retired.len()), (7, 1));
        let config = read("limits = { courtesy = 0, turns_per_hour = 7 }").unwrap();
        assert_eq!(config.retired, ["limits.courtesy"]);
        let error = read("[limits]\ncourtesy = 6\ncourtesies = 6").unwrap_err().to_string();
        assert!(error.contains("line 3: unknown field `courtesies`"), "{error}");
    }

    #[test]
    fn defaults_apply_without_a_file() {
        let config = Config::read(Path::new("/nonexistent/config.toml"), |_| None).unwrap();
        assert_eq!(config.presence, PresenceMode::Public);
        assert_eq!(config.policy, Policy::Ask);
        assert!(!config.relays.is_empty());
    }
}

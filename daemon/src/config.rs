//! Settings: the configuration file, what the environment overrides, and the defaults.
//!
//! A key that is not known is an error that names file and line, so that a typo never passes for
//! a setting.

mod channels;

use std::ops::RangeInclusive;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use p2p_core::policy::{Policy, Settings, is_format};
use p2p_ipc::{ErrorCode, RpcError};
use serde::Deserialize;

pub use self::channels::{Channels, Desktop, HookEvent, Hooks, Openclaw, Secret, Webhook};
use crate::relays::{RelaySpec, Roles};
use crate::tidy::Retention;

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
    invisible: bool,
    relay: Option<Vec<RelaySpec>>,
    hooks: Hooks,
    webhook: Option<Webhook>,
    openclaw: Option<Openclaw>,
    desktop: Desktop,
    limits: Limits,
    retention: RetentionDays,
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

/// Caps.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Messages a minute that we send into one conversation.
    pub sends_per_minute: u32,
    /// Messages a minute that we take from one peer.
    pub receives_per_minute: u32,
    /// Messages an hour that we say in one call.
    pub turns_per_hour: u32,
    /// Words an hour that we take from one peer, in KiB.
    pub receive_kib_per_hour: u32,
    /// A call in which so many messages in turn were nothing but courtesy is over; 0 for never.
    pub courtesy: u32,
    /// Bytes of received files kept, in MiB.
    pub downloads_mib: u64,
}

impl Default for Limits {
    fn default() -> Self {
        let engine = Settings::default();
        Self {
            sends_per_minute: engine.sends,
            receives_per_minute: engine.receives,
            turns_per_hour: engine.turns,
            receive_kib_per_hour: engine.receive_bytes / 1024,
            courtesy: engine.courtesy,
            downloads_mib: 256,
        }
    }
}

/// How many days things are kept; 0 is for ever.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RetentionDays {
    /// Calls that are over, with all that was said in them, and direct messages.
    messages_days: u64,
    /// Received files.
    files_days: u64,
}

impl Default for RetentionDays {
    fn default() -> Self {
        Self { messages_days: 365, files_days: 0 }
    }
}

impl RetentionDays {
    fn spans(&self) -> Result<Retention, Wrong> {
        // A call is needed for a while after it ended.
        const DAYS: RangeInclusive<u64> = 7..=36_500;
        let span = |key, days| match days {
            0 => Ok(None),
            days => within(key, days, DAYS).map(|()| Some(Duration::from_secs(days * 24 * 3600))),
        };
        Ok(Retention {
            messages: span("retention.messages_days", self.messages_days)?,
            files: span("retention.files_days", self.files_days)?,
        })
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
    /// Whom to tell what happens here.
    pub channels: Channels,
    /// What is wrong with the file, though it can be used.
    pub warning: Option<String>,
    /// Caps.
    pub limits: Limits,
    /// How long things are kept.
    pub retention: Retention,
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
            Ok(text) => toml::from_str(&text).map_err(|e| wrong(path, &at_line(&text, &e)))?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => File::default(),
            Err(e) => return Err(wrong(path, &e.to_string())),
        };
        let mut config = Self::from_parts(file, env)
            .map_err(|Wrong { key, what }| wrong_value(path, key, &what))?;
        config.warning = exposed(path).filter(|_| config.channels.has_secrets());
        Ok(config)
    }

    fn from_parts(file: File, env: impl Fn(&str) -> Option<String>) -> Result<Self, Wrong> {
        let list = |text: String| -> Vec<String> {
            text.split(',').map(str::trim).filter(|s| !s.is_empty()).map(String::from).collect()
        };
        let (name, key) = chosen("name", "P2P_NAME", env("P2P_NAME"), file.name);
        if let Some(what) = name.as_deref().and_then(bad_name) {
            return Err(Wrong { key, what });
        }
        let chosen_here = env("P2P_CAPABILITIES").map(list);
        let (capabilities, key) =
            chosen("capabilities", "P2P_CAPABILITIES", chosen_here, file.capabilities);
        let capabilities = capabilities.unwrap_or_default();
        if let Some(what) = bad_capabilities(&capabilities) {
            return Err(Wrong { key, what });
        }
        let presence = match env("P2P_PRESENCE").as_deref() {
            _ if file.invisible => PresenceMode::Off,
            None => file.presence.unwrap_or(PresenceMode::Public),
            Some("public") => PresenceMode::Public,
            Some("off") => PresenceMode::Off,
            Some(other) => {
                let what = format!("{other:?} is not public or off");
                return Err(Wrong { key: "P2P_PRESENCE", what });
            }
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
        let calls = file.max_calls.unwrap_or(defaults.calls);
        let ring_s = file.ring_s.unwrap_or(defaults.ring.as_secs());
        let limits = &file.limits;
        within("max_calls", calls as u64, 1..=64)?;
        within("ring_s", ring_s, 10..=24 * 3600)?;
        within("limits.sends_per_minute", limits.sends_per_minute.into(), 1..=100_000)?;
        within("limits.receives_per_minute", limits.receives_per_minute.into(), 1..=100_000)?;
        within("limits.turns_per_hour", limits.turns_per_hour.into(), 1..=1_000_000)?;
        // The longest message has room.
        within("limits.receive_kib_per_hour", limits.receive_kib_per_hour.into(), 64..=4_000_000)?;
        if limits.courtesy != 0 {
            within("limits.courtesy", limits.courtesy.into(), 2..=1000)?;
        }
        within("limits.downloads_mib", limits.downloads_mib, 1..=1024 * 1024)?;
        let channels = Channels {
            hooks: file.hooks,
            webhook: file.webhook,
            openclaw: file.openclaw,
            desktop: file.desktop,
        };
        channels.check()?;
        let retention = file.retention.spans()?;
        let engine = Settings {
            policy,
            calls,
            ring: Duration::from_secs(ring_s),
            disclose_read: !file.invisible && file.disclose_read.unwrap_or(defaults.disclose_read),
            disclose_ring: !file.invisible,
            sends: file.limits.sends_per_minute,
            receives: file.limits.receives_per_minute,
            turns: file.limits.turns_per_hour,
            receive_bytes: file.limits.receive_kib_per_hour * 1024,
            courtesy: file.limits.courtesy,
            ..defaults
        };
        Ok(Self {
            name,
            about: env("P2P_ABOUT").or(file.about),
            capabilities: capabilities.into_iter().map(|c| c.to_lowercase()).collect(),
            presence,
            relays,
            channels,
            warning: None,
            limits: file.limits,
            retention,
            engine,
        })
    }
}

/// What to do about a file with secrets in it that others than its user can read.
fn exposed(path: &Path) -> Option<String> {
    let mode = std::fs::metadata(path).ok()?.permissions().mode();
    (mode & 0o077 != 0)
        .then(|| format!("others can read its secret: chmod 600 {}", p2p_ipc::quoted(path)))
}

/// A value that cannot be meant.
struct Wrong {
    /// The key in the file, or the variable that overrides it.
    key: &'static str,
    what: String,
}

/// The variable's value before the file's, and what to call it.
fn chosen<T>(
    key: &'static str,
    variable: &'static str,
    here: Option<T>,
    there: Option<T>,
) -> (Option<T>, &'static str) {
    match here {
        Some(value) => (Some(value), variable),
        None => (there, key),
    }
}

fn within(key: &'static str, value: u64, range: RangeInclusive<u64>) -> Result<(), Wrong> {
    if range.contains(&value) {
        return Ok(());
    }
    let what = format!("{value} is not within {} to {}", range.start(), range.end());
    Err(Wrong { key, what })
}

fn bad_name(name: &str) -> Option<String> {
    if name.trim().is_empty() {
        Some(format!("{name:?} is blank"))
    } else if name.len() > NAME_LIMIT {
        Some(format!("{name:?} is {} bytes long, more than {NAME_LIMIT}", name.len()))
    } else if name.chars().any(|c| c.is_control() || is_format(c)) {
        Some(format!("{name:?} holds a control character or an invisible one"))
    } else {
        None
    }
}

fn bad_capabilities(words: &[String]) -> Option<String> {
    let (count, length) = CAPABILITIES_LIMIT;
    if words.len() > count {
        return Some(format!("{} are more than {count}", words.len()));
    }
    let strange = |c: char| !(c.is_alphanumeric() || "-_.:+/".contains(c));
    words.iter().find_map(|word| {
        if word.is_empty() {
            Some("\"\" is no word".into())
        } else if word.len() > length {
            Some(format!("{word:?} is {} bytes long, more than {length}", word.len()))
        } else {
            word.chars().find(|c| strange(*c)).map(|c| {
                format!(
                    "{word:?} holds {c:?}: a capability is a word of letters, digits and -_.:+/"
                )
            })
        }
    })
}

/// A value is wrong: of a key in the file, or of the variable that overrides it.
pub(crate) fn wrong_value(path: &Path, key: &str, what: &str) -> RpcError {
    if key.starts_with("P2P_") {
        let error = RpcError::new(ErrorCode::Config, format!("{key}: {what}"));
        return error.hint(format!("unset {key}"));
    }
    wrong(path, &format!("{key}: {what}"))
}

/// What is wrong and in which line, without the line: a secret may stand in it.
fn at_line(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map(|before| before.matches('\n').count() + 1);
    line.map(|line| format!("line {line}: ")).unwrap_or_default() + error.message()
}

fn wrong(path: &Path, what: &str) -> RpcError {
    let message = format!("{}: {}", path.display(), what.trim_end());
    RpcError::new(ErrorCode::Config, message).hint(format!("cat -n {}", p2p_ipc::quoted(path)))
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
    fn a_value_that_cannot_be_meant_is_an_error_that_names_its_key() {
        for (text, told) in [
            ("max_calls = 0", "max_calls: 0 is not within 1 to 64"),
            ("max_calls = 100000", "max_calls"),
            ("ring_s = 0", "ring_s"),
            ("ring_s = 4000000000", "ring_s"),
            ("[hooks]\ntimeout_s = 0", "hooks.timeout_s"),
            ("[hooks]\ncommand = [\"\"]", "hooks.command: names no program"),
            ("[webhook]\nurl = \"ftp://x\"\nsecret = \"s\"", "webhook.url: is no address that"),
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
            ("[limits]\ncourtesy = 1", "limits.courtesy: 1 is not within 2 to"),
            ("[limits]\ndownloads_mib = 0", "limits.downloads_mib"),
            ("[limits]\ndownloads_mib = 9000000000000", "limits.downloads_mib"),
            ("[retention]\nmessages_days = 1", "retention.messages_days: 1 is not within 7 to"),
            ("name = \" \"", "name: \" \" is blank"),
            ("name = \"a\\u0007b\"", "control character"),
            ("capabilities = [\"two words\"]", "holds ' '"),
            ("capabilities = [\"\"]", "capabilities: \"\" is no word"),
        ] {
            let error = read(text).unwrap_err();
            assert_eq!(error.code, ErrorCode::Config, "{text}");
            for told in ["config.toml: ", told] {
                assert!(error.message.contains(told), "{text}: {}", error.message);
            }
        }
        let env = |name: &str| (name == "P2P_NAME").then(|| "a\nb".to_string());
        let error = Config::read(Path::new("/nonexistent/config.toml"), env).unwrap_err();
        assert!(error.message.starts_with("P2P_NAME: \"a\\nb\" holds"), "{}", error.message);
        assert_eq!(error.hint.as_deref(), Some("unset P2P_NAME"));
    }

    #[test]
    fn secrets_show_nowhere_and_a_file_that_others_can_read_is_noticed() {
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
        assert!(config.warning.is_some_and(|told| told.contains("chmod 600")));
        assert_eq!(read_with(0o600).warning, None);
        std::fs::write(&path, "").unwrap();
        assert_eq!(read_with(0o644).warning, None);
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
    fn who_is_invisible_discloses_nothing() {
        let config = read("invisible = true\npresence = \"public\"\ndisclose_read = true").unwrap();
        assert_eq!(config.presence, PresenceMode::Off);
        assert!(!config.engine.disclose_read && !config.engine.disclose_ring);
        let config = read("[limits]\ncourtesy = 0\nreceive_kib_per_hour = 64").unwrap();
        assert_eq!(config.presence, PresenceMode::Public);
        assert!(config.engine.disclose_read && config.engine.disclose_ring);
        assert_eq!((config.engine.courtesy, config.engine.receive_bytes), (0, 64 * 1024));
    }

    #[test]
    fn without_a_file_the_defaults_hold() {
        let config = Config::read(Path::new("/nonexistent/config.toml"), |_| None).unwrap();
        assert_eq!(config.presence, PresenceMode::Public);
        assert_eq!(config.engine.policy, Policy::Ask);
        assert!(!config.relays.is_empty());
    }
}

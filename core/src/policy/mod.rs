//! Rules: policies for strangers, rates, and safe names.

mod meter;
mod small_talk;

pub use meter::{Meter, Rate};
pub use small_talk::{SMALL_TALK_WINDOW, small_talk};

use core::time::Duration;

use crate::ids::is_key_prefix;
use crate::lane::Schedule;
use crate::wire::NAME_LIMIT;

/// The policy for strangers. Contacts may ring under every policy but [`Policy::Closed`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// A stranger's ring is a knock: shown here, and nothing is sent back before it is answered.
    Ask,
    /// Strangers are dropped.
    AllowList,
    /// Strangers ring like contacts.
    Open,
    /// Every ring is dropped.
    Closed,
}

/// Everything about the engine that its owner can choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The name that we claim.
    pub name: String,
    /// The policy for strangers.
    pub policy: Policy,
    /// Calls at once before callers are told that we are busy.
    pub calls: usize,
    /// Strangers' rings shown at once, one a key.
    pub knocks: usize,
    /// The time to ring before giving up.
    pub ring: Duration,
    /// Tells senders what our agent was shown.
    pub disclose_read: bool,
    /// Tells contacts that their call rings here, before our agent answers.
    pub disclose_ring: bool,
    /// Messages a minute that we send into one conversation, and that one peer may send us:
    /// two polite agents stop by themselves.
    pub sends: u32,
    /// Messages a minute that one peer may send us.
    pub receives: u32,
    /// Messages an hour that we say in one call.
    pub turns: u32,
    /// Bytes of words an hour that are taken from one peer.
    pub receive_bytes: u32,
    /// The schedule of repetitions.
    pub schedule: Schedule,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: String::new(),
            policy: Policy::Ask,
            calls: 8,
            knocks: 16,
            ring: Duration::from_secs(600),
            disclose_read: true,
            disclose_ring: true,
            sends: 30,
            receives: 120,
            turns: 240,
            receive_bytes: 4 * 1024 * 1024,
            schedule: Schedule::default(),
        }
    }
}

/// Returns true if a name can be pinned to a key: short, without characters special to a shell, and
/// not in the form of a handle, a key or the beginning of a key.
#[must_use]
pub fn is_pet_name(name: &str) -> bool {
    let simple = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    let handle = name.split_at_checked(1).is_some_and(|(series, number)| {
        "cmfqCMFQ".contains(series) && !number.is_empty() && number.parse::<u32>().is_ok()
    });
    let key = name.to_lowercase().starts_with("npub") || is_key_prefix(name);
    (1..=NAME_LIMIT).contains(&name.len()) && name.chars().all(simple) && !handle && !key
}

/// Makes a peer's file name safe to create here: no directories, no control or format
/// characters, no leading dot, not too long, never empty.
#[must_use]
pub fn safe_name(name: &str) -> String {
    const LIMIT: usize = 100;
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last
        .chars()
        .map(|c| if c.is_control() || is_format(c) || "<>:\"|?*".contains(c) { '_' } else { c })
        .collect();
    let clean = clean.trim().trim_start_matches('.').trim_end_matches('.').trim();
    if clean.is_empty() {
        return "file".into();
    }
    if clean.len() <= LIMIT {
        return clean.into();
    }
    // Keep the extension: agents go by it.
    let extension = clean.rsplit_once('.').map(|(_, e)| e).filter(|e| e.len() <= 10);
    let room = LIMIT - extension.map_or(0, |e| e.len() + 1);
    let mut end = room;
    while !clean.is_char_boundary(end) {
        end -= 1;
    }
    match extension {
        Some(extension) => format!("{}.{extension}", &clean[..end]),
        None => clean[..end].into(),
    }
}

/// Characters that change how text around them is shown and are not seen themselves.
#[must_use]
pub fn is_format(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
        | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pet_name_cannot_look_like_a_handle_or_a_key() {
        for good in ["bob", "Ana-2", "abc", "c7x", "facade-x", "文", "x7k2"] {
            assert!(is_pet_name(good), "{good}");
        }
        let (npub, hex) = (format!("npub1{}", "q".repeat(58)), "7".repeat(64));
        for bad in [
            "",
            "c7",
            "C7",
            "a b",
            "$(rm)",
            "npub",
            "NPUB1x7kabc",
            "npub1",
            "cafe",
            "BEEF0",
            "1234",
        ]
        .into_iter()
        .chain([npub.as_str(), hex.as_str(), "x".repeat(65).as_str()])
        {
            assert!(!is_pet_name(bad), "{bad}");
        }
    }

    #[test]
    fn file_names_of_peers_become_safe() {
        for (given, safe) in [
            ("report.json", "report.json"),
            ("../../etc/passwd", "passwd"),
            ("..\\..\\boot.ini", "boot.ini"),
            ("/", "file"),
            ("..", "file"),
            ("", "file"),
            (".bashrc", "bashrc"),
            ("a\0b\nc", "a_b_c"),
            ("evil\u{202E}gpj.exe", "evil_gpj.exe"),
            ("ünïcödé 文.md", "ünïcödé 文.md"),
        ] {
            assert_eq!(safe_name(given), safe, "{given:?}");
        }
        let long = safe_name(&format!("{}.tar", "é".repeat(300)));
        assert!(long.len() <= 100 && long.ends_with(".tar"), "{long}");
    }
}

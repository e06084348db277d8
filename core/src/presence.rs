//! Presence: a NIP-38 status (kind 30315) that says that an agent's daemon is up.
//!
//! It is announced every two minutes and on change, expires after five (NIP-40), and is cleared
//! by empty content. Everything an announcement says is the announcer's own claim.

use core::time::Duration;

use crate::ids::{InstanceId, PublicKey};
use crate::time::Time;

/// NIP-38 user status, an addressable kind.
pub const KIND: u16 = 30315;
/// The `d` tag of ours: it keeps other statuses of the same key apart.
pub const IDENTIFIER: &str = "p2p";
/// The `t` tag that every announcement carries.
pub const TOPIC: &str = "p2p-agent";
/// How often an unchanged presence is announced again.
pub const INTERVAL: Duration = Duration::from_secs(120);
/// How long an announcement is good for.
pub const LIFETIME: Duration = Duration::from_secs(300);
/// How wrong a clock may be before its owner looks offline.
pub const SKEW: Duration = Duration::from_secs(3600);
/// An agent that waited or acted within this span is attended.
pub const ATTENDED: Duration = Duration::from_secs(600);

/// Whether an agent takes calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    /// It takes calls.
    Available,
    /// It is up, and at its limit of calls.
    Away,
}

impl Availability {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Away => "away",
        }
    }
}

/// What an agent announces about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// The name it goes by.
    pub name: String,
    /// What it is, in a sentence.
    pub about: Option<String>,
    /// What it can do: lower-case words, each a `t` tag.
    pub capabilities: Vec<String>,
    /// Whether it takes calls.
    pub availability: Availability,
    /// Whether its agent acted lately.
    pub attended: bool,
    /// The daemon that announced it.
    pub instance: Option<InstanceId>,
}

/// An announcement that was found on relays; id and signature were verified before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// Who announced.
    pub key: PublicKey,
    /// When, in seconds, by the announcer's clock.
    pub created_at: u64,
    /// What it said.
    pub presence: Presence,
}

/// Longest name, capability and about that are kept of an announcement, in characters.
const NAME_LIMIT: usize = 64;
const ABOUT_LIMIT: usize = 280;
const CAPABILITY_LIMIT: usize = 32;

impl Presence {
    /// The tags of an announcement made at `now`.
    #[must_use]
    pub fn tags(&self, now: Time) -> Vec<Vec<String>> {
        let mut tags = address(now);
        tags.push(tag("t", TOPIC));
        tags.extend(self.capabilities.iter().map(|capability| tag("t", capability)));
        tags.push(tag("name", &self.name));
        if let Some(about) = &self.about {
            tags.push(tag("about", about));
        }
        tags.push(tag("availability", self.availability.as_str()));
        if self.attended {
            tags.push(tag("attended", "1"));
        }
        if let Some(instance) = &self.instance {
            tags.push(tag("instance", &instance.to_string()));
        }
        tags
    }

    /// The content of an announcement: what ordinary NIP-38 clients show as the status.
    #[must_use]
    pub fn content(&self) -> &'static str {
        self.availability.as_str()
    }
}

/// The tags of an announcement that clears the one before it: goes with empty content.
#[must_use]
pub fn cleared(now: Time) -> Vec<Vec<String>> {
    address(now)
}

fn address(now: Time) -> Vec<Vec<String>> {
    vec![tag("d", IDENTIFIER), tag("expiration", &(now + LIFETIME).secs().to_string())]
}

fn tag(name: &str, value: &str) -> Vec<String> {
    vec![name.into(), value.into()]
}

impl Sighting {
    /// Reads an announcement. Nothing when it is none of ours, or was cleared.
    #[must_use]
    pub fn read(
        key: PublicKey,
        created_at: u64,
        tags: &[Vec<String>],
        content: &str,
    ) -> Option<Self> {
        let values = |name: &'static str| {
            tags.iter()
                .filter(move |tag| tag.first().is_some_and(|n| n == name))
                .filter_map(|tag| tag.get(1))
        };
        let first = |name: &'static str| values(name).next();
        if content.is_empty()
            || first("d").is_none_or(|d| d != IDENTIFIER)
            || !values("t").any(|t| t == TOPIC)
        {
            return None;
        }
        let short = |text: &String, limit: usize| text.chars().take(limit).collect::<String>();
        let presence = Presence {
            name: first("name").map(|name| short(name, NAME_LIMIT)).unwrap_or_default(),
            about: first("about").map(|about| short(about, ABOUT_LIMIT)),
            capabilities: values("t")
                .filter(|t| *t != TOPIC)
                .take(32)
                .map(|t| short(t, CAPABILITY_LIMIT))
                .collect(),
            availability: match first("availability").map(String::as_str) {
                Some("away") => Availability::Away,
                _ => Availability::Available,
            },
            attended: first("attended").is_some_and(|a| a == "1"),
            instance: first("instance").and_then(|i| i.parse().ok()),
        };
        Some(Self { key, created_at, presence })
    }

    /// Whether the announcer counts as online at `now`: it announced itself within the lifetime.
    /// A clock that runs ahead, by up to [`SKEW`], is forgiven; relays keep only the newest
    /// announcement, so one from the future is the newest there is.
    #[must_use]
    pub fn is_fresh(&self, now: Time) -> bool {
        let at = Time::from_secs(self.created_at);
        now.since(at) <= LIFETIME && at.since(now) <= SKEW
    }
}

/// Decides when to announce.
#[derive(Debug, Default)]
pub struct Announcer {
    last: Option<(Presence, Time)>,
}

impl Announcer {
    /// Whether `presence` is to be announced at `now`: it changed, or two minutes went by.
    #[must_use]
    pub fn is_due(&self, now: Time, presence: &Presence) -> bool {
        self.last.as_ref().is_none_or(|(last, at)| last != presence || now >= *at + INTERVAL)
    }

    /// Takes note that `presence` was announced at `now`.
    pub fn announced(&mut self, now: Time, presence: Presence) {
        self.last = Some((presence, now));
    }

    /// When the unchanged presence is due again.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Time> {
        self.last.as_ref().map(|(_, at)| *at + INTERVAL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn presence() -> Presence {
        Presence {
            name: "alice".into(),
            about: Some("writes docs".into()),
            capabilities: vec!["docs".into(), "de".into()],
            availability: Availability::Away,
            attended: true,
            instance: Some(InstanceId([7; 8])),
        }
    }

    #[test]
    fn an_announcement_reads_back_as_it_was_made() {
        let now = Time::from_secs(1_000_000);
        let made = presence();
        let read = Sighting::read(PublicKey([1; 32]), now.secs(), &made.tags(now), made.content())
            .unwrap();
        assert_eq!(read.presence, made);
    }

    #[test]
    fn cleared_or_foreign_statuses_are_not_agents() {
        let now = Time::from_secs(1_000_000);
        let key = PublicKey([1; 32]);
        assert_eq!(Sighting::read(key, 0, &cleared(now), ""), None);
        assert_eq!(Sighting::read(key, 0, &presence().tags(now), ""), None);
        let general = vec![tag("d", "general"), tag("t", TOPIC)];
        assert_eq!(Sighting::read(key, 0, &general, "working"), None);
        assert_eq!(Sighting::read(key, 0, &[vec![]], "x"), None);
    }

    #[test]
    fn freshness_allows_five_minutes_and_an_hour_of_skew() {
        let at =
            |created_at| Sighting { key: PublicKey([1; 32]), created_at, presence: presence() };
        let now = Time::from_secs(100_000);
        assert!(at(100_000 - 300).is_fresh(now));
        assert!(!at(100_000 - 301).is_fresh(now));
        assert!(at(100_000 + 3600).is_fresh(now));
        assert!(!at(100_000 + 3601).is_fresh(now));
    }

    #[test]
    fn announced_at_once_then_every_two_minutes_and_on_change() {
        let mut announcer = Announcer::default();
        let start = Time::from_secs(100);
        assert!(announcer.is_due(start, &presence()));
        announcer.announced(start, presence());
        assert!(!announcer.is_due(start + Duration::from_secs(119), &presence()));
        assert!(announcer.is_due(start + Duration::from_secs(120), &presence()));
        let changed = Presence { attended: false, ..presence() };
        assert!(announcer.is_due(start + Duration::from_secs(1), &changed));
    }
}

//! Presence: a NIP-38 status (kind 30315) that shows that an agent's daemon is up.
//!
//! The daemon announces its presence every two minutes and on change. An announcement expires after
//! five minutes (NIP-40) and is cleared by an announcement with empty content. Everything in an
//! announcement is the announcer's own claim.

use core::time::Duration;

use crate::ids::{InstanceId, PublicKey};
use crate::time::Time;

/// Kind of a NIP-38 user status, an addressable event.
pub const KIND: u16 = 30315;
/// `d` tag of a presence. It separates the presence from other statuses of the same key.
pub const IDENTIFIER: &str = "p2p";
/// `t` tag that every announcement carries.
pub const TOPIC: &str = "p2p-agent";
/// Interval between announcements of an unchanged presence.
pub const INTERVAL: Duration = Duration::from_secs(120);
/// Lifetime of an announcement.
pub const LIFETIME: Duration = Duration::from_secs(300);
/// Maximum time by which an announcer's clock may run ahead.
pub const SKEW: Duration = Duration::from_secs(3600);
/// Span within which an agent must have waited or acted to count as attended.
pub const ATTENDED: Duration = Duration::from_secs(600);

/// Readiness of an agent to take calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    /// The agent takes calls.
    Available,
    /// The agent is up, but at its limit of calls.
    Away,
}

impl Availability {
    /// Returns the value on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Away => "away",
        }
    }
}

/// Presence of an agent, as the agent announces it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// Name of the agent.
    pub name: String,
    /// Description of the agent in a sentence.
    pub about: Option<String>,
    /// Capabilities of the agent: lower-case terms, each in a `t` tag.
    pub capabilities: Vec<String>,
    /// Readiness to take calls.
    pub availability: Availability,
    /// True if the agent acted recently.
    pub attended: bool,
    /// Daemon run that made the announcement.
    pub instance: Option<InstanceId>,
}

/// Announcement that was found on relays, with id and signature verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// Key of the announcer.
    pub key: PublicKey,
    /// Time of the announcement by the announcer's clock, in seconds.
    pub created_at: u64,
    /// Announced presence.
    pub presence: Presence,
}

/// Maximum length of a name, a description and a capability in a received announcement, in
/// characters.
const NAME_LIMIT: usize = 64;
const ABOUT_LIMIT: usize = 280;
const CAPABILITY_LIMIT: usize = 32;

impl Presence {
    /// Returns the tags of an announcement made at `now`.
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

    /// Returns the content of an announcement, which ordinary NIP-38 clients show as the status.
    #[must_use]
    pub fn content(&self) -> &'static str {
        self.availability.as_str()
    }
}

/// Returns the tags of an announcement that clears the previous one. Its content is empty.
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
    /// Reads an announcement. Returns `None` for other statuses and for a cleared presence.
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

    /// Returns true if the announcer counts as online at `now`: the announcement is within its
    /// lifetime. A clock that runs ahead by up to [`SKEW`] is accepted, since relays keep only the
    /// newest announcement.
    #[must_use]
    pub fn is_fresh(&self, now: Time) -> bool {
        let at = Time::from_secs(self.created_at);
        now.since(at) <= LIFETIME && at.since(now) <= SKEW
    }
}

/// Schedule of our own announcements.
#[derive(Debug, Default)]
pub struct Announcer {
    last: Option<(Presence, Time)>,
}

impl Announcer {
    /// Returns true if `presence` must be announced at `now`: it changed, or two minutes passed.
    #[must_use]
    pub fn is_due(&self, now: Time, presence: &Presence) -> bool {
        self.last.as_ref().is_none_or(|(last, at)| last != presence || now >= *at + INTERVAL)
    }

    /// Records that `presence` was announced at `now`.
    pub fn announced(&mut self, now: Time, presence: Presence) {
        self.last = Some((presence, now));
    }

    /// Returns the time of the next announcement of an unchanged presence.
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
    fn an_announcement_is_parsed_as_it_was_made() {
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
    fn presence_is_announced_at_once_every_two_minutes_and_on_change() {
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

//! Faults and their timing: explicit rules, a random storm, and counts of both.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::sim::Rng;

/// Direction of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From a client to the relay.
    Up,
    /// From the relay to a client.
    Down,
}

/// A fault of a message. If it does not apply, the message passes.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// It is lost.
    Drop,
    /// It is held up, and what is behind it.
    Delay(Duration),
    /// It passes twice.
    Twice,
    /// The connection is cut instead.
    Cut,
    /// The connection is half-open from here on: nothing passes, and pings go unanswered.
    Freeze,
    /// An event of a client is answered with `OK` false and these words.
    Refuse(String),
    /// An event of a client is answered with `OK` true, and lost.
    Lie,
    /// A client's `REQ`, or the subscription that a message belongs to, is ended with these words.
    Close(String),
    /// The subscription that a message belongs to is forgotten, without a word.
    Forget,
    /// The event's content is altered.
    Alter,
    /// An event that nobody asked for comes before it.
    Foreign,
    /// An expired wrap to the receiver comes before it.
    Expired,
    /// A recent event is served again before it.
    Replay,
    /// A notice comes before it.
    Notice(String),
    /// The relay demands to know who the client is (NIP-42), for reading and writing.
    Auth,
}

impl Fault {
    /// Its name in a [`Tally`].
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Drop => "dropped",
            Self::Delay(_) => "delayed",
            Self::Twice => "doubled",
            Self::Cut => "cut",
            Self::Freeze => "frozen",
            Self::Refuse(_) => "refused",
            Self::Lie => "taken and lost",
            Self::Close(_) => "closed",
            Self::Forget => "forgotten",
            Self::Alter => "altered",
            Self::Foreign => "foreign",
            Self::Expired => "expired",
            Self::Replay => "replayed",
            Self::Notice(_) => "notices",
            Self::Auth => "auth demanded",
        }
    }
}

/// Treatment of a new connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Door {
    /// As it should be.
    #[default]
    Open,
    /// With this HTTP status.
    Status(u16),
    /// Taken, and never answered.
    Mute,
    /// Hung up on at once.
    Slammed,
}

/// A fault that is done to certain messages.
#[derive(Debug, Clone)]
pub struct Rule {
    way: Way,
    label: &'static str,
    containing: &'static str,
    left: u32,
    fault: Fault,
}

impl Rule {
    /// To every message with this label, `EVENT` for one, that goes to the relay.
    #[must_use]
    pub fn up(label: &'static str, fault: Fault) -> Self {
        Self { way: Way::Up, label, containing: "", left: u32::MAX, fault }
    }

    /// To every message with this label that comes from the relay.
    #[must_use]
    pub fn down(label: &'static str, fault: Fault) -> Self {
        Self { way: Way::Down, ..Self::up(label, fault) }
    }

    /// Only to those whose text has this in it.
    #[must_use]
    pub fn containing(self, text: &'static str) -> Self {
        Self { containing: text, ..self }
    }

    /// Only to so many.
    #[must_use]
    pub fn times(self, left: u32) -> Self {
        Self { left, ..self }
    }
}

/// Faults by chance.
#[derive(Debug, Clone)]
pub struct Storm {
    rng: Rng,
    /// Faults, each with its chance in a thousand.
    chances: Vec<(u64, Fault)>,
}

impl Storm {
    /// The same seed makes the same choices for the same messages.
    #[must_use]
    pub fn new(seed: u64, chances: Vec<(u64, Fault)>) -> Self {
        Self { rng: Rng::new(seed), chances }
    }

    fn pick(&mut self) -> Option<Fault> {
        let mut roll = self.rng.below(1000);
        for (chance, fault) in &self.chances {
            if roll < *chance {
                return Some(fault.clone());
            }
            roll -= chance;
        }
        None
    }
}

/// Counts of what a proxy did: faults by name, and messages that passed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Connections that were made.
    pub connections: u64,
    /// Messages of clients.
    pub up: u64,
    /// Messages of the relay.
    pub down: u64,
    /// Recent requests: each `REQ`.
    pub asked: VecDeque<Value>,
    /// Faults, by their names.
    pub faults: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// Returns how often this fault was injected.
    #[must_use]
    pub fn of(&self, name: &str) -> u64 {
        self.faults.get(name).copied().unwrap_or_default()
    }

    /// All faults.
    #[must_use]
    pub fn all(&self) -> u64 {
        self.faults.values().sum()
    }
}

/// Number of requests that are remembered.
const ASKED: usize = 256;

/// A limit on writes.
#[derive(Debug)]
pub(super) struct Limit {
    pub events: u32,
    pub span: Duration,
    pub since: Instant,
    pub taken: u32,
}

impl Limit {
    fn takes(&mut self) -> bool {
        if self.since.elapsed() >= self.span {
            (self.since, self.taken) = (Instant::now(), 0);
        }
        self.taken += 1;
        self.taken <= self.events
    }
}

/// Everything that is planned, and what came of it.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(super) rules: Vec<Rule>,
    pub(super) storm: Option<Storm>,
    pub(super) door: Door,
    /// True if a client must authenticate to read, and to write.
    pub(super) wall: (bool, bool),
    pub(super) limit: Option<Limit>,
    pub(super) about: Option<Value>,
    pub(super) clock_ahead: i64,
    pub(super) tally: Tally,
}

impl Plan {
    /// Returns the fault for a message.
    pub fn fault(&mut self, way: Way, label: &str, text: &str) -> Option<Fault> {
        let fits = |rule: &&mut Rule| {
            rule.way == way
                && rule.label == label
                && rule.left > 0
                && text.contains(rule.containing)
        };
        if let Some(rule) = self.rules.iter_mut().find(fits) {
            rule.left -= 1;
            return Some(rule.fault.clone());
        }
        if let Some(limit) = self.limit.as_mut().filter(|_| way == Way::Up && label == "EVENT")
            && !limit.takes()
        {
            return Some(Fault::Refuse("rate-limited: slow down".to_owned()));
        }
        self.storm.as_mut().and_then(Storm::pick)
    }

    /// Notes a `REQ`.
    pub fn asked(&mut self, message: &Value) {
        self.tally.asked.push_back(message.clone());
        if self.tally.asked.len() > ASKED {
            self.tally.asked.pop_front();
        }
    }

    pub fn count(&mut self, fault: &Fault) {
        *self.tally.faults.entry(fault.name()).or_default() += 1;
    }
}

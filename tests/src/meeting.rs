//! Two agents that are contacts, and their calls.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::agent::Agent;
use crate::relay::Relay;
use crate::waiting::{eventually, until};

/// Alice and Bob, with each other among their contacts, on a relay of their own.
#[derive(Debug)]
pub struct Meeting {
    /// The caller.
    pub alice: Agent,
    /// The callee.
    pub bob: Agent,
    /// Their relay.
    pub relay: Relay,
}

/// A call between the two, by the handle that each has for it.
#[derive(Debug, Clone)]
pub struct Talk {
    /// Alice's handle.
    pub alice: String,
    /// Bob's handle.
    pub bob: String,
    /// Id of the call, the same on both sides.
    pub id: String,
}

/// A message of a transcript.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Said {
    /// True if the caller wrote it.
    pub by_caller: bool,
    /// The rumor id.
    pub id: String,
    /// `text`, `file`, …
    pub kind: String,
    /// Its text.
    pub text: String,
}

impl Meeting {
    /// Creates both on an embedded relay.
    #[must_use]
    pub fn new() -> Self {
        Self::on(Relay::start())
    }

    /// Creates both on this relay.
    #[must_use]
    pub fn on(relay: Relay) -> Self {
        let alice = Agent::new("alice", &[relay.url()]);
        let bob = Agent::new("bob", &[relay.url()]).with("P2P_CAPABILITIES", "docs,translation");
        Self::of(relay, alice, bob)
    }

    /// Makes two agents contacts of each other.
    #[must_use]
    pub fn of(relay: Relay, alice: Agent, bob: Agent) -> Self {
        alice.befriend(&bob);
        bob.befriend(&alice);
        Self { alice, bob, relay }
    }

    /// Lets Alice call Bob, until it rings there.
    #[must_use]
    pub fn ring(&self, topic: &str) -> Talk {
        let placed = self.alice.json(&["call", "bob", topic, "--new"]);
        let id = placed["call"]["id"].as_str().unwrap_or_default().to_owned();
        let alice = placed["call"]["handle"].as_str().unwrap_or_default().to_owned();
        let bob = eventually("it rings there", || handle_of(&self.bob, &id));
        Talk { alice, bob, id }
    }

    /// Lets Alice call Bob and Bob accept, until both are in the call.
    #[must_use]
    pub fn call(&self, topic: &str) -> Talk {
        let talk = self.ring(topic);
        self.bob.json(&["answer", "accept", "--call", &talk.bob, "--wait", "60"]);
        until("the caller is in the call", || state(&self.alice, &talk.alice) == "active");
        talk
    }

    /// Waits until both have the same transcript of a call, and returns it. Messages of one side have
    /// the same order on both; messages that crossed may be ordered differently.
    ///
    /// # Panics
    /// If the transcripts still differ after a minute.
    pub fn same_transcript(&self, talk: &Talk) -> Vec<Said> {
        let sides = || {
            let hers = transcript(&self.alice, &talk.alice);
            let his = transcript(&self.bob, &talk.bob);
            (hers, his)
        };
        let of = |said: &[Said], by_caller| -> Vec<Said> {
            said.iter().filter(|said| said.by_caller == by_caller).cloned().collect()
        };
        let same = |hers: &[Said], his: &[Said]| {
            [true, false].into_iter().all(|side| of(hers, side) == of(his, side))
        };
        let mut last = sides();
        let since = std::time::Instant::now();
        while !same(&last.0, &last.1) && since.elapsed() < crate::PATIENCE {
            std::thread::sleep(std::time::Duration::from_millis(50));
            last = sides();
        }
        assert!(same(&last.0, &last.1), "hers: {:#?}\nhis: {:#?}", last.0, last.1);
        last.0
    }
}

impl Default for Meeting {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns the messages of an agent's transcript of a call.
#[must_use]
pub fn transcript(agent: &Agent, call: &str) -> Vec<Said> {
    let shown = agent.json(&["transcript", call]);
    let outgoing = shown["call"]["outgoing"] == true;
    let word = |message: &Value, field: &str| {
        message[field].as_str().map(str::to_owned).unwrap_or_default()
    };
    let messages = shown["messages"].as_array().cloned().unwrap_or_default();
    assert_eq!(shown["total"].as_u64(), u64::try_from(messages.len()).ok());
    let said = |message: &Value| Said {
        by_caller: (message["outgoing"] == true) == outgoing,
        id: word(message, "id"),
        kind: word(message, "kind"),
        text: word(message, "text"),
    };
    messages.iter().map(said).collect()
}

/// Returns the state of a call: `ringing`, `active`, …
#[must_use]
pub fn state(agent: &Agent, call: &str) -> String {
    let read = agent.json(&["read", call]);
    read["state"].as_str().unwrap_or_default().to_owned()
}

/// Returns an agent's handle for a call, if it knows the call.
#[must_use]
pub fn handle_of(agent: &Agent, id: &str) -> Option<String> {
    let calls = agent.json(&["calls", "--limit", "100"]);
    let calls: BTreeMap<_, _> = calls["calls"]
        .as_array()?
        .iter()
        .filter_map(|call| Some((call["id"].as_str()?, call["handle"].as_str()?.to_owned())))
        .collect();
    calls.get(id).cloned()
}

//! Messages and files of a chaos run, sent and received.

use std::collections::BTreeMap;
use std::fs;

use crate::agent::Agent;
use crate::sim::Rng;
use crate::transcript;

/// Attempts at saying one thing.
const TRIES: u32 = 60;

/// Messages of one side in a round.
#[derive(Debug)]
pub(super) struct Plan {
    texts: u64,
    /// Size of a file, if one is sent.
    file: Option<u64>,
    /// Seed of its content.
    seed: u64,
}

impl Plan {
    pub fn new(rng: &mut Rng) -> Self {
        let texts = rng.below(6);
        let file = rng.chance(8).then(|| 1 + rng.below(60_000));
        Self { texts, file, seed: rng.number() }
    }
}

/// Messages that the CLI of one side accepted, in order.
#[derive(Debug)]
pub(super) struct Side {
    pub call: String,
    pub texts: Vec<String>,
    /// Files by name, with what is in them.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Messages that the CLI did not accept in the end.
    pub untaken: u64,
}

impl Side {
    pub fn new(call: String) -> Self {
        Self { call, texts: Vec::new(), files: BTreeMap::new(), untaken: 0 }
    }

    /// Says it, and again as an agent does whose tool was killed, or whose daemon was: the same
    /// words are the same message. A file is sent under another name each time.
    pub fn speak(&mut self, agent: &Agent, round: u32, plan: &Plan) {
        for n in 0..plan.texts {
            let text = format!("{} {round}.{n}", agent.name());
            let taken = (0..TRIES).any(|_| {
                agent.run(&["send", "--call", &self.call, &text, "--json"]).code == Some(0)
            });
            if taken {
                self.texts.push(text);
            } else {
                self.untaken += 1;
            }
        }
        let Some(size) = plan.file else { return };
        let mut rng = Rng::new(plan.seed);
        let bytes: Vec<u8> = (0..size).map(|_| rng.below(256) as u8).collect();
        for attempt in 0..TRIES {
            let name = format!("{}-{round}-{attempt}.bin", agent.name());
            if fs::write(agent.work().join(&name), &bytes).is_err() {
                break;
            }
            let sent = agent.run(&["sendfile", "--call", &self.call, &name, "--json"]);
            if sent.code == Some(0) {
                self.files.insert(name, bytes);
                return;
            }
        }
        self.untaken += 1;
    }
}

/// The texts of the other side in an agent's transcript.
pub(super) fn heard(agent: &Agent, call: &str) -> Vec<String> {
    let by_caller = agent.name() != "alice";
    let said = transcript(agent, call);
    let theirs = said.into_iter().filter(|said| said.by_caller == by_caller && said.kind == "text");
    theirs.map(|said| said.text).collect()
}

/// Counts the accepted texts that did not arrive.
pub(super) fn lost(side: &Side, heard: &[String]) -> u64 {
    side.texts.iter().filter(|text| !heard.contains(text)).count() as u64
}

/// Counts the accepted files that did not arrive whole.
pub(super) fn files_lost(side: &Side, receiver: &Agent) -> u64 {
    let arrived = arrived(receiver);
    let whole = |(name, bytes): &(&String, &Vec<u8>)| {
        arrived.iter().any(|(other, path)| {
            other == *name && fs::read(path).is_ok_and(|found| found == **bytes)
        })
    };
    side.files.iter().filter(|file| !whole(file)).count() as u64
}

/// Counts the files that arrived more than once.
pub(super) fn files_doubled(receiver: &Agent) -> u64 {
    let mut count: BTreeMap<String, u64> = BTreeMap::new();
    for (name, _) in arrived(receiver) {
        *count.entry(name).or_default() += 1;
    }
    count.values().map(|n| n - 1).sum()
}

/// The files that an agent received: name and path.
fn arrived(agent: &Agent) -> Vec<(String, String)> {
    let files = agent.json(&["files"]);
    let files = files["files"].as_array().cloned().unwrap_or_default();
    let whole = files.iter().filter(|f| f["outgoing"] == false && f["state"] == "complete");
    let word = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    whole.map(|file| (word(&file["name"]), word(&file["path"]))).collect()
}

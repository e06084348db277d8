//! The report of a chaos run.

use std::fmt;
use std::time::Duration;

use super::traffic::{self, Side};
use crate::meeting::{Meeting, Talk};
use crate::proxy::Tally;

/// The count of everything that happened, and what is wrong in the end.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Seed of the run.
    pub seed: u64,
    /// Rounds that were played.
    pub rounds: u32,
    /// True if the relay was by others.
    pub foreign: bool,
    /// Messages that the CLI took.
    pub messages: u64,
    /// Files that the CLI took.
    pub files: u64,
    /// Messages and files that it did not take, however often it was asked.
    pub untaken: u64,
    /// Daemons that were killed with -9.
    pub daemons_killed: u64,
    /// Relays that were.
    pub relays_killed: u64,
    /// Faults that the proxy injected.
    pub tally: Tally,
    /// Accepted and not arrived.
    pub lost: u64,
    /// Arrived more than once.
    pub doubled: u64,
    /// Arrived in another order than sent, or never sent.
    pub misplaced: u64,
    /// Time until everything had arrived after the last fault.
    pub healed_in: Duration,
    /// Duration of the run.
    pub took: Duration,
}

impl Report {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// Tells whether nothing is wrong.
    #[must_use]
    pub fn is_fine(&self) -> bool {
        self.lost + self.doubled + self.misplaced + self.untaken == 0
    }

    pub(super) fn judge(&mut self, meeting: &Meeting, talk: &Talk, alice: &Side, bob: &Side) {
        let both = [(alice, &meeting.bob, &talk.bob), (bob, &meeting.alice, &talk.alice)];
        for (said, receiver, call) in both {
            let heard = traffic::heard(receiver, call);
            let mut once = heard.clone();
            once.sort();
            once.dedup();
            self.messages += said.texts.len() as u64;
            self.files += said.files.len() as u64;
            self.untaken += said.untaken;
            self.lost += traffic::lost(said, &heard) + traffic::files_lost(said, receiver);
            self.doubled += (heard.len() - once.len()) as u64 + traffic::files_doubled(receiver);
            let mut order = heard.iter();
            let follows = |text: &&String| !order.any(|other| other == *text);
            self.misplaced +=
                said.texts.iter().filter(|t| heard.contains(t)).filter(follows).count() as u64;
            // What was not taken may still have been; nothing else may be there.
            let foreign = heard.iter().filter(|text| !said.texts.contains(text)).count() as u64;
            self.misplaced += foreign.saturating_sub(said.untaken);
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let relay = if self.foreign { "a relay of others" } else { "THE EMBEDDED RELAY" };
        writeln!(
            f,
            "{} rounds of seed {} before {relay} in {:.0?}",
            self.rounds, self.seed, self.took
        )?;
        writeln!(
            f,
            "taken     {} messages, {} files, {} refused",
            self.messages, self.files, self.untaken
        )?;
        writeln!(f, "killed    {} daemons, {} relays", self.daemons_killed, self.relays_killed)?;
        let Tally { connections, up, down, faults, .. } = &self.tally;
        writeln!(f, "proxied   {connections} connections, {up} messages up, {down} down")?;
        let each: Vec<String> = faults.iter().map(|(name, n)| format!("{n} {name}")).collect();
        writeln!(f, "faults    {}: {}", self.tally.all(), each.join(", "))?;
        writeln!(f, "healed    in {:.1?}", self.healed_in)?;
        write!(f, "lost {}, doubled {}, out of order {}", self.lost, self.doubled, self.misplaced)
    }
}

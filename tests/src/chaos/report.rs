//! What came of it.

use std::fmt;
use std::time::Duration;

use super::words::{self, Side};
use crate::meeting::{Meeting, Talk};
use crate::proxy::Tally;

/// The count of everything that happened, and what is wrong in the end.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// What decided.
    pub seed: u64,
    /// Rounds that were played.
    pub rounds: u32,
    /// Whether the relay was one that we did not write.
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
    /// What the proxy did.
    pub tally: Tally,
    /// What was taken and did not arrive.
    pub lost: u64,
    /// What arrived more than once.
    pub doubled: u64,
    /// What arrived in another order than it was said, or was never said.
    pub misplaced: u64,
    /// How long everything took to arrive once nothing failed any more.
    pub healed_in: Duration,
    /// How long all of it took.
    pub took: Duration,
}

impl Report {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_fine(&self) -> bool {
        self.lost + self.doubled + self.misplaced + self.untaken == 0
    }

    pub(super) fn judge(&mut self, meeting: &Meeting, talk: &Talk, alice: &Side, bob: &Side) {
        let both = [(alice, &meeting.bob, &talk.bob), (bob, &meeting.alice, &talk.alice)];
        for (said, receiver, call) in both {
            let heard = words::heard(receiver, call);
            let mut once = heard.clone();
            once.sort();
            once.dedup();
            self.messages += said.texts.len() as u64;
            self.files += said.files.len() as u64;
            self.untaken += said.untaken;
            self.lost += words::lost(said, &heard) + words::files_lost(said, receiver);
            self.doubled += (heard.len() - once.len()) as u64 + words::files_doubled(receiver);
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

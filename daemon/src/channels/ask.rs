//! Puts questions before the owner through a channel: each that is open and that the channel has
//! not taken, again and again, until it takes it or the question is closed.

use std::collections::BTreeMap;
use std::sync::Arc;

use p2p_core::Time;

use super::{BACK_OFF, Channel, Desk, Ledger, News, Outcome, news};
use p2p_store::StoreError;

/// The tries of one question.
#[derive(Debug, Clone, Copy, Default)]
struct Tries {
    made: usize,
    /// When to try again; the channel will never take it as it is without this.
    again: Option<Time>,
}

/// Runs until the daemon stops.
pub(super) async fn run<L: Ledger>(channel: Arc<Channel>, desk: Arc<Desk<L>>) {
    let mut changes = desk.ledger.changes();
    let mut tries: BTreeMap<u32, Tries> = BTreeMap::new();
    loop {
        changes.borrow_and_update();
        let open = open(&desk, channel.name).unwrap_or_else(|error| {
            tracing::warn!(channel = channel.name, %error, "questions could not be read");
            Vec::new()
        });
        tries.retain(|question, _| open.iter().any(|(number, _)| number == question));
        let mut untaken = 0;
        for (question, told) in open {
            let now = crate::now();
            let due = tries.get(&question).is_none_or(|t| t.again.is_some_and(|at| at <= now));
            if due {
                let outcome = channel.way.tell(&told).await;
                desk.ledger.told(question, channel.name, outcome == Outcome::Took).await;
                note(&channel, tries.entry(question).or_default(), &outcome);
                if outcome == Outcome::Took {
                    continue;
                }
            }
            untaken += 1;
        }
        channel.health.questions(untaken);
        let next = tries.values().filter_map(|tries| tries.again).min();
        let alarm = async {
            match next {
                Some(at) => tokio::time::sleep(at.since(crate::now())).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            () = alarm => {}
        }
    }
}

fn note(channel: &Channel, tries: &mut Tries, outcome: &Outcome) {
    tries.again = None;
    match outcome {
        Outcome::Took => channel.health.took(),
        Outcome::Never(cause) => channel.health.failed(channel.name, cause),
        Outcome::Later(cause) => {
            channel.health.failed(channel.name, cause);
            let wait = BACK_OFF[tries.made.min(BACK_OFF.len() - 1)];
            tries.again = Some(crate::now() + wait);
        }
    }
    tries.made += 1;
}

/// Open questions that the channel has not taken, the oldest first.
fn open<L: Ledger>(desk: &Desk<L>, channel: &str) -> Result<Vec<(u32, News)>, StoreError> {
    let store = desk.reader();
    let rows = store.open_questions()?;
    let untold = rows.iter().rev().filter(|row| !row.told.iter().any(|name| name == channel));
    untold.map(|row| Ok((row.question.handle, news::of_question(&store, desk.me, row)?))).collect()
}

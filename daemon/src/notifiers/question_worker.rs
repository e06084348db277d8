//! The worker that puts questions to the owner through a notifier: each open question that the
//! sink has not taken, again and again, until the sink takes it or the question is closed.

use std::collections::BTreeMap;
use std::sync::Arc;

use p2p_core::Time;
use p2p_store::StoreError;

use super::backoff::Backoff;
use super::journal::Journal;
use super::notification::{self, Notification};
use super::notifier::Notifier;
use super::outcome::Outcome;
use super::sink_context::SinkContext;

/// The attempts at one question.
#[derive(Debug, Clone, Copy, Default)]
struct Attempts {
    backoff: Backoff,
    /// The time of the next attempt. Without one, the sink has refused the question for good.
    next: Option<Time>,
}

/// Runs until the daemon stops.
pub(super) async fn run<J: Journal>(notifier: Arc<Notifier>, context: Arc<SinkContext<J>>) {
    let mut changes = context.journal.changes();
    let mut attempts: BTreeMap<u32, Attempts> = BTreeMap::new();
    loop {
        changes.borrow_and_update();
        let open = open(&context, notifier.name).unwrap_or_else(|error| {
            tracing::warn!(notifier = notifier.name, %error, "questions could not be read");
            Vec::new()
        });
        attempts.retain(|question, _| open.iter().any(|(number, _)| number == question));
        let mut untaken = 0;
        for (question, notification) in open {
            let now = crate::now();
            let due = attempts.get(&question).is_none_or(|a| a.next.is_some_and(|at| at <= now));
            if due {
                let outcome = notifier.sink.notify(&notification).await;
                let taken = outcome == Outcome::Taken;
                context.journal.question_notified(question, notifier.name, taken).await;
                note(&notifier, attempts.entry(question).or_default(), &outcome);
                if taken {
                    continue;
                }
            }
            untaken += 1;
        }
        notifier.health.set_questions(untaken);
        let next = attempts.values().filter_map(|attempts| attempts.next).min();
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

fn note(notifier: &Notifier, attempts: &mut Attempts, outcome: &Outcome) {
    attempts.next = None;
    match outcome {
        Outcome::Taken => notifier.health.succeeded(),
        Outcome::GiveUp(cause) => notifier.health.failed(notifier.name, cause),
        Outcome::Retry(cause) => {
            notifier.health.failed(notifier.name, cause);
            attempts.next = Some(crate::now() + attempts.backoff.failed());
        }
    }
}

/// Returns the open questions that the notifier has not taken, the oldest first.
fn open<J: Journal>(
    context: &SinkContext<J>,
    notifier: &str,
) -> Result<Vec<(u32, Notification)>, StoreError> {
    let store = context.reader();
    let rows = store.open_questions()?;
    let untaken = rows.iter().rev().filter(|row| !row.told.iter().any(|name| name == notifier));
    untaken
        .map(|row| Ok((row.question.handle, notification::of_question(&store, context.me, row)?)))
        .collect()
}

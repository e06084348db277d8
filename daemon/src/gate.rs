//! How often somebody may try to pass for the owner at a terminal: five wrong proofs close the gate
//! for a minute. Tries wait for each other, so that many at once are no more than one after another.

use std::future::Future;
use std::time::Duration;

use p2p_core::Time;
use tokio::sync::Mutex;

/// Wrong proofs in a row that close it.
const TRIES: u32 = 5;
/// For how long.
const CLOSED: Duration = Duration::from_secs(60);

/// Counts wrong proofs.
#[derive(Debug, Default)]
pub struct Gate(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    wrong: u32,
    closed_until: Option<Time>,
}

/// What came of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passed {
    /// The proof is right.
    Yes,
    /// It is wrong.
    No,
    /// It was not looked at: so long it stays closed.
    Closed(Duration),
}

impl Gate {
    /// Looks at a proof, unless too many were wrong.
    ///
    /// # Errors
    /// That of `check`, which then counts for nothing.
    pub async fn pass<E>(
        &self,
        now: impl Fn() -> Time,
        check: impl Future<Output = Result<bool, E>>,
    ) -> Result<Passed, E> {
        let mut state = self.0.lock().await;
        if let Some(until) = state.closed_until {
            let left = until.since(now());
            if !left.is_zero() {
                return Ok(Passed::Closed(left));
            }
            *state = State::default();
        }
        // Whoever leaves before the answer has tried all the same.
        let before = std::mem::take(&mut *state);
        state.wrong = before.wrong + 1;
        state.closed_until = (state.wrong >= TRIES).then(|| now() + CLOSED);
        match check.await {
            Ok(true) => {
                *state = State::default();
                Ok(Passed::Yes)
            }
            Ok(false) => Ok(Passed::No),
            Err(error) => {
                *state = before;
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    async fn try_at(gate: &Gate, second: u64, right: bool) -> Passed {
        let now = || Time(second * 1000);
        gate.pass(now, async { Ok::<_, Infallible>(right) }).await.unwrap()
    }

    #[tokio::test]
    async fn five_wrong_proofs_close_it_for_a_minute_to_right_ones_too() {
        let gate = Gate::default();
        for _ in 0..4 {
            assert_eq!(try_at(&gate, 0, false).await, Passed::No);
        }
        assert_eq!(try_at(&gate, 0, true).await, Passed::Yes, "and that begins a new count");
        for second in 0..5 {
            assert_eq!(try_at(&gate, second, false).await, Passed::No);
        }
        let left = |seconds| Passed::Closed(Duration::from_secs(seconds));
        assert_eq!(try_at(&gate, 4, true).await, left(60));
        assert_eq!(try_at(&gate, 63, true).await, left(1));
        assert_eq!(try_at(&gate, 64, true).await, Passed::Yes);
    }

    #[tokio::test]
    async fn who_does_not_wait_for_the_answer_has_tried() {
        let gate = Gate::default();
        for _ in 0..TRIES {
            let try_it = gate.pass(|| Time(0), std::future::pending::<Result<bool, Infallible>>());
            assert!(futures_util::future::FutureExt::now_or_never(try_it).is_none());
        }
        assert!(matches!(try_at(&gate, 1, true).await, Passed::Closed(_)));
    }

    #[tokio::test]
    async fn many_tries_at_once_are_one_after_another() {
        let gate = Gate::default();
        let looked = std::sync::atomic::AtomicU32::new(0);
        let wrong = || async {
            looked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            tokio::task::yield_now().await;
            Ok::<_, Infallible>(false)
        };
        let tries = (0..20).map(|_| gate.pass(|| Time(0), wrong()));
        futures_util::future::join_all(tries).await;
        assert_eq!(looked.into_inner(), TRIES);
    }
}

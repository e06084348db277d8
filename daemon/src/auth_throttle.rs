//! A throttle for proofs of an owner at a terminal: five wrong proofs in a row close it for a minute.
//! Attempts wait for each other, so that attempts in parallel gain nothing.

use std::future::Future;
use std::time::Duration;

use p2p_core::Time;
use tokio::sync::Mutex;

/// Wrong proofs in a row that close the throttle.
const ATTEMPTS: u32 = 5;
/// Time for which it stays closed.
const CLOSED: Duration = Duration::from_secs(60);

/// Counts wrong proofs.
#[derive(Debug, Default)]
pub(crate) struct AuthThrottle(Mutex<Attempts>);

#[derive(Debug, Default)]
struct Attempts {
    wrong: u32,
    closed_until: Option<Time>,
}

/// The result of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// The proof is right.
    Right,
    /// The proof is wrong.
    Wrong,
    /// The proof was not checked: the throttle stays closed for this long.
    Throttled(Duration),
}

impl AuthThrottle {
    /// Checks a proof, unless too many were wrong.
    ///
    /// # Errors
    /// The error of `check`. The attempt then does not count.
    pub async fn attempt<E>(
        &self,
        now: impl Fn() -> Time,
        check: impl Future<Output = Result<bool, E>>,
    ) -> Result<Proof, E> {
        let mut attempts = self.0.lock().await;
        if let Some(until) = attempts.closed_until {
            let left = until.since(now());
            if !left.is_zero() {
                return Ok(Proof::Throttled(left));
            }
            *attempts = Attempts::default();
        }
        // A client that hangs up before the answer has used its attempt.
        let before = std::mem::take(&mut *attempts);
        attempts.wrong = before.wrong + 1;
        attempts.closed_until = (attempts.wrong >= ATTEMPTS).then(|| now() + CLOSED);
        match check.await {
            Ok(true) => {
                *attempts = Attempts::default();
                Ok(Proof::Right)
            }
            Ok(false) => Ok(Proof::Wrong),
            Err(error) => {
                *attempts = before;
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    async fn try_at(throttle: &AuthThrottle, second: u64, right: bool) -> Proof {
        let now = || Time(second * 1000);
        throttle.attempt(now, async { Ok::<_, Infallible>(right) }).await.unwrap()
    }

    #[tokio::test]
    async fn after_five_wrong_proofs_even_right_ones_are_refused_for_a_minute() {
        let throttle = AuthThrottle::default();
        for _ in 0..4 {
            assert_eq!(try_at(&throttle, 0, false).await, Proof::Wrong);
        }
        assert_eq!(
            try_at(&throttle, 0, true).await,
            Proof::Right,
            "a right proof restarts the count"
        );
        for second in 0..5 {
            assert_eq!(try_at(&throttle, second, false).await, Proof::Wrong);
        }
        let left = |seconds| Proof::Throttled(Duration::from_secs(seconds));
        assert_eq!(try_at(&throttle, 4, true).await, left(60));
        assert_eq!(try_at(&throttle, 63, true).await, left(1));
        assert_eq!(try_at(&throttle, 64, true).await, Proof::Right);
    }

    #[tokio::test]
    async fn an_attempt_counts_when_the_client_does_not_wait_for_the_answer() {
        let throttle = AuthThrottle::default();
        for _ in 0..ATTEMPTS {
            let attempt =
                throttle.attempt(|| Time(0), std::future::pending::<Result<bool, Infallible>>());
            assert!(futures_util::future::FutureExt::now_or_never(attempt).is_none());
        }
        assert!(matches!(try_at(&throttle, 1, true).await, Proof::Throttled(_)));
    }

    #[tokio::test]
    async fn attempts_in_parallel_are_checked_one_after_another() {
        let throttle = AuthThrottle::default();
        let checked = std::sync::atomic::AtomicU32::new(0);
        let wrong = || async {
            checked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            tokio::task::yield_now().await;
            Ok::<_, Infallible>(false)
        };
        let attempts = (0..20).map(|_| throttle.attempt(|| Time(0), wrong()));
        futures_util::future::join_all(attempts).await;
        assert_eq!(checked.into_inner(), ATTEMPTS);
    }
}

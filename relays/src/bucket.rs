//! A token bucket: a burst at first, then a steady rate.

use tokio::time::Instant;

/// The bucket.
#[derive(Debug)]
pub(crate) struct TokenBucket {
    rate: f64,
    burst: f64,
    tokens: f64,
    at: Instant,
}

impl TokenBucket {
    /// Returns a full bucket that gains `rate` tokens a second, up to `burst`.
    pub fn new(rate: f64, burst: f64, now: Instant) -> Self {
        Self { rate, burst, tokens: burst, at: now }
    }

    /// Takes a token, if there is one.
    pub fn take(&mut self, now: Instant) -> bool {
        let gained = now.saturating_duration_since(self.at).as_secs_f64() * self.rate;
        self.tokens = (self.tokens + gained).min(self.burst);
        self.at = now;
        let has_token = self.tokens >= 1.0;
        if has_token {
            self.tokens -= 1.0;
        }
        has_token
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_bucket_allows_a_burst_and_then_a_rate() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(50.0, 1000.0, start);
        assert_eq!((0..2000).filter(|_| bucket.take(start)).count(), 1000);
        let later = start + Duration::from_secs(2);
        assert_eq!((0..2000).filter(|_| bucket.take(later)).count(), 100);
    }
}

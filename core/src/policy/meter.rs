//! Rates and the token bucket that enforces them.

use core::fmt;
use core::time::Duration;

use crate::time::Time;

/// An amount per time span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// The amount.
    pub amount: u32,
    /// The time span.
    pub span: Duration,
}

impl Rate {
    /// Returns a rate per minute.
    #[must_use]
    pub const fn a_minute(amount: u32) -> Self {
        Self { amount, span: Duration::from_secs(60) }
    }

    /// Returns a rate per hour.
    #[must_use]
    pub const fn an_hour(amount: u32) -> Self {
        Self { amount, span: Meter::LONGEST }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span = if self.span < Meter::LONGEST { "a minute" } else { "an hour" };
        write!(f, "{} messages {span}", self.amount)
    }
}

/// A token bucket: the amount of its rate, all of it at once if nothing was taken lately.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Meter {
    rate: Rate,
    tokens: f64,
    at: Time,
}

impl Meter {
    /// The longest span of a rate. A bucket that was not used for that long is full, and can be
    /// forgotten.
    pub const LONGEST: Duration = Duration::from_secs(3600);

    /// Returns a full bucket.
    #[must_use]
    pub fn full(now: Time, rate: Rate) -> Self {
        Self { rate, tokens: f64::from(rate.amount), at: now }
    }

    /// Returns the rate.
    #[must_use]
    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// Returns when a token was last asked for.
    #[must_use]
    pub fn last(&self) -> Time {
        self.at
    }

    /// Returns true if there are enough tokens.
    pub fn has(&mut self, now: Time, count: u32) -> bool {
        let most = f64::from(self.rate.amount);
        let spans = now.since(self.at).as_secs_f64() / self.rate.span.as_secs_f64();
        self.tokens = (self.tokens + spans * most).min(most);
        self.at = now;
        self.tokens >= f64::from(count)
    }

    /// Takes tokens. Returns false, and takes none, if there are too few.
    pub fn take(&mut self, now: Time, count: u32) -> bool {
        let enough = self.has(now, count);
        if enough {
            self.tokens -= f64::from(count);
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_lets_through_its_rate_and_refills() {
        let start = Time::from_secs(100);
        let mut meter = Meter::full(start, Rate::a_minute(6));
        assert_eq!((0..10).filter(|_| meter.take(start, 1)).count(), 6);
        assert!(!meter.take(start + Duration::from_secs(9), 1));
        assert!(meter.take(start + Duration::from_secs(19), 1));
        let mut meter = Meter::full(start, Rate::an_hour(1000));
        assert!(meter.take(start, 900) && !meter.take(start, 101));
        assert!(meter.take(start + Duration::from_secs(1800), 600));
    }
}

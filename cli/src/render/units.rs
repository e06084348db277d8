//! Durations, sizes and times as text.

/// Returns a duration in at most two units: `35s`, `6m35s`, `8m`, `3h10m`, `2d4h`.
#[must_use]
pub fn span(ms: u64) -> String {
    let s = ms / 1000;
    let two = |a: u64, unit: &str, b: u64, small: &str| {
        if b == 0 { format!("{a}{unit}") } else { format!("{a}{unit}{b}{small}") }
    };
    match s {
        0..60 => format!("{s}s"),
        60..3600 => two(s / 60, "m", s % 60, "s"),
        3600..86_400 => two(s / 3600, "h", s % 3600 / 60, "m"),
        _ => two(s / 86_400, "d", s % 86_400 / 3600, "h"),
    }
}

/// Returns a size: `812 B`, `14 KB`, `1.2 MB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KB", bytes.div_ceil(1024)),
        _ => format!("{}.{} MB", bytes / 1_048_576, bytes % 1_048_576 * 10 / 1_048_576),
    }
}

/// Returns the time of day in UTC, `14:02Z`, so that agents on two machines see the same time.
#[must_use]
pub fn clock(at_ms: u64) -> String {
    let minutes = at_ms / 60_000 % 1440;
    format!("{:02}:{:02}Z", minutes / 60, minutes % 60)
}

/// Returns the day and the time in UTC, `2026-03-01 14:02Z`.
#[must_use]
pub fn date(at_ms: u64) -> String {
    // Days since 0000-03-01, so that a leap day is the last of its year.
    let days = at_ms / 86_400_000 + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {}", clock(at_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_sizes_and_times() {
        assert_eq!(span(35_900), "35s");
        assert_eq!(span(395_000), "6m35s");
        assert_eq!(span(480_000), "8m");
        assert_eq!(span(11_400_000), "3h10m");
        assert_eq!(span(187_200_000), "2d4h");
        assert_eq!((size(812), size(14_000)), ("812 B".into(), "14 KB".into()));
        assert_eq!(size(1_300_000), "1.2 MB");
        assert_eq!(date(0), "1970-01-01 00:00Z");
        for (days, day) in [
            (364, "1970-12-31"),
            (365, "1971-01-01"),
            (19_569, "2023-07-31"),
            (19_601, "2023-09-01"),
        ] {
            assert_eq!(date(days * 86_400_000), format!("{day} 00:00Z"));
        }
        assert_eq!(date(951_782_400_000), "2000-02-29 00:00Z");
        assert_eq!(date(1_772_373_720_000), "2026-03-01 14:02Z");
    }
}

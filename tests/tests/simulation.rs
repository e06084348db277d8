//! Seeded runs of the engine in virtual time.
//!
//! `SIM_SEEDS=20000` plays that many seeds, `SIM_SEED=17` only that one, telling
//! everything that happens (`-- --nocapture`).
//!
//! Broken once, each with a seed below 600 red: a receiver that forgets what it took in (twice),
//! that releases out of order, or does not look at the rumor before (a message acknowledged and
//! never heard); a sender that forgets before the acknowledgement, or believes one that is beyond
//! what it sent; a receipt that says delivered when a relay took it; repetitions without pauses
//! (more than 200 of a rumor); last words that are not repeated; a callee that keeps its own last
//! word (the ends disagree); a cancelled message that went out all the same.

#![expect(clippy::panic, reason = "that is how a test fails")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use p2p_tests::sim::{self, Tally};

/// Seeds of an ordinary test run.
const SEEDS: u64 = 1500;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text} is not a number")))
}

/// Plays a seed; whatever goes wrong comes with how to see it again.
fn play(seed: u64, loud: bool) -> Tally {
    let run = catch_unwind(AssertUnwindSafe(|| sim::play(seed, loud)));
    let again = format!("SIM_SEED={seed} cargo test -p p2p-tests --test simulation -- --nocapture");
    match run {
        Ok(Ok(tally)) => tally,
        Ok(Err(fault)) => panic!("seed {seed}: {fault}\nagain: {again}"),
        Err(_) => panic!("seed {seed}: the engine panicked\nagain: {again}"),
    }
}

#[test]
fn agents_agree_after_random_faults() {
    if let Some(seed) = number("SIM_SEED") {
        println!("{:?}", play(seed, true));
        return;
    }
    let seeds = number("SIM_SEEDS").unwrap_or(SEEDS);
    let half = |from: u64| {
        let mut sum = Tally::default();
        (from..seeds).step_by(2).for_each(|seed| sum.add(play(seed, false)));
        sum
    };
    let mut sum = Tally::default();
    std::thread::scope(|scope| {
        let halves = [scope.spawn(|| half(0)), scope.spawn(|| half(1))];
        for half in halves {
            sum.add(half.join().unwrap_or_else(|fault| std::panic::resume_unwind(fault)));
        }
    });
    println!("{seeds} seeds: {sum:?}");
    // A simulation in which nothing happens proves nothing.
    for (what, count) in [
        ("calls", sum.calls),
        ("answered", sum.answered),
        ("merged", sum.merged),
        ("messages", sum.messages),
        ("files", sum.files),
        ("cancelled", sum.cancelled),
        ("crashes", sum.crashes),
        ("forged", sum.forged),
    ] {
        assert!(count > seeds / 10, "too few {what}: {count} in {seeds} seeds");
    }
    assert!(sum.answers > seeds / 50, "too few answers: {} in {seeds} seeds", sum.answers);
}

#[test]
fn one_seed_gives_one_run() {
    for seed in 0..20 {
        let play = || format!("{:?}", sim::play(seed, false));
        assert_eq!(play(), play());
    }
}

#[test]
fn a_restored_backup_is_noticed_and_repaired() {
    each("restored", sim::restored_from_backup);
}

#[test]
fn a_peer_that_was_away_for_weeks_gets_new_messages() {
    each("absence", sim::long_absence);
}

#[test]
fn of_two_crossing_rings_the_smaller_id_survives() {
    each("rings", sim::ring_each_other);
}

fn each(what: &str, play: impl Fn(u64, bool) -> Result<(), String>) {
    let seeds = number("SIM_SEEDS").unwrap_or(SEEDS) / 10;
    let (from, to) = number("SIM_SEED").map_or((0, seeds), |seed| (seed, seed + 1));
    for seed in from..to {
        if let Err(fault) = play(seed, to - from == 1) {
            panic!("{what}, seed {seed}: {fault}");
        }
    }
}

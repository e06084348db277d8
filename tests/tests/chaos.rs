//! A few rounds of chaos with the real binary. `cargo run -p p2p-tests --bin chaos` runs hundreds,
//! from any seed.
//!
//! This test was seen to fail: with an outbox that is not stored, 45 of 57 messages were lost; with
//! a stream that releases numbers as they come, 36 were repeated and 47 misplaced.

use std::time::Duration;

use p2p_tests::chaos::Chaos;

#[test]
fn chaos_loses_and_repeats_no_message() {
    let chaos = Chaos {
        rounds: 10,
        seed: 7,
        lies: false,
        // A storm may teach a slow pace, by which a backlog takes minutes: 39 s and 207 s were seen.
        healing: Duration::from_secs(600),
        tell: |line| println!("{line}"),
    };
    let report = chaos.play();
    println!("{report}");
    assert!(report.is_fine(), "{report}");
    assert!(report.messages > 0 && report.tally.all() > 0 && report.daemons_killed > 0, "{report}");
}

//! A few rounds of chaos through the real binary. `cargo run -p p2p-tests --bin chaos` plays
//! hundreds, of any seed.
//!
//! Broken once: an outbox that is not written to the store lost 45 of 57; a receiving stream that
//! releases whatever comes doubled 36 and misplaced 47.

use std::time::Duration;

use p2p_tests::chaos::Chaos;

#[test]
fn nothing_is_lost_and_nothing_comes_twice_whatever_fails() {
    let chaos = Chaos {
        rounds: 10,
        seed: 7,
        lies: false,
        healing: Duration::from_secs(100),
        tell: |line| println!("{line}"),
    };
    let report = chaos.play();
    println!("{report}");
    assert!(report.is_fine(), "{report}");
    assert!(report.messages > 0 && report.tally.all() > 0 && report.daemons_killed > 0, "{report}");
}

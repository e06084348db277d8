//! `p2p demo`, the README's first command, with the real binary.

use std::process::Command;

use p2p_tests::{Running, binary};

#[test]
fn the_demo_runs_every_step() {
    let told = Running::start("p2p demo".into(), Command::new(binary()).arg("demo"), "").end();
    let told = told.exits(0);
    for step in ["p2p list", "p2p call", "p2p answer accept", "p2p sendfile", "p2p transcript"] {
        assert!(told.stdout.contains(step), "{step}: {told}");
    }
    assert!(told.stdout.contains("steps did what they say"), "{told}");
}

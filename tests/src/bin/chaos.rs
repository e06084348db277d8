//! `cargo run -p p2p-tests --bin chaos -- --rounds 200 --seed 7`: see the library's `chaos`.

use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use p2p_tests::chaos::Chaos;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    let given = |name: &str| -> Option<u64> {
        let at = args.iter().position(|arg| arg == name)?;
        args.get(at + 1)?.parse().ok()
    };
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let chaos = Chaos {
        rounds: given("--rounds").and_then(|n| n.try_into().ok()).unwrap_or(200),
        seed: given("--seed").unwrap_or_else(|| u64::from(clock.subsec_nanos())),
        lies: true,
        healing: Duration::from_secs(900),
        tell: |line| eprintln!("{line}"),
    };
    let report = chaos.play();
    println!("{report}");
    if report.is_fine() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

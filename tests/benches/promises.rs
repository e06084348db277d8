//! Speed and memory, each against a baseline that is measured in the same run, so that ratios
//! compare across machines. `cargo bench -p p2p-tests` prints them; nothing here is asserted.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use p2p_tests::{Agent, Meeting, Relay, Wire, binary};
use serde_json::json;

const RUNS: usize = 50;
/// The cap on messages a minute is not what is measured.
const PACE: &str = "[limits]\nsends_per_minute = 100000\nreceives_per_minute = 100000\nturns_per_hour = 1000000\nreceive_kib_per_hour = 4000000\n";

fn main() {
    let relay = Relay::start();
    let agent = |name| Agent::new(name, &[relay.url()]).configured(PACE);
    let (alice, bob) = (agent("alice"), agent("bob"));
    let meeting = Meeting::of(relay, alice, bob);
    let talk = meeting.call("benchmark");

    let process = median(RUNS, || time(|| drop(Command::new("true").status())));
    let status = median(RUNS, || meeting.alice.run(&["status"]).took);
    row("p2p status", status, "starting /bin/true", process);

    let bare = bare_relay(meeting.relay.url());
    let heard = median(RUNS, || one_way(&meeting, &talk.bob, &talk.alice));
    row("send until the peer's wait returns", heard, "bare event through the same relay", bare);

    let daemon = resident(meeting.alice.daemon_pid());
    let own = resident(std::process::id());
    println!(
        "idle memory of a daemon                {:>8.1} MiB   {:.1} x this benchmark ({own:.1} MiB)",
        daemon,
        daemon / own
    );
    let size = fs::metadata(binary()).map_or(0, |m| m.len());
    println!("size of the binary                     {:>8.1} MiB", size as f64 / 1_048_576.0);
}

/// From typing `p2p send` to the end of the peer's `p2p wait`, which was waiting.
fn one_way(meeting: &Meeting, bob: &str, alice: &str) -> Duration {
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let n = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    drop(meeting.bob.run(&["inbox"]));
    let waiting = meeting.bob.start(&["wait", "--call", bob, "--for", "message", "--wait", "30"]);
    // Long enough for the waiter to be at the daemon: what is measured is not its start.
    std::thread::sleep(Duration::from_millis(100));
    let since = Instant::now();
    let sending = meeting.alice.start(&["send", "--call", alice, &format!("ping {n}")]);
    let heard = waiting.end();
    let took = since.elapsed();
    assert!(heard.stdout.contains("ping"), "{heard}");
    drop(sending.end());
    took
}

/// An event of a message's size, from the OK of one connection to an answer on another.
fn bare_relay(url: &str) -> Duration {
    use nostr::{EventBuilder, JsonUtil, Keys, Kind};
    let keys = Keys::generate();
    let (mut one, mut other) = (Wire::open(url), Wire::open(url));
    median(RUNS, || {
        let built = EventBuilder::new(Kind::TextNote, "x".repeat(1200)).sign_with_keys(&keys);
        let Ok(event) = built else { return Duration::ZERO };
        let value = serde_json::from_str(&event.as_json()).unwrap_or_default();
        time(|| {
            one.publish(&value);
            other.ask(&json!({"ids": [event.id.to_hex()]}));
        })
    })
}

fn time(work: impl FnOnce()) -> Duration {
    let since = Instant::now();
    work();
    since.elapsed()
}

fn median(runs: usize, mut measure: impl FnMut() -> Duration) -> Duration {
    let mut all: Vec<Duration> = (0..runs).map(|_| measure()).collect();
    all.sort();
    all[runs / 2]
}

fn row(what: &str, took: Duration, baseline: &str, base: Duration) {
    let ratio = took.as_secs_f64() / base.as_secs_f64().max(f64::EPSILON);
    let ms = |d: Duration| d.as_secs_f64() * 1000.0;
    println!("{what:<38} {:>8.2} ms    {ratio:.1} x {baseline} ({:.2} ms)", ms(took), ms(base));
}

/// Resident memory in MiB.
fn resident(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|l| l.trim().trim_end_matches(" kB").trim().parse::<f64>().ok());
    kib.unwrap_or_default() / 1024.0
}

//! Speed and memory, each beside a baseline from the same run, so that ratios compare across
//! machines. `cargo bench -p p2p-tests` prints them; nothing is asserted.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use nostr_sdk::{Client, Filter, Keys, Kind, RelayPoolNotification};
use p2p_tests::{Agent, Meeting, Relay, binary};
use tokio::runtime::Runtime;

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

    let plain = plain_client(meeting.relay.url());
    let heard = median(RUNS, || one_way(&meeting, &talk.bob, &talk.alice));
    row(
        "send until the peer's wait returns",
        heard,
        "nostr-sdk to nostr-sdk through the same relay",
        plain,
    );

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

/// The time of a private message from one `nostr-sdk` client to another, until it is unwrapped.
#[expect(clippy::unwrap_used, reason = "a benchmark may fail")]
fn plain_client(url: &str) -> Duration {
    let runtime = Runtime::new().unwrap();
    let connect = |keys: Keys| async move {
        let client = Client::new(keys);
        client.add_relay(url).await.unwrap();
        client.connect().await;
        client.wait_for_connection(Duration::from_secs(60)).await;
        client
    };
    let keys = Keys::generate();
    let me = keys.public_key();
    let sender = runtime.block_on(connect(Keys::generate()));
    let receiver = runtime.block_on(connect(keys));
    let mut notifications = receiver.notifications();
    let wraps = Filter::new().kind(Kind::GiftWrap).pubkey(me);
    runtime.block_on(receiver.subscribe(wraps, None)).unwrap();
    median(RUNS, || {
        time(|| {
            runtime.block_on(async {
                sender.send_private_msg(me, "x".repeat(100), []).await.unwrap();
                loop {
                    let RelayPoolNotification::Event { event, .. } =
                        notifications.recv().await.unwrap()
                    else {
                        continue;
                    };
                    drop(receiver.unwrap_gift_wrap(&event).await.unwrap());
                    break;
                }
            });
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

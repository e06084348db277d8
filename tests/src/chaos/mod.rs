//! Chaos: two daemons exchange messages and files through a relay by others and a proxy that injects
//! faults, while daemons and relay are killed with -9 at random. Then everything heals. All that the
//! CLI accepted must have arrived, once and in order.
//!
//! A seed determines every choice. The machine determines the timing, so two runs of one seed differ
//! and find different faults.

mod report;
mod traffic;

pub use report::Report;

use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::agent::Agent;
use crate::interop;
use crate::meeting::{Meeting, Talk};
use crate::proxy::{Door, Fault, Proxy, Storm};
use crate::relay::Relay;
use crate::sim::Rng;
use crate::{is_alive, living_in, send_signal, until};
use traffic::Side;

/// Limits that chaos never reaches.
const CHATTY: &str = "[limits]\nsends_per_minute = 60000\nreceives_per_minute = 60000\nturns_per_hour = 1000000\nreceive_kib_per_hour = 4000000\n";

/// A chaos run.
#[derive(Debug, Clone)]
pub struct Chaos {
    /// Number of rounds.
    pub rounds: u32,
    /// Seed of every choice.
    pub seed: u64,
    /// True if the relay also accepts events and loses them. That heals by a repetition after minutes.
    pub lies: bool,
    /// Time for everything to arrive after the last fault.
    pub healing: Duration,
    /// Reports progress.
    pub tell: fn(&str),
}

/// A disruption of a round, besides the proxy's faults.
#[derive(Debug, Clone, Copy)]
enum Disruption {
    KillAlice,
    KillBob,
    KillBoth,
    KillRelay,
    Cut,
    Freeze,
    Forget,
    Close,
    Auth,
    Limit,
    Mute,
    Nothing,
}

const DISRUPTIONS: [Disruption; 14] = [
    Disruption::KillAlice,
    Disruption::KillAlice,
    Disruption::KillBob,
    Disruption::KillBob,
    Disruption::KillBoth,
    Disruption::KillRelay,
    Disruption::Cut,
    Disruption::Freeze,
    Disruption::Forget,
    Disruption::Close,
    Disruption::Auth,
    Disruption::Limit,
    Disruption::Mute,
    Disruption::Nothing,
];

impl Chaos {
    /// Runs it.
    ///
    /// # Panics
    /// If relay, proxy or agents cannot be started.
    #[must_use]
    #[expect(clippy::expect_used, reason = "that is how a test fails")]
    pub fn play(&self) -> Report {
        let since = Instant::now();
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let relay = interop::foreign_relay(folder.path()).unwrap_or_else(|| {
            let how = interop::HOW_TO_NOSTR_RELAY;
            interop::skipped("chaos before a relay of others", "PyPI's nostr-relay", how);
            Relay::start_to_die()
        });
        let proxy = Proxy::before(relay.url());
        let agent = |name| Agent::new(name, &[proxy.url()]).configured(CHATTY);
        let mut meeting = Meeting::of(relay, agent("alice"), agent("bob"));
        let talk = meeting.call("through all of it");
        let mut report = Report { foreign: meeting.relay.is_foreign(), ..Report::new(self.seed) };
        let mut rng = Rng::new(self.seed);
        let mut sides = [Side::new(talk.alice.clone()), Side::new(talk.bob.clone())];
        for round in 0..self.rounds {
            let disruption = rng.pick(&DISRUPTIONS).copied().unwrap_or(Disruption::Nothing);
            let moment = rng.span(0, 400);
            proxy.storm(self.weather(&mut rng));
            proxy.lift_limit();
            (self.tell)(&format!("round {round}: {disruption:?} after {moment:?}"));
            let plans = [(); 2].map(|()| traffic::Plan::new(&mut rng));
            let [alice, bob] = &mut sides;
            thread::scope(|scope| {
                scope.spawn(|| alice.speak(&meeting.alice, round, &plans[0]));
                scope.spawn(|| bob.speak(&meeting.bob, round, &plans[1]));
                // A random moment; no condition is meant.
                thread::sleep(moment);
                let agents = [&meeting.alice, &meeting.bob];
                strike(disruption, agents, &mut meeting.relay, &proxy, &mut report, &mut rng);
            });
        }
        report.rounds = self.rounds;
        (self.tell)("healing");
        meeting.relay.revive();
        proxy.calm();
        let healing = Instant::now();
        let [alice, bob] = &sides;
        let mut lacks = missing(&meeting, &talk, alice, bob);
        while lacks && healing.elapsed() < self.healing {
            thread::sleep(Duration::from_millis(250));
            lacks = missing(&meeting, &talk, alice, bob);
        }
        report.healed_in = healing.elapsed();
        report.judge(&meeting, &talk, alice, bob);
        report.tally = proxy.tally();
        report.took = since.elapsed();
        report
    }

    /// Chooses the proxy's faults for a round; one round in five has none.
    fn weather(&self, rng: &mut Rng) -> Storm {
        let worst = if rng.chance(20) { 0 } else { 80 };
        let mut chance = |most: u64| rng.below(most.min(worst) + 1);
        let mut chances = vec![
            (chance(80), Fault::Drop),
            (chance(80), Fault::Delay(Duration::from_millis(150))),
            (chance(80), Fault::Twice),
            (chance(5), Fault::Cut),
            (chance(2), Fault::Freeze),
            (chance(80), Fault::Refuse("error: bad luck".into())),
            (chance(20), Fault::Refuse("rate-limited: slow down".into())),
            (chance(20), Fault::Close("error: bad luck".into())),
            (chance(20), Fault::Forget),
            (chance(20), Fault::Alter),
            (chance(20), Fault::Foreign),
            (chance(20), Fault::Expired),
            (chance(20), Fault::Replay),
            (chance(20), Fault::Notice("bad luck".into())),
            (chance(5), Fault::Auth),
        ];
        if self.lies {
            chances.push((chance(10), Fault::Lie));
        }
        Storm::new(rng.number(), chances)
    }
}

fn strike(
    disruption: Disruption,
    [alice, bob]: [&Agent; 2],
    relay: &mut Relay,
    proxy: &Proxy,
    report: &mut Report,
    rng: &mut Rng,
) {
    match disruption {
        Disruption::KillAlice => report.daemons_killed += kill(alice),
        Disruption::KillBob => report.daemons_killed += kill(bob),
        Disruption::KillBoth => {
            report.daemons_killed += kill(alice) + kill(bob);
        }
        Disruption::KillRelay => {
            relay.kill();
            report.relays_killed += 1;
            thread::sleep(rng.span(0, 2000));
            relay.revive();
        }
        Disruption::Cut => proxy.cut(),
        Disruption::Freeze => proxy.freeze(),
        Disruption::Forget => proxy.forget_all(),
        Disruption::Close => proxy.close_all("error: go away"),
        Disruption::Auth => proxy.demand_auth(rng.chance(50), rng.chance(50)),
        Disruption::Limit => proxy.limit_writes(10, Duration::from_secs(5)),
        Disruption::Mute => {
            proxy.door(Door::Mute);
            proxy.cut();
            thread::sleep(rng.span(0, 2000));
            proxy.door(Door::Open);
        }
        Disruption::Nothing => {}
    }
}

/// Kills the daemons of an agent's home and returns their number.
fn kill(agent: &Agent) -> u64 {
    let daemon = |pid: &u32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).any(|word| word == b"daemon")
    };
    let daemons: Vec<u32> = living_in(&agent.home()).into_iter().filter(daemon).collect();
    for pid in &daemons {
        send_signal(*pid, Signal::SIGKILL);
        until("the killed daemon is gone", || !is_alive(*pid));
    }
    daemons.len() as u64
}

/// Tells whether something that was accepted has not arrived.
fn missing(meeting: &Meeting, talk: &Talk, alice: &Side, bob: &Side) -> bool {
    let heard = |agent, call, of| traffic::lost(of, &traffic::heard(agent, call)) > 0;
    heard(&meeting.bob, &talk.bob, alice)
        || heard(&meeting.alice, &talk.alice, bob)
        || traffic::files_lost(alice, &meeting.bob) > 0
        || traffic::files_lost(bob, &meeting.alice) > 0
}

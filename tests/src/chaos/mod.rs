//! Chaos: two daemons behind a proxy that makes faults, before a relay that we did not write,
//! while daemons and relay are killed with -9 at any moment. Messages and files go both ways all
//! the while. Then everything heals, and what the CLI took has arrived: once, and in order.
//!
//! Everything that is decided comes from a seed. When it happens is up to the machine, so another
//! run of the same seed is not the same run, and finds other things.

mod report;
mod words;

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
use words::Side;

/// More messages a minute than chaos sends, and a relay that is never given up.
const CHATTY: &str = "[limits]\nsends_per_minute = 60000\nreceives_per_minute = 60000\nturns_per_hour = 1000000\nreceive_kib_per_hour = 4000000\n";

/// What is played.
#[derive(Debug, Clone)]
pub struct Chaos {
    /// How many rounds.
    pub rounds: u32,
    /// What decides.
    pub seed: u64,
    /// Whether the relay also takes events and loses them: what heals that is a repetition after
    /// minutes.
    pub lies: bool,
    /// How long everything may take to arrive once nothing fails any more.
    pub healing: Duration,
    /// Says what happens while it happens.
    pub tell: fn(&str),
}

/// What else goes wrong in a round.
#[derive(Debug, Clone, Copy)]
enum Calamity {
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

const CALAMITIES: [Calamity; 14] = [
    Calamity::KillAlice,
    Calamity::KillAlice,
    Calamity::KillBob,
    Calamity::KillBob,
    Calamity::KillBoth,
    Calamity::KillRelay,
    Calamity::Cut,
    Calamity::Freeze,
    Calamity::Forget,
    Calamity::Close,
    Calamity::Auth,
    Calamity::Limit,
    Calamity::Mute,
    Calamity::Nothing,
];

impl Chaos {
    /// Plays it.
    ///
    /// # Panics
    /// When there is no stage to be had.
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
            let calamity = rng.pick(&CALAMITIES).copied().unwrap_or(Calamity::Nothing);
            let moment = rng.span(0, 400);
            proxy.storm(self.weather(&mut rng));
            proxy.lift_limit();
            (self.tell)(&format!("round {round}: {calamity:?} after {moment:?}"));
            let plans = [(); 2].map(|()| words::Plan::new(&mut rng));
            let [alice, bob] = &mut sides;
            thread::scope(|scope| {
                scope.spawn(|| alice.speak(&meeting.alice, round, &plans[0]));
                scope.spawn(|| bob.speak(&meeting.bob, round, &plans[1]));
                // No wait for a condition: any moment will do.
                thread::sleep(moment);
                let agents = [&meeting.alice, &meeting.bob];
                strike(calamity, agents, &mut meeting.relay, &proxy, &mut report, &mut rng);
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

    /// Faults for a round: none at all in one of five.
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
    calamity: Calamity,
    [alice, bob]: [&Agent; 2],
    relay: &mut Relay,
    proxy: &Proxy,
    report: &mut Report,
    rng: &mut Rng,
) {
    match calamity {
        Calamity::KillAlice => report.daemons_killed += kill(alice),
        Calamity::KillBob => report.daemons_killed += kill(bob),
        Calamity::KillBoth => {
            report.daemons_killed += kill(alice) + kill(bob);
        }
        Calamity::KillRelay => {
            relay.kill();
            report.relays_killed += 1;
            thread::sleep(rng.span(0, 2000));
            relay.revive();
        }
        Calamity::Cut => proxy.cut(),
        Calamity::Freeze => proxy.freeze(),
        Calamity::Forget => proxy.forget_all(),
        Calamity::Close => proxy.close_all("error: go away"),
        Calamity::Auth => proxy.demand_auth(rng.chance(50), rng.chance(50)),
        Calamity::Limit => proxy.limit_writes(10, Duration::from_secs(5)),
        Calamity::Mute => {
            proxy.door(Door::Mute);
            proxy.cut();
            thread::sleep(rng.span(0, 2000));
            proxy.door(Door::Open);
        }
        Calamity::Nothing => {}
    }
}

/// Kills whatever lives in an agent's home, its verbs as well as its daemon. How many daemons.
fn kill(agent: &Agent) -> u64 {
    // A verb under way is killed in half of the cases only, by which of both comes first.
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

/// Whether something that was taken has not arrived.
fn missing(meeting: &Meeting, talk: &Talk, alice: &Side, bob: &Side) -> bool {
    let heard = |agent, call, of| words::lost(of, &words::heard(agent, call)) > 0;
    heard(&meeting.bob, &talk.bob, alice)
        || heard(&meeting.alice, &talk.alice, bob)
        || words::files_lost(alice, &meeting.bob) > 0
        || words::files_lost(bob, &meeting.alice) > 0
}

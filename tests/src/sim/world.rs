//! The network between agents, and the order of events.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use p2p_core::engine::{Command, Input, Refusal, command};
use p2p_core::policy::{Policy, Settings};
use p2p_core::transfer::assembly::Assembly;
use p2p_core::{CallId, PublicKey, Rumor, RumorId, Time, Verified};

use super::agent::{Agent, Outcome};
use super::{Fault, Rng, Tally};

/// Both clocks start here.
const EPOCH: Time = Time::from_secs(1_800_000_000);
/// Key of the human whom the agents ask.
pub(super) const HUMAN: PublicKey = PublicKey([0xEE; 32]);
/// Virtual time until the network must be quiet.
const PATIENCE: Duration = Duration::from_secs(4 * 24 * 3600);

/// Faults of the network, in percent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Weather {
    /// Messages that are lost.
    pub loss: u64,
    /// Messages that come twice.
    pub double: u64,
    /// Messages that take minutes to hours.
    pub slow: u64,
    /// Inputs that kill the process.
    pub crash: u64,
    /// Sends for which no route is found.
    pub lost_route: u64,
}

/// Something that will happen.
#[derive(Debug)]
enum Next {
    Act,
    Arrive(usize, Rumor),
    Report(usize, u64, RumorId, u32),
    NoRoute(usize, u64, PublicKey),
    Assemble(usize, u64, Assembly),
    Stored(usize, u64, Input),
    Tallied(usize, u64, CallId),
    Start(usize),
}

/// Agents and what is between them.
#[derive(Debug)]
pub struct World {
    /// Everyone.
    pub agents: Vec<Agent>,
    /// Source of random choices.
    pub rng: Rng,
    /// The virtual time.
    pub now: Time,
    /// The network.
    pub weather: Weather,
    /// Counts so far.
    pub tally: Tally,
    /// Messages that were accepted in calls: sender, call, text.
    pub said: Vec<(usize, CallId, String)>,
    /// Answers of the human.
    pub answers: BTreeSet<String>,
    /// Withdrawn messages.
    pub cancelled: Vec<String>,
    /// Calls that an agent ended itself.
    pub hung_up: BTreeSet<(usize, CallId)>,
    /// Pairs of which one blocked or forgot the other: nothing is promised between them.
    pub broken: BTreeSet<(PublicKey, PublicKey)>,
    /// Everything that ever travelled, for forgers to learn from.
    pub overheard: Vec<Rumor>,
    /// Counts texts, so that each is unlike any other.
    pub texts: u64,
    queue: BTreeMap<(Time, u64), Next>,
    queued: u64,
    cut_until: Vec<Time>,
    acts: u64,
}

impl World {
    /// The world of a seed, before anything happened.
    ///
    /// # Errors
    /// A broken rule.
    pub fn new(seed: u64, loud: bool) -> Result<Self, Fault> {
        let mut rng = Rng::new(seed);
        let size = if rng.chance(70) { 2 } else { 3 };
        let mut agents: Vec<Agent> = Vec::new();
        for index in 0..size {
            let policy = match rng.below(10) {
                0 => Policy::Open,
                1 => Policy::AllowList,
                2 if rng.chance(30) => Policy::Closed,
                _ => Policy::Ask,
            };
            let settings = Settings {
                name: format!("agent{index}"),
                policy,
                calls: 1 + rng.below(8) as usize,
                disclose_read: rng.chance(80),
                disclose_ring: rng.chance(80),
                ..Settings::default()
            };
            let agent = Agent::new(PublicKey(rng.bytes()), settings);
            agents.push(if rng.chance(60) { agent.owned(EPOCH) } else { agent });
        }
        let weather = match rng.below(5) {
            0 => Weather::default(),
            1 => Weather { loss: 20, double: 10, slow: 10, ..Weather::default() },
            2 => Weather { loss: 5, double: 10, slow: 5, crash: 5, ..Weather::default() },
            3 => Weather { loss: 40, double: 30, slow: 30, crash: 2, lost_route: 0 },
            _ => Weather {
                loss: rng.below(50),
                double: rng.below(40),
                slow: rng.below(30),
                crash: rng.below(8),
                lost_route: rng.below(6),
            },
        };
        let acts = 5 + rng.below(40);
        let mut world = Self::of(agents, weather, rng, loud)?;
        world.acts = acts;
        for index in 0..world.agents.len() {
            for peer in 0..world.agents.len() {
                if index != peer && world.rng.chance(80) {
                    world.introduce(index, peer)?;
                }
            }
        }
        Ok(world)
    }

    /// Two agents that know each other, in fair weather.
    ///
    /// # Errors
    /// A broken rule.
    pub fn fair(seed: u64, loud: bool) -> Result<Self, Fault> {
        let mut rng = Rng::new(seed);
        let agent = |rng: &mut Rng| Agent::new(PublicKey(rng.bytes()), Settings::default());
        let agents = vec![agent(&mut rng), agent(&mut rng)];
        let mut world = Self::of(agents, Weather::default(), rng, loud)?;
        world.introduce(0, 1)?;
        world.introduce(1, 0)?;
        Ok(world)
    }

    fn of(agents: Vec<Agent>, weather: Weather, rng: Rng, loud: bool) -> Result<Self, Fault> {
        let mut world = Self {
            cut_until: vec![EPOCH; agents.len()],
            agents,
            rng,
            now: EPOCH,
            weather,
            tally: Tally::default(),
            said: Vec::new(),
            answers: BTreeSet::new(),
            cancelled: Vec::new(),
            hung_up: BTreeSet::new(),
            broken: BTreeSet::new(),
            overheard: Vec::new(),
            texts: 0,
            queue: BTreeMap::new(),
            queued: 0,
            acts: 0,
        };
        for index in 0..world.agents.len() {
            world.agents[index].loud = loud;
            world.start(index)?;
        }
        Ok(world)
    }

    /// One agent gets to know another, and that a daemon runs behind its key.
    fn introduce(&mut self, index: usize, peer: usize) -> Result<(), Fault> {
        let peer = self.agents[peer].key;
        self.command(index, command::AllowPeer(peer))?;
        self.input(index, Input::PeerSeen { peer, name: None })
    }

    /// The first phase.
    ///
    /// # Errors
    /// A broken rule.
    pub fn storm(&mut self) -> Result<(), Fault> {
        // Minutes or a day: some runs are crowded, some let deadlines pass.
        let longest = *self.rng.pick(&[60, 1200, 7200, 86_400]).unwrap_or(&60) * 1000;
        for _ in 0..self.acts {
            let at = self.now + self.rng.span(0, longest);
            self.later(at, Next::Act);
        }
        let end = self.now + Duration::from_millis(longest);
        self.run(end)
    }

    /// The second phase: the network heals, and nobody acts any more.
    ///
    /// # Errors
    /// A broken rule.
    pub fn calm(&mut self) -> Result<(), Fault> {
        self.weather = Weather::default();
        self.cut_until.fill(EPOCH);
        let delayed: Vec<_> = self.queue.keys().copied().collect();
        for key in delayed {
            // What was on the way for hours comes within a minute, in any order.
            let next = self.queue.remove(&key).filter(|next| !matches!(next, Next::Act));
            if let Some(next) = next {
                let at = self.now + self.rng.span(0, 60_000);
                self.later(at, next);
            }
        }
        for index in 0..self.agents.len() {
            self.start(index)?;
            self.input(index, Input::RelayBack)?;
        }
        self.run(self.now + PATIENCE)
    }

    fn run(&mut self, end: Time) -> Result<(), Fault> {
        loop {
            let queued = self.queue.keys().next().map(|(at, _)| *at);
            let timers = self.agents.iter().enumerate();
            let timer =
                timers.filter_map(|(index, agent)| Some((agent.next_timeout()?, index))).min();
            let at = p2p_core::time::earlier(queued, timer.map(|(at, _)| at));
            let Some(at) = at.filter(|at| *at <= end) else { break };
            self.now = self.now.max(at);
            match timer {
                Some((due, index)) if queued.is_none_or(|queued| due < queued) => {
                    let crash = self.crash();
                    let outcome = self.agents[index].tick(self.now, crash)?;
                    self.follow(index, outcome)?;
                }
                _ => self.step()?,
            }
        }
        self.now = self.now.max(end);
        Ok(())
    }

    fn step(&mut self) -> Result<(), Fault> {
        let Some((_, next)) = self.queue.pop_first() else { return Ok(()) };
        match next {
            Next::Act => self.act(),
            Next::Arrive(index, rumor) => self.arrive(index, rumor),
            Next::Report(index, run, rumor, accepted) if self.agents[index].run == run => {
                self.input(index, Input::Report { rumor, accepted, relays: 1 })
            }
            Next::NoRoute(index, run, peer) if self.agents[index].run == run => {
                self.input(index, Input::NoRoute { peer })
            }
            Next::Assemble(index, run, assembly) if self.agents[index].run == run => {
                let stored = self.agents[index].assemble(&assembly)?;
                // A process that dies here has written the file and knows nothing of it.
                let at = self.now + self.rng.span(1, 500);
                self.later(at, Next::Stored(index, run, stored));
                Ok(())
            }
            Next::Stored(index, run, stored) if self.agents[index].run == run => {
                self.input(index, stored)
            }
            Next::Tallied(index, run, call) if self.agents[index].run == run => {
                let (said, heard) = self.agents[index].store.digests(call);
                self.input(index, Input::Digested { call, said, heard })
            }
            Next::Report(..)
            | Next::NoRoute(..)
            | Next::Assemble(..)
            | Next::Stored(..)
            | Next::Tallied(..) => Ok(()),
            Next::Start(index) => self.start(index),
        }
    }

    /// A message reaches an agent, or waits at the relay while the agent is away.
    fn arrive(&mut self, index: usize, rumor: Rumor) -> Result<(), Fault> {
        let away = self.cut_until[index].max(self.now);
        if away > self.now || self.agents[index].engine.is_none() {
            if !self.rng.chance(self.weather.loss) {
                let at = away + self.rng.span(1000, 120_000);
                self.later(at, Next::Arrive(index, rumor));
            }
            return Ok(());
        }
        let message = Verified::from_seal(rumor.pubkey, None, rumor)
            .map_err(|forgery| forgery.to_string())?;
        self.input(index, Input::Received(message))
    }

    /// Gives an agent an input.
    ///
    /// # Errors
    /// A broken rule.
    pub fn input(&mut self, index: usize, input: Input) -> Result<(), Fault> {
        let crash = self.crash();
        let outcome = self.agents[index].handle(self.now, input, crash)?;
        self.follow(index, outcome)
    }

    /// Has an agent do something. Nothing when its process died over it.
    ///
    /// # Errors
    /// A broken rule.
    pub fn command<C: Command>(
        &mut self,
        index: usize,
        command: C,
    ) -> Result<Option<Result<C::Reply, Refusal>>, Fault> {
        let crash = self.crash();
        let mut reply = None;
        let outcome = self.agents[index].act(self.now, crash, |engine, now| {
            reply = Some(engine.execute(now, command));
        })?;
        let replied = reply.filter(|_| outcome.finished);
        self.follow(index, outcome)?;
        Ok(replied)
    }

    /// Starts an agent's process, unless it runs.
    ///
    /// # Errors
    /// A broken rule.
    pub fn start(&mut self, index: usize) -> Result<(), Fault> {
        if self.agents[index].engine.is_some() {
            return Ok(());
        }
        let outcome = self.agents[index].start(self.now, &mut self.rng)?;
        self.follow(index, outcome)
    }

    fn crash(&mut self) -> Option<u64> {
        let crash = self.rng.chance(self.weather.crash);
        crash.then(|| self.rng.number())
    }

    pub(super) fn follow(&mut self, index: usize, outcome: Outcome) -> Result<(), Fault> {
        if self.agents[index].engine.is_none() {
            self.tally.crashes += 1;
            let longest = *self.rng.pick(&[1000, 60_000, 3_600_000]).unwrap_or(&1000);
            let at = self.now + self.rng.span(0, longest);
            self.later(at, Next::Start(index));
        }
        let run = self.agents[index].run;
        for (to, rumor) in outcome.sent {
            self.send(index, to, rumor);
        }
        for assembly in outcome.assembled {
            let at = self.now + self.rng.span(1, 500);
            self.later(at, Next::Assemble(index, run, assembly));
        }
        for call in outcome.tallied {
            let at = self.now + self.rng.span(1, 500);
            self.later(at, Next::Tallied(index, run, call));
        }
        Ok(())
    }

    fn send(&mut self, from: usize, to: PublicKey, rumor: Rumor) {
        let run = self.agents[from].run;
        let soon = self.now + self.rng.span(20, 2000);
        if self.rng.chance(self.weather.lost_route) {
            return self.later(soon, Next::NoRoute(from, run, to));
        }
        let taken = self.cut_until[from] <= self.now;
        self.later(soon, Next::Report(from, run, rumor.id(), u32::from(taken)));
        if rumor.tag("type") != Some("chunk") {
            self.overheard.push(rumor.clone());
        }
        if !taken {
            return;
        }
        self.agents[from].transmitted.insert(rumor.id());
        if to == HUMAN {
            return self.asked(from, &rumor);
        }
        let Some(target) = self.agents.iter().position(|agent| agent.key == to) else { return };
        let copies = 1 + u64::from(self.rng.chance(self.weather.double));
        for _ in 0..copies {
            if self.rng.chance(self.weather.loss) {
                continue;
            }
            let longest = if self.rng.chance(self.weather.slow) {
                *self.rng.pick(&[60_000, 900_000, 7_200_000]).unwrap_or(&1000)
            } else {
                *self.rng.pick(&[200, 3000]).unwrap_or(&200)
            };
            let at = self.now + self.rng.span(20, longest);
            self.later(at, Next::Arrive(target, rumor.clone()));
        }
    }

    /// Cuts an agent off for a while.
    pub fn cut(&mut self, index: usize) {
        let longest = *self.rng.pick(&[10_000, 600_000, 14_400_000]).unwrap_or(&1000);
        self.cut_until[index] = self.now + self.rng.span(1000, longest);
    }

    /// Cuts an agent off for this long.
    pub fn cut_for(&mut self, index: usize, span: Duration) {
        self.cut_until[index] = self.now + span;
    }

    /// Lets time go by.
    ///
    /// # Errors
    /// A broken rule.
    pub fn pass(&mut self, span: Duration) -> Result<(), Fault> {
        self.run(self.now + span)
    }

    /// A message is on the way to an agent.
    pub(super) fn mail(&mut self, at: Time, index: usize, rumor: Rumor) {
        self.later(at, Next::Arrive(index, rumor));
    }

    fn later(&mut self, at: Time, next: Next) {
        self.queued += 1;
        self.queue.insert((at, self.queued), next);
    }
}

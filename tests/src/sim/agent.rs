//! One agent: an engine, its disk, and the host between them, which may die at any point.

use std::collections::{BTreeMap, BTreeSet};

use p2p_core::change::{CallChange, Change};
use p2p_core::engine::{Engine, Input, Output};
use p2p_core::policy::Settings;
use p2p_core::record::{EventKind, Standing};
use p2p_core::transfer::assembly::Assembly;
use p2p_core::{CallId, InstanceId, PublicKey, Rumor, RumorId, Sha256, Time};

use super::store::Store;
use super::{Fault, rng::Rng};

/// See the module's documentation.
#[derive(Debug)]
pub struct Agent {
    /// Its key.
    pub key: PublicKey,
    /// The engine, while the process lives.
    pub engine: Option<Engine>,
    /// Its disk.
    pub store: Store,
    /// Counts processes.
    pub run: u64,
    settings: Settings,
    /// Transmissions of each rumor by this process.
    pub sends: BTreeMap<RumorId, u32>,
    /// Rumors that this process transmitted.
    pub transmitted: BTreeSet<RumorId>,
    /// Files that were written, by call and hash.
    pub written: Vec<(CallId, Sha256, Vec<u8>)>,
    ticks: (Time, u32),
    /// True if its engine may report a restored store.
    pub notices: bool,
    /// True if everything is printed.
    pub loud: bool,
}

/// Rumors that left the process.
#[derive(Debug, Default)]
pub struct Outcome {
    /// For the relays.
    pub sent: Vec<(PublicKey, Rumor)>,
    /// Files to assemble.
    pub assembled: Vec<Assembly>,
    /// Calls to sum up.
    pub tallied: Vec<CallId>,
    /// True if the process lived long enough to perform every output.
    pub finished: bool,
    /// True if there was any output.
    pub silent: bool,
}

impl Agent {
    /// An agent that does not run yet.
    #[must_use]
    pub fn new(key: PublicKey, settings: Settings) -> Self {
        Self {
            key,
            engine: None,
            store: Store::default(),
            run: 0,
            settings,
            sends: BTreeMap::new(),
            transmitted: BTreeSet::new(),
            written: Vec::new(),
            ticks: (Time(0), 0),
            notices: false,
            loud: false,
        }
    }

    /// Starts the process from what is on disk.
    ///
    /// # Errors
    /// A broken rule.
    pub fn start(&mut self, now: Time, rng: &mut Rng) -> Result<Outcome, Fault> {
        self.run += 1;
        self.sends.clear();
        self.transmitted.clear();
        let mut instance = [0; 8];
        instance.copy_from_slice(&rng.bytes()[..8]);
        let snapshot = self.store.snapshot(now);
        let settings = self.settings.clone();
        let instance = InstanceId(instance);
        let engine = Engine::restore(self.key, instance, rng.bytes(), settings, snapshot, now);
        self.engine = Some(engine);
        self.handle(now, Input::Tick, None)
    }

    /// Returns the time at which its engine wants to be called.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Time> {
        self.engine.as_ref().and_then(Engine::next_timeout)
    }

    /// Calls the engine because its time has come.
    ///
    /// # Errors
    /// A broken rule, such as an engine that wants to be called again and again.
    pub fn tick(&mut self, now: Time, crash: Option<u64>) -> Result<Outcome, Fault> {
        self.ticks = if self.ticks.0 == now { (now, self.ticks.1 + 1) } else { (now, 1) };
        if self.ticks.1 > 50 {
            return Err("the engine spins: its timeout is never satisfied".into());
        }
        self.handle(now, Input::Tick, crash)
    }

    /// Gives the engine an input and does what it says; with `crash`, dies after that many
    /// outputs. The changes of one input are one transaction: all of them, or none.
    ///
    /// # Errors
    /// A broken rule.
    pub fn handle(
        &mut self,
        now: Time,
        input: Input,
        crash: Option<u64>,
    ) -> Result<Outcome, Fault> {
        if self.loud {
            println!("{now:?} {:?} < {}", self.key, tell_input(&input));
        }
        self.act(now, crash, |engine, now| engine.handle(now, input))
    }

    /// Has the engine act, and does what it says; with `crash`, dies after that many outputs. The
    /// changes of one action are one transaction: all of them, or none.
    ///
    /// # Errors
    /// A broken rule.
    pub fn act(
        &mut self,
        now: Time,
        crash: Option<u64>,
        action: impl FnOnce(&mut Engine, Time),
    ) -> Result<Outcome, Fault> {
        let mut outcome = Outcome::default();
        let Some(engine) = &mut self.engine else { return Ok(outcome) };
        let before = self.store.standings();
        action(engine, now);
        let mut changes: Vec<Change> = Vec::new();
        let mut effects = Vec::new();
        while let Some(output) = engine.poll() {
            match output {
                Output::Persist(_) if !effects.is_empty() => {
                    return Err("a change came after an effect".into());
                }
                Output::Persist(change) => changes.push(change),
                effect => effects.push(effect),
            }
        }
        if self.loud {
            changes.iter().for_each(|change| println!("    keep {}", tell_change(change)));
            effects.iter().for_each(|effect| println!("    > {}", tell_effect(effect)));
        }
        outcome.silent = changes.is_empty() && effects.is_empty();
        let survive = crash.map(|at| at % (effects.len() as u64 + 2));
        if self.loud && survive.is_some() {
            println!("    dies, {survive:?} of {}", effects.len() + 1);
        }
        if survive == Some(0) {
            self.engine = None;
            return Ok(outcome);
        }
        for change in changes {
            self.store.apply(change)?;
        }
        for effect in effects.into_iter().take(survive.map_or(usize::MAX, |n| n as usize - 1)) {
            self.effect(effect, &before, &mut outcome)?;
        }
        outcome.finished = survive.is_none();
        if survive.is_some() {
            self.engine = None;
        }
        Ok(outcome)
    }

    /// Assembles a file beside the engine, and returns what the engine is told.
    ///
    /// # Errors
    /// A broken rule.
    pub fn assemble(&mut self, assembly: &Assembly) -> Result<Input, Fault> {
        let file = assembly.file;
        let Some(known) = self.store.files.get(&file) else {
            return Err(format!("f{file} is to be assembled and is not on record"));
        };
        let result = self.store.assemble(assembly).map(|content| {
            self.written.push((known.call, known.sha256, content));
            format!("f{file}").into()
        });
        Ok(Input::FileStored { file, result })
    }

    fn effect(
        &mut self,
        effect: Output,
        before: &BTreeMap<PublicKey, Standing>,
        outcome: &mut Outcome,
    ) -> Result<(), Fault> {
        match effect {
            Output::Persist(_) => {}
            Output::Send { to, rumor, .. } => {
                self.may_hear(to, &rumor, before)?;
                let sends = self.sends.entry(rumor.id()).or_insert(0);
                *sends += 1;
                if *sends > 200 {
                    return Err("a rumor went out more than 200 times".into());
                }
                outcome.sent.push((to, rumor));
            }
            Output::AssembleFile(assembly) => outcome.assembled.push(assembly),
            Output::Digest(call) => outcome.tallied.push(call),
            Output::Recall { .. } => return Err("nobody owns it".into()),
            Output::Yield { .. } => return Err("it yields to nobody".into()),
            Output::Notify(event) => {
                if event.kind == EventKind::Notice && !self.notices {
                    return Err(format!("an unexpected notice: {:?}", event.text));
                }
                if self.store.events.iter().all(|known| known.seq != event.seq) {
                    return Err("an event was told that is not durable".into());
                }
            }
        }
        Ok(())
    }

    /// Strangers hear nothing but a refusal by our agent, and the blocked nothing at all.
    fn may_hear(
        &self,
        to: PublicKey,
        rumor: &Rumor,
        before: &BTreeMap<PublicKey, Standing>,
    ) -> Result<(), Fault> {
        if to == self.key {
            return Ok(());
        }
        let name = rumor.tag("type").unwrap_or("text");
        let call = rumor.tag("call").and_then(|id| id.parse::<CallId>().ok());
        let call = call.and_then(|id| self.store.calls.get(&id));
        let answered = call.is_some_and(|call| call.answered.is_some());
        let ok = match self.store.standing(to) {
            Standing::Allowed => true,
            // The last word that goes with the blocking itself.
            Standing::Blocked => {
                before.get(&to) == Some(&Standing::Allowed) && matches!(name, "end" | "cancel")
            }
            Standing::Stranger => answered || name == "reject",
        };
        if ok { Ok(()) } else { Err(format!("{:?} heard `{name}`", self.store.standing(to))) }
    }
}

fn tell_rumor(rumor: &Rumor) -> String {
    let tags = ["call", "type", "stream", "n", "was"];
    let tags = tags.iter().filter_map(|name| {
        Some(format!("{name} {}", rumor.tag(name)?.chars().take(12).collect::<String>()))
    });
    let tags: Vec<String> = tags.collect();
    let acks: Vec<String> = rumor.tags_named("ack").map(|ack| ack.join(":")).collect();
    let content: String = rumor.content.chars().take(90).collect();
    format!("{:?} [{}] {acks:?} {content}", rumor.id(), tags.join(", "))
}

fn tell_input(input: &Input) -> String {
    match input {
        Input::Received(message) => format!("received {}", tell_rumor(message.rumor())),
        other => format!("{other:?}"),
    }
}

fn tell_change(change: &Change) -> String {
    match change {
        Change::Call(CallChange::Put(call)) => {
            format!("c{} {:?} answered {:?} {:?}", call.handle, call.id, call.answered, call.state)
        }
        other => format!("{other:?}"),
    }
}

fn tell_effect(effect: &Output) -> String {
    match effect {
        Output::Send { to, rumor, .. } => format!("send {to:?} {}", tell_rumor(rumor)),
        other => format!("{other:?}"),
    }
}

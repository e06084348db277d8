//! The thread that owns the engine and the store. Everything that happens reaches it as a
//! message; nothing else touches either. What came in at once is made durable in one commit, and
//! only then does anything leave.

use std::collections::BTreeMap;
use std::thread::JoinHandle;
use std::time::Duration;

use p2p_core::engine::command::{CancelMessage, OutgoingRef};
use p2p_core::engine::{Change, Command, Engine, Input, Output, Refusal, Snapshot};
use p2p_core::policy::Settings;
use p2p_core::{Blob, InstanceId, PublicKey, RumorId, Text, Time};
use p2p_ipc::view::Pairing;
use p2p_ipc::{ErrorCode, RpcError};
use tokio::sync::{mpsc, oneshot, watch};

use crate::channels::Ledger;
use crate::downloads::Downloads;
use crate::tidy::Tidying;
use p2p_config::Retention;
use p2p_relays::Relays;
use p2p_store::{Reader, Receipt, Store, StoreError};

/// Messages that wait for the engine; past that, who brings more waits.
const QUEUE: usize = 1024;
/// Most messages that share a commit.
const BATCH: usize = 256;
/// How long the engine may sleep without anything due: clocks jump.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// The fact in the store that says until when each relay was caught up with.
const CAUGHT_UP: &str = "caught up";

/// Until when each relay was caught up with, as an earlier run noted it.
///
/// # Errors
/// When the store cannot be read.
pub(crate) fn caught_up(store: &Store) -> Result<BTreeMap<String, Time>, StoreError> {
    let kept = store.meta(CAUGHT_UP)?;
    let kept: BTreeMap<String, u64> =
        kept.and_then(|kept| serde_json::from_str(&kept).ok()).unwrap_or_default();
    Ok(kept.into_iter().map(|(relay, at)| (relay, Time(at))).collect())
}

enum Message {
    Input(Input),
    Command(Execute),
    Cancel(OutgoingRef, oneshot::Sender<Result<(), Fault>>),
    Keep(Fact, oneshot::Sender<bool>),
    Report { rumor: RumorId, receipts: Vec<Receipt>, relays: u32 },
    CaughtUp { relay: String, at: Time, epoch: u64 },
    Settle(oneshot::Sender<()>),
    Compact(oneshot::Sender<()>),
    Stop,
}

/// Has the engine carry out a command, and keeps its reply until the changes are durable.
type Execute = Box<dyn FnOnce(&mut Engine, Time) -> Answer + Send>;

/// Gives a command's caller its reply; or tells it that the store could not be written.
type Answer = Box<dyn FnOnce(Result<(), Fault>)>;

/// What the daemon wants kept, and the engine need not know.
enum Fact {
    Told { question: u32, channel: &'static str, took: bool },
    Passphrase(Option<String>),
    Note { key: String, value: String },
}

/// Why a command came to nothing.
#[derive(Debug)]
pub enum Fault {
    /// A rule refused it.
    Refused(Refusal),
    /// The store could not be written: nothing was sent.
    Store,
}

/// Why the engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system.
    #[error("no thread: {0}")]
    Thread(#[from] std::io::Error),
}

/// What the engine is made of.
pub struct Parts {
    /// Who this agent is.
    pub me: PublicKey,
    /// This run.
    pub instance: InstanceId,
    /// The engine's settings.
    pub settings: Settings,
    /// What it persists to.
    pub store: Store,
    /// Where it sends.
    pub relays: Relays,
    /// Where files go.
    pub downloads: Downloads,
    /// How long things are kept.
    pub retention: Retention,
}

/// A handle to the engine's thread.
#[derive(Debug, Clone)]
pub struct Host {
    queue: mpsc::Sender<Message>,
    changes: watch::Receiver<u64>,
    twin: watch::Receiver<Option<Time>>,
    pairing: watch::Receiver<Option<Pairing>>,
}

impl Host {
    /// Restores the engine from the store and starts its thread.
    ///
    /// # Errors
    /// When the store cannot be read, or there is no thread to be had.
    pub fn start(parts: Parts) -> Result<(Self, JoinHandle<()>), StartError> {
        let engine = parts.restore()?;
        let (queue, messages) = mpsc::channel(QUEUE);
        let (changed, changes) = watch::channel(0);
        let (yielded, twin) = watch::channel(None);
        let (pairs, pairing) = watch::channel(None);
        let runtime = tokio::runtime::Handle::current();
        let weak = queue.downgrade();
        let tidying = Tidying::new(parts.retention);
        let thread =
            Thread { yielded, pairs, parts, engine, tidying, changed, runtime, queue: weak };
        let handle = std::thread::Builder::new()
            .name("engine".into())
            .spawn(move || thread.run(messages))?;
        Ok((Self { queue, changes, twin, pairing }, handle))
    }

    /// Does what our agent wants, durably.
    ///
    /// # Errors
    /// What the engine refused, in the words of the socket protocol, or `store_failed`.
    pub async fn command<C>(&self, command: C) -> Result<C::Reply, RpcError>
    where
        C: Command + Send + 'static,
        C::Reply: Send + 'static,
    {
        let (done, reply) = oneshot::channel();
        let execute = move |engine: &mut Engine, now| answer(done, engine.execute(now, command));
        self.ask(Message::Command(Box::new(execute)), reply).await
    }

    /// Takes back a message, unless a relay may have it.
    ///
    /// # Errors
    /// As [`Host::command`].
    pub async fn cancel(&self, message: OutgoingRef) -> Result<(), RpcError> {
        let (done, reply) = oneshot::channel();
        self.ask(Message::Cancel(message, done), reply).await
    }

    async fn ask<T>(
        &self,
        message: Message,
        reply: oneshot::Receiver<Result<T, Fault>>,
    ) -> Result<T, RpcError> {
        let gone = || RpcError::new(ErrorCode::Internal, "the daemon is stopping");
        self.queue.send(message).await.map_err(|_| gone())?;
        match reply.await.map_err(|_| gone())? {
            Ok(reply) => Ok(reply),
            Err(Fault::Refused(refusal)) => Err(crate::verb::refused(&refusal)),
            Err(Fault::Store) => Err(RpcError::new(
                ErrorCode::StoreFailed,
                "the store could not be written, so nothing was done or sent: is the disk full?",
            )
            .hint("p2p daemon logs")),
        }
    }

    /// Something happened.
    pub async fn input(&self, input: Input) {
        let _ = self.queue.send(Message::Input(input)).await;
    }

    /// The hash of the passphrase that proves an owner at a terminal; `None`: there is none any
    /// more. True once that is durable.
    pub async fn set_passphrase(&self, hash: Option<String>) -> bool {
        self.keep(Fact::Passphrase(hash)).await
    }

    async fn keep(&self, fact: Fact) -> bool {
        let (done, kept) = oneshot::channel();
        self.queue.send(Message::Keep(fact, done)).await.is_ok() && kept.await.unwrap_or(false)
    }

    /// How a message fares at the relays that it was given to: what those said that settled, and
    /// how many they are in all.
    pub async fn report(&self, rumor: RumorId, receipts: Vec<Receipt>, relays: u32) {
        let _ = self.queue.send(Message::Report { rumor, receipts, relays }).await;
    }

    /// A relay told everything that it kept for us, all of it handed over before this.
    pub async fn caught_up(&self, relay: String, at: Time, epoch: u64) {
        let _ = self.queue.send(Message::CaughtUp { relay, at, epoch }).await;
    }

    /// Waits until everything that was handed over before is done and durable.
    pub async fn settle(&self) {
        let (done, settled) = oneshot::channel();
        if self.queue.send(Message::Settle(done)).await.is_ok() {
            let _ = settled.await;
        }
    }

    /// Gives the disk back what a lot of deleting left free.
    pub async fn compact(&self) {
        let (done, compacted) = oneshot::channel();
        if self.queue.send(Message::Compact(done)).await.is_ok() {
            let _ = compacted.await;
        }
    }

    /// Counts commits: whoever waits for a change looks again when this moves.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.clone()
    }

    /// Since when another daemon runs with our key to which this one yielded, by its clock.
    #[must_use]
    pub fn twin(&self) -> watch::Receiver<Option<Time>> {
        self.twin.clone()
    }

    /// The pairing of an owner that is under way.
    #[must_use]
    pub fn pairing(&self) -> watch::Receiver<Option<Pairing>> {
        self.pairing.clone()
    }

    /// Ends the thread after what is queued.
    pub async fn stop(&self) {
        let _ = self.queue.send(Message::Stop).await;
    }
}

impl Ledger for Host {
    async fn note(&self, key: String, value: String) -> bool {
        self.keep(Fact::Note { key, value }).await
    }

    async fn told(&self, question: u32, channel: &'static str, took: bool) -> bool {
        self.keep(Fact::Told { question, channel, took }).await
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.clone()
    }
}

impl Parts {
    fn restore(&self) -> Result<Engine, StoreError> {
        let now = crate::now();
        let snapshot: Snapshot = self.store.snapshot(now)?;
        let mut seed = [0; 32];
        crate::random(&mut seed);
        let settings = self.settings.clone();
        let mut engine = Engine::restore(self.me, self.instance, seed, settings, snapshot, now);
        engine.handle(now, Input::Clock { ahead: self.relays.clock_ahead() });
        Ok(engine)
    }
}

struct Thread {
    yielded: watch::Sender<Option<Time>>,
    pairs: watch::Sender<Option<Pairing>>,
    parts: Parts,
    engine: Engine,
    tidying: Tidying,
    changed: watch::Sender<u64>,
    runtime: tokio::runtime::Handle,
    queue: mpsc::WeakSender<Message>,
}

/// Returns what gives a caller the result of its command, once that is known to be durable.
fn answer<T: 'static>(
    done: oneshot::Sender<Result<T, Fault>>,
    result: Result<T, Refusal>,
) -> Answer {
    Box::new(move |durable| {
        let _ = done.send(durable.and_then(|()| result.map_err(Fault::Refused)));
    })
}

impl Thread {
    fn run(mut self, mut messages: mpsc::Receiver<Message>) {
        // What the last run left undone.
        self.turn(Vec::new());
        loop {
            let wait = self.sleep();
            let received =
                self.runtime.block_on(async { tokio::time::timeout(wait, messages.recv()).await });
            let mut batch = Vec::new();
            match received {
                Ok(None) => return,
                Ok(Some(first)) => batch.push(first),
                Err(_) => {}
            }
            while batch.len() < BATCH {
                let Ok(next) = messages.try_recv() else { break };
                batch.push(next);
            }
            let stop = batch.iter().any(|message| matches!(message, Message::Stop));
            self.turn(batch);
            if stop {
                return;
            }
        }
    }

    fn sleep(&self) -> Duration {
        let now = crate::now();
        let next = [self.engine.next_timeout(), Some(self.tidying.due())];
        let next = next.into_iter().flatten().min();
        next.map_or(LONGEST_SLEEP, |at| at.since(now)).min(LONGEST_SLEEP)
    }

    /// One round: everything in, one commit, everything out.
    fn turn(&mut self, batch: Vec<Message>) {
        let mut answers: Vec<Answer> = Vec::new();
        // Dropped at the end of the round, which is what they wait for.
        let mut settled = Vec::new();
        let mut caught_up = Vec::new();
        let mut reported = Vec::new();
        let mut withdrawn = Vec::new();
        let now = crate::now();
        for message in batch {
            match message {
                Message::Input(input) => self.engine.handle(now, input),
                Message::Command(execute) => answers.push(execute(&mut self.engine, now)),
                Message::Cancel(message, done) => {
                    let result = self.withdraw(&message).and_then(|rumors| {
                        withdrawn.extend(rumors);
                        self.engine.execute(now, CancelMessage(message))
                    });
                    answers.push(answer(done, result));
                }
                Message::Keep(fact, done) => {
                    let kept = self.keep(&fact);
                    if let Err(error) = &kept {
                        tracing::warn!(%error, "a fact could not be kept");
                    }
                    let _ = done.send(kept.is_ok());
                    self.changed.send_modify(|count| *count += 1);
                }
                Message::Report { rumor, receipts, relays } => {
                    let took = receipts.iter().filter(|receipt| receipt.cause.is_none()).count();
                    let accepted = u32::try_from(took).unwrap_or(u32::MAX);
                    reported.push((self.engine.message_in(rumor), receipts));
                    self.engine.handle(now, Input::Report { rumor, accepted, relays });
                }
                Message::CaughtUp { relay, at, epoch } => caught_up.push((relay, at, epoch)),
                Message::Settle(done) => settled.push(done),
                Message::Compact(done) => {
                    if let Err(error) = self.parts.store.compact() {
                        tracing::warn!(%error, "the store could not be made smaller");
                    }
                    settled.push(done);
                }
                Message::Stop => {}
            }
        }
        self.engine.handle(now, Input::Tick);
        if now >= self.tidying.due() {
            let Parts { store, downloads, .. } = &mut self.parts;
            if let Err(error) = self.tidying.step(now, store, &mut self.engine, downloads) {
                tracing::warn!(%error, "the store could not be tidied");
            }
        }
        let mut changes: Vec<Change> = Vec::new();
        let mut effects: Vec<Output> = Vec::new();
        while let Some(output) = self.engine.poll() {
            match output {
                Output::Persist(change) => changes.push(change),
                effect => effects.push(effect),
            }
        }
        if let Err(error) = self.parts.store.commit(&changes) {
            self.parts.relays.readmit(&withdrawn);
            return self.failed(&error, answers);
        }
        if let Err(error) = self.parts.store.receipts(&reported) {
            tracing::warn!(%error, "what relays said of messages could not be noted");
        }
        for (relay, at, epoch) in caught_up {
            self.note_caught_up(&relay, at, epoch);
        }
        // Before anybody is answered, who may ask how it stands.
        let pairing = self.engine.pairing();
        self.pairs.send_replace(
            pairing.map(|it| Pairing { until_ms: it.until.0, tries_left: it.tries_left }),
        );
        for effect in effects {
            self.perform(effect);
        }
        for answer in answers {
            answer(Ok(()));
        }
        if !changes.is_empty() {
            self.changed.send_modify(|count| *count += 1);
        }
    }

    fn keep(&mut self, fact: &Fact) -> Result<(), StoreError> {
        let store = &mut self.parts.store;
        match fact {
            Fact::Told { question, channel, took } => store.told(*question, channel, *took),
            Fact::Passphrase(hash) => store.set_passphrase(hash.as_deref()),
            Fact::Note { key, value } => store.set_meta(key, value),
        }
    }

    /// Withdraws a message from the relays. Returns its rumors, unless one of them has left or
    /// may leave.
    fn withdraw(&self, message: &OutgoingRef) -> Result<Vec<RumorId>, Refusal> {
        CancelMessage(*message).permit(&self.engine)?;
        let rumors = self.engine.to_withdraw(message).ok_or(Refusal::TooLate)?;
        if self.parts.relays.withdraw(&rumors) { Ok(rumors) } else { Err(Refusal::TooLate) }
    }

    fn perform(&self, effect: Output) {
        match effect {
            // The log is in the store, and who waits for it looks there after each commit.
            Output::Persist(_) | Output::Notify(_) => {}
            Output::Send { to, rumor, priority } => self.parts.relays.send(to, rumor, priority),
            Output::StoreFile { file, name, bytes } => self.write_file(file, name, bytes),
            Output::Tally(call) => self.look_up("a call could not be summed up", move |store| {
                let (said, heard) = store.digests(call)?;
                Ok(Input::Tallied { call, said, heard })
            }),
            Output::Recall { call, to } => {
                self.look_up("the last words of a call could not be read", move |store| {
                    Ok(Input::Recalled { call, to, lines: store.last_lines(call)? })
                });
            }
            Output::Yield { instance, since } => {
                tracing::error!(%instance, ?since, "another daemon runs with this key; this one yields");
                self.yielded.send_replace(Some(since));
            }
        }
    }

    fn write_file(&self, file: u32, name: Text, bytes: Blob) {
        let downloads = self.parts.downloads.clone();
        let queue = self.queue.clone();
        self.runtime.spawn(async move {
            let written =
                tokio::task::spawn_blocking(move || downloads.write(file, &name, &bytes)).await;
            let result = match written {
                Ok(result) => {
                    result.map(|path| path.display().to_string().into()).map_err(Into::into)
                }
                Err(_) => Err("writing it was cut off".into()),
            };
            if let Some(queue) = queue.upgrade() {
                let _ = queue.send(Message::Input(Input::FileStored { file, result })).await;
            }
        });
    }

    /// Reads what the engine asked for, beside it, and hands it in.
    fn look_up(
        &self,
        failure: &'static str,
        read: impl FnOnce(&Reader) -> Result<Input, StoreError> + Send + 'static,
    ) {
        let reader = self.parts.store.reader();
        let queue = self.queue.clone();
        self.runtime.spawn(async move {
            let found = tokio::task::spawn_blocking(move || read(&reader?)).await;
            match (found, queue.upgrade()) {
                (Ok(Ok(input)), Some(queue)) => {
                    let _ = queue.send(Message::Input(input)).await;
                }
                (Ok(Err(error)), _) => tracing::error!(%error, failure),
                _ => {}
            }
        });
    }

    /// What a relay kept is durable now: the next run need not ask for it again.
    fn note_caught_up(&mut self, relay: &str, at: Time, epoch: u64) {
        let Some(all) = self.parts.relays.caught_up(relay, at, epoch) else { return };
        let all: BTreeMap<_, _> = all.into_iter().map(|(relay, at)| (relay, at.0)).collect();
        let kept = serde_json::to_string(&all).unwrap_or_default();
        if let Err(error) = self.parts.store.set_meta(CAUGHT_UP, &kept) {
            tracing::warn!(%error, "how far relays were caught up with could not be noted");
        }
    }

    /// Nothing of this round may have happened: the engine goes back to what is on disk, and what
    /// relays told is asked for again.
    fn failed(&mut self, error: &StoreError, answers: Vec<Answer>) {
        tracing::error!(%error, "the store could not be written; nothing of this was sent");
        for answer in answers {
            answer(Err(Fault::Store));
        }
        match self.parts.restore() {
            Ok(engine) => self.engine = engine,
            Err(error) => tracing::error!(%error, "the store cannot be read either"),
        }
        self.parts.relays.hear_again();
    }
}

//! The thread that owns the engine and the store. Everything that happens reaches it as a
//! request. Requests that arrive together share one commit, and nothing leaves the process before
//! that commit is durable.

use std::collections::BTreeMap;
use std::thread::JoinHandle;
use std::time::Duration;

use p2p_core::change::Change;
use p2p_core::engine::command::{CancelMessage, OutgoingRef};
use p2p_core::engine::{Command, Engine, Input, Output, Refusal};
use p2p_core::policy::Settings;
use p2p_core::{InstanceId, PublicKey, RumorId, Time};
use p2p_ipc::view::PairingView;
use p2p_relays::Relays;
use p2p_store::{Receipt, Store, StoreError};
use tokio::sync::{mpsc, oneshot, watch};

use super::catch_up;
use super::effects::Effects;
use super::handle::EngineHandle;
use super::request::{Answer, EngineRequest, Fact, Fault, answer};
use crate::downloads::Downloads;
use crate::random::random_bytes;
use crate::retention::RetentionRun;

/// Requests that wait for the engine. Past that, senders wait.
const QUEUE: usize = 1024;
/// Most requests that share a commit.
const BATCH: usize = 256;
/// Longest sleep of the engine when nothing is due: the system's clock may jump.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

/// The reason why the engine did not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system has no thread to give.
    #[error("the engine's thread could not be started: {0}")]
    Thread(#[from] std::io::Error),
}

/// The values that an engine is restored from, again after each failed commit.
pub(crate) struct EngineParts {
    /// This agent.
    pub me: PublicKey,
    /// This run.
    pub instance: InstanceId,
    /// The engine's settings.
    pub settings: Settings,
}

impl EngineParts {
    fn restore(&self, store: &Store, relays: &Relays) -> Result<Engine, StoreError> {
        let now = crate::now();
        let snapshot = store.snapshot(now)?;
        let seed = random_bytes();
        let settings = self.settings.clone();
        let mut engine = Engine::restore(self.me, self.instance, seed, settings, snapshot, now);
        engine.handle(now, Input::Clock { ahead: relays.clock_ahead() });
        Ok(engine)
    }
}

/// Returns the time up to which earlier runs caught up with each relay.
///
/// # Errors
/// When the store cannot be read.
pub(crate) fn caught_up(store: &Store) -> Result<BTreeMap<String, Time>, StoreError> {
    catch_up::load(store)
}

/// Restores the engine from the store and starts its thread.
///
/// # Errors
/// When the store cannot be read, or the thread cannot be started.
pub(crate) fn start(
    parts: EngineParts,
    store: Store,
    relays: Relays,
    downloads: Downloads,
    retention: RetentionRun,
) -> Result<(EngineHandle, JoinHandle<()>), StartError> {
    let engine = parts.restore(&store, &relays)?;
    let (queue, requests) = mpsc::channel(QUEUE);
    let (changed, changes) = watch::channel(0);
    let (yielded, has_yielded) = watch::channel(None);
    let (pairing, pairing_now) = watch::channel(None);
    let effects = Effects {
        relays,
        downloads,
        runtime: tokio::runtime::Handle::current(),
        queue: queue.downgrade(),
        yielded,
    };
    let engine_loop = EngineLoop { parts, store, engine, retention, effects, changed, pairing };
    let thread = std::thread::Builder::new()
        .name("engine".into())
        .spawn(move || engine_loop.run(requests))?;
    let handle = EngineHandle { queue, changes, yielded: has_yielded, pairing: pairing_now };
    Ok((handle, thread))
}

struct EngineLoop {
    parts: EngineParts,
    store: Store,
    engine: Engine,
    retention: RetentionRun,
    effects: Effects,
    changed: watch::Sender<u64>,
    pairing: watch::Sender<Option<PairingView>>,
}

/// Everything of a batch that waits for its commit.
#[derive(Default)]
struct AfterCommit {
    answers: Vec<Answer>,
    /// Dropped at the end of the batch, which wakes those who wait for it.
    settled: Vec<oneshot::Sender<()>>,
    caught_up: Vec<(String, Time, u64)>,
    receipts: Vec<(RumorId, Vec<Receipt>)>,
    /// Rumors that relays must not send, unless the commit fails.
    withdrawn: Vec<RumorId>,
}

impl EngineLoop {
    fn run(mut self, mut requests: mpsc::Receiver<EngineRequest>) {
        // The engine was restored with effects that the last run did not complete.
        self.run_batch(Vec::new());
        loop {
            let wait = self.sleep();
            let runtime = &self.effects.runtime;
            let received =
                runtime.block_on(async { tokio::time::timeout(wait, requests.recv()).await });
            let mut batch = Vec::new();
            match received {
                Ok(None) => return,
                Ok(Some(first)) => batch.push(first),
                Err(_) => {}
            }
            while batch.len() < BATCH {
                let Ok(next) = requests.try_recv() else { break };
                batch.push(next);
            }
            let stop = batch.iter().any(|request| matches!(request, EngineRequest::Stop));
            self.run_batch(batch);
            if stop {
                return;
            }
        }
    }

    fn sleep(&self) -> Duration {
        let now = crate::now();
        let next = [self.engine.next_timeout(), Some(self.retention.due())];
        let next = next.into_iter().flatten().min();
        next.map_or(LONGEST_SLEEP, |at| at.since(now)).min(LONGEST_SLEEP)
    }

    /// Handles a batch of requests: all inputs, then one commit, then all effects.
    fn run_batch(&mut self, batch: Vec<EngineRequest>) {
        let now = crate::now();
        let mut after = AfterCommit::default();
        for request in batch {
            self.handle(now, request, &mut after);
        }
        self.engine.handle(now, Input::Tick);
        self.run_retention(now);
        let mut changes: Vec<Change> = Vec::new();
        let mut effects: Vec<Output> = Vec::new();
        while let Some(output) = self.engine.poll() {
            match output {
                Output::Persist(change) => changes.push(change),
                effect => effects.push(effect),
            }
        }
        match self.store.commit(&changes) {
            Ok(()) => self.publish(!changes.is_empty(), effects, after),
            Err(error) => self.undo(&error, after),
        }
    }

    fn handle(&mut self, now: Time, request: EngineRequest, after: &mut AfterCommit) {
        match request {
            EngineRequest::Input(input) => self.engine.handle(now, input),
            EngineRequest::Command(execute) => {
                after.answers.push(execute(&mut self.engine, now));
            }
            EngineRequest::Cancel(message, done) => {
                let result = self.withdraw(&message).and_then(|rumors| {
                    after.withdrawn.extend(rumors);
                    self.engine.execute(now, CancelMessage(message))
                });
                after.answers.push(answer(done, result));
            }
            EngineRequest::Keep(fact, done) => {
                let kept = self.keep(&fact);
                if let Err(error) = &kept {
                    tracing::warn!(%error, "a fact could not be stored");
                }
                let _ = done.send(kept.is_ok());
                self.changed.send_modify(|count| *count += 1);
            }
            EngineRequest::Report { rumor, receipts, relays } => {
                let accepted = receipts.iter().filter(|receipt| receipt.cause.is_none()).count();
                let accepted = u32::try_from(accepted).unwrap_or(u32::MAX);
                after.receipts.push((self.engine.message_in(rumor), receipts));
                self.engine.handle(now, Input::Report { rumor, accepted, relays });
            }
            EngineRequest::CaughtUp { relay, at, epoch } => {
                after.caught_up.push((relay, at, epoch));
            }
            EngineRequest::Settle(done) => after.settled.push(done),
            EngineRequest::Compact(done) => {
                if let Err(error) = self.store.compact() {
                    tracing::warn!(%error, "the store could not be compacted");
                }
                after.settled.push(done);
            }
            EngineRequest::Stop => {}
        }
    }

    fn keep(&mut self, fact: &Fact) -> Result<(), StoreError> {
        match fact {
            Fact::QuestionNotified { question, notifier, taken } => {
                self.store.told(*question, notifier, *taken)
            }
            Fact::Passphrase(hash) => self.store.set_passphrase(hash.as_deref()),
            Fact::Note { key, value } => self.store.set_meta(key, value),
        }
    }

    /// Withdraws a message from the relays and returns its rumors. Fails once one of them has
    /// been transmitted, or may have been.
    fn withdraw(&self, message: &OutgoingRef) -> Result<Vec<RumorId>, Refusal> {
        CancelMessage(*message).permit(&self.engine)?;
        let rumors = self.engine.to_withdraw(message).ok_or(Refusal::TooLate)?;
        if self.effects.relays.withdraw(&rumors) { Ok(rumors) } else { Err(Refusal::TooLate) }
    }

    fn run_retention(&mut self, now: Time) {
        if now < self.retention.due() {
            return;
        }
        let downloads = &self.effects.downloads;
        if let Err(error) = self.retention.step(now, &mut self.store, &mut self.engine, downloads) {
            tracing::warn!(%error, "what is past its retention could not be deleted");
        }
    }

    /// Lets out what a durable commit explains: effects, then answers, then the news of a change.
    fn publish(&mut self, changed: bool, effects: Vec<Output>, after: AfterCommit) {
        if let Err(error) = self.store.receipts(&after.receipts) {
            tracing::warn!(%error, "the relays' answers to messages could not be stored");
        }
        for (relay, at, epoch) in after.caught_up {
            let times = self.effects.relays.caught_up(&relay, at, epoch);
            if let Some(Err(error)) = times.map(|times| catch_up::save(&mut self.store, &times)) {
                tracing::warn!(%error, "the time of a catch-up could not be stored");
            }
        }
        // A caller that got its answer may ask for the pairing at once.
        let pairing = self.engine.pairing();
        self.pairing.send_replace(pairing.map(|pairing| PairingView {
            expires_ms: pairing.until.0,
            tries_left: pairing.tries_left,
        }));
        for effect in effects {
            self.effects.perform(&self.store, effect);
        }
        for answer in after.answers {
            answer(Ok(()));
        }
        if changed {
            self.changed.send_modify(|count| *count += 1);
        }
    }

    /// Undoes a batch whose commit failed: the engine is restored from the disk, callers are told,
    /// and relays are asked again for what they delivered.
    fn undo(&mut self, error: &StoreError, after: AfterCommit) {
        tracing::error!(%error, "the store could not be written; nothing of this batch was sent");
        let relays = &self.effects.relays;
        relays.readmit(&after.withdrawn);
        for answer in after.answers {
            answer(Err(Fault::Store));
        }
        match self.parts.restore(&self.store, relays) {
            Ok(engine) => self.engine = engine,
            Err(error) => tracing::error!(%error, "the store cannot be read either"),
        }
        relays.hear_again();
    }
}

//! The handle to the engine's thread: commands, inputs, and what can be observed of it.

use p2p_core::engine::command::OutgoingRef;
use p2p_core::engine::{Command, Engine, Input};
use p2p_core::{RumorId, Time};
use p2p_ipc::view::PairingView;
use p2p_ipc::{ErrorCode, RpcError};
use p2p_store::Receipt;
use tokio::sync::{mpsc, oneshot, watch};

use super::request::{EngineRequest, Fact, Fault, answer};
use crate::errors::refused;
use crate::notifiers::journal::Journal;

/// A handle to the engine's thread.
#[derive(Debug, Clone)]
pub(crate) struct EngineHandle {
    pub(super) queue: mpsc::Sender<EngineRequest>,
    pub(super) changes: watch::Receiver<u64>,
    pub(super) yielded: watch::Receiver<Option<Time>>,
    pub(super) pairing: watch::Receiver<Option<PairingView>>,
}

impl EngineHandle {
    /// Executes a command of our agent and returns its reply once its changes are durable.
    ///
    /// # Errors
    /// The engine's refusal, or `store_failed`.
    pub async fn command<C>(&self, command: C) -> Result<C::Reply, RpcError>
    where
        C: Command + Send + 'static,
        C::Reply: Send + 'static,
    {
        let (done, reply) = oneshot::channel();
        let execute = move |engine: &mut Engine, now| answer(done, engine.execute(now, command));
        self.ask(EngineRequest::Command(Box::new(execute)), reply).await
    }

    /// Takes back a message that no relay has been sent.
    ///
    /// # Errors
    /// The engine's refusal (`too_late` once the message was transmitted), or `store_failed`.
    pub async fn cancel(&self, message: OutgoingRef) -> Result<(), RpcError> {
        let (done, reply) = oneshot::channel();
        self.ask(EngineRequest::Cancel(message, done), reply).await
    }

    async fn ask<T>(
        &self,
        request: EngineRequest,
        reply: oneshot::Receiver<Result<T, Fault>>,
    ) -> Result<T, RpcError> {
        let stopping = || RpcError::new(ErrorCode::Internal, "the daemon is stopping");
        self.queue.send(request).await.map_err(|_| stopping())?;
        match reply.await.map_err(|_| stopping())? {
            Ok(reply) => Ok(reply),
            Err(Fault::Refused(refusal)) => Err(refused(&refusal)),
            Err(Fault::Store) => Err(RpcError::new(
                ErrorCode::StoreFailed,
                "the store could not be written, so nothing was done or sent: is the disk full?",
            )
            .hint("p2p daemon logs")),
        }
    }

    /// Hands the engine something that happened.
    pub async fn input(&self, input: Input) {
        let _ = self.queue.send(EngineRequest::Input(input)).await;
    }

    /// Stores the hash of the passphrase that proves an owner at a terminal, or removes the
    /// passphrase. Returns true once that is durable.
    pub async fn set_passphrase(&self, hash: Option<String>) -> bool {
        self.keep(Fact::Passphrase(hash)).await
    }

    async fn keep(&self, fact: Fact) -> bool {
        let (done, kept) = oneshot::channel();
        self.queue.send(EngineRequest::Keep(fact, done)).await.is_ok()
            && kept.await.unwrap_or(false)
    }

    /// Reports the relays that settled a message, of `relays` in all.
    pub async fn report(&self, rumor: RumorId, receipts: Vec<Receipt>, relays: u32) {
        let _ = self.queue.send(EngineRequest::Report { rumor, receipts, relays }).await;
    }

    /// Notes that a relay has handed over everything that it stored for us.
    pub async fn caught_up(&self, relay: String, at: Time, epoch: u64) {
        let _ = self.queue.send(EngineRequest::CaughtUp { relay, at, epoch }).await;
    }

    /// Waits until everything that was handed over before is durable.
    pub async fn settle(&self) {
        let (done, settled) = oneshot::channel();
        if self.queue.send(EngineRequest::Settle(done)).await.is_ok() {
            let _ = settled.await;
        }
    }

    /// Returns to the disk what much deleting left free in the store.
    pub async fn compact(&self) {
        let (done, compacted) = oneshot::channel();
        if self.queue.send(EngineRequest::Compact(done)).await.is_ok() {
            let _ = compacted.await;
        }
    }

    /// Returns a counter of commits. A reader that waits for a change looks again when it moves.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.clone()
    }

    /// Returns when the daemon started to which this one yielded, by the other daemon's clock;
    /// `None` while this daemon acts for the key.
    pub fn yielded(&self) -> watch::Receiver<Option<Time>> {
        self.yielded.clone()
    }

    /// Returns the pairing of an owner that is in progress.
    pub fn pairing(&self) -> watch::Receiver<Option<PairingView>> {
        self.pairing.clone()
    }

    /// Ends the thread once it has handled the requests that are queued.
    pub async fn stop(&self) {
        let _ = self.queue.send(EngineRequest::Stop).await;
    }
}

impl Journal for EngineHandle {
    async fn note(&self, key: String, value: String) -> bool {
        self.keep(Fact::Note { key, value }).await
    }

    async fn question_notified(&self, question: u32, notifier: &'static str, taken: bool) -> bool {
        self.keep(Fact::QuestionNotified { question, notifier, taken }).await
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.clone()
    }
}

//! The requests that the engine's thread takes from its queue.

use p2p_core::engine::command::OutgoingRef;
use p2p_core::engine::{Engine, Input, Refusal};
use p2p_core::{RumorId, Time};
use p2p_store::Receipt;
use tokio::sync::oneshot;

/// One request to the engine's thread.
pub(super) enum EngineRequest {
    /// Something happened that the engine must know.
    Input(Input),
    /// Our agent wants something done.
    Command(Execute),
    /// Our agent takes back a message.
    Cancel(OutgoingRef, oneshot::Sender<Result<(), Fault>>),
    /// The daemon wants a fact stored. Answers whether it is durable.
    Keep(Fact, oneshot::Sender<bool>),
    /// The relays that settled a message, of `relays` in all.
    Report { rumor: RumorId, receipts: Vec<Receipt>, relays: u32 },
    /// A relay has handed over everything that it stored for us.
    CaughtUp { relay: String, at: Time, epoch: u64 },
    /// Answers when everything queued before is durable.
    Settle(oneshot::Sender<()>),
    /// Returns free pages of the store to the disk.
    Compact(oneshot::Sender<()>),
    /// Ends the thread after this batch.
    Stop,
}

/// Executes a command in the engine. The returned answer waits until the changes are durable.
pub(super) type Execute = Box<dyn FnOnce(&mut Engine, Time) -> Answer + Send>;

/// Gives the caller of a command its reply, or the fault that undid the command.
pub(super) type Answer = Box<dyn FnOnce(Result<(), Fault>)>;

/// A fact that the daemon stores and the engine need not know.
pub(super) enum Fact {
    /// A notifier took a question, or refused it.
    QuestionNotified { question: u32, notifier: &'static str, taken: bool },
    /// The hash of the owner's passphrase; `None` removes it.
    Passphrase(Option<String>),
    /// A small value under a key.
    Note { key: String, value: String },
}

/// The reason why a command was not carried out.
#[derive(Debug)]
pub(super) enum Fault {
    /// A rule of the engine refused it.
    Refused(Refusal),
    /// The store could not be written: nothing was done or sent.
    Store,
}

/// Returns an answer that sends `result` to the caller once the command is durable.
pub(super) fn answer<T: 'static>(
    done: oneshot::Sender<Result<T, Fault>>,
    result: Result<T, Refusal>,
) -> Answer {
    Box::new(move |durable| {
        let _ = done.send(durable.and_then(|()| result.map_err(Fault::Refused)));
    })
}

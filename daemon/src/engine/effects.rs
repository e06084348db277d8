//! The outputs of the engine, carried out after the commit that explains them.

use std::fmt::Display;

use p2p_core::Time;
use p2p_core::engine::{Input, Output};
use p2p_core::transfer::assembly::{Assembly, AssemblyFault};
use p2p_relays::Relays;
use p2p_store::{Reader, Store, StoreError};
use tokio::sync::{mpsc, watch};

use super::request::EngineRequest;
use crate::downloads::Downloads;

/// Carries out the engine's outputs. Slow ones run beside the engine's thread and report back
/// through its queue.
pub(super) struct Effects {
    pub relays: Relays,
    pub downloads: Downloads,
    pub runtime: tokio::runtime::Handle,
    pub queue: mpsc::WeakSender<EngineRequest>,
    pub yielded: watch::Sender<Option<Time>>,
}

impl Effects {
    /// Carries out one output whose changes are durable.
    pub fn perform(&self, store: &Store, effect: Output) {
        match effect {
            // The store has the event log; readers look there after each commit.
            Output::Persist(_) | Output::Notify(_) => {}
            Output::Send { to, rumor, priority } => self.relays.send(to, rumor, priority),
            Output::AssembleFile(assembly) => self.assemble(store, assembly),
            Output::Digest(call) => {
                self.read(store, "the digests of a call could not be read", move |store| {
                    let (said, heard) = store.digests(call)?;
                    Ok(Input::Digested { call, said, heard })
                });
            }
            Output::Recall { call, to } => {
                self.read(store, "the last messages of a call could not be read", move |store| {
                    Ok(Input::Recalled { call, to, lines: store.last_lines(call)? })
                });
            }
            Output::Yield { instance, since } => {
                tracing::error!(%instance, ?since, "another daemon runs with this key; this one yields");
                self.yielded.send_replace(Some(since));
            }
        }
    }

    /// Assembles a received file from the pieces in the store.
    fn assemble(&self, store: &Store, assembly: Assembly) {
        let downloads = self.downloads.clone();
        self.read(store, "the pieces of a file could not be read", move |store| {
            let piece = |number| match store.chunk(assembly.stream, number) {
                Ok(Some(bytes)) => Ok(bytes),
                Ok(None) => Err(unreadable(number, &"it is missing")),
                Err(error) => Err(unreadable(number, &error)),
            };
            let result = downloads.assemble(&assembly, piece);
            let result = result.map(|path| path.display().to_string().into());
            Ok(Input::FileStored { file: assembly.file, result })
        });
    }

    /// Reads what the engine asked for on another thread, and hands it to the engine.
    fn read(
        &self,
        store: &Store,
        failure: &'static str,
        read: impl FnOnce(&Reader) -> Result<Input, StoreError> + Send + 'static,
    ) {
        let reader = store.reader();
        let queue = self.queue.clone();
        self.runtime.spawn(async move {
            let found = tokio::task::spawn_blocking(move || read(&reader?)).await;
            match (found, queue.upgrade()) {
                (Ok(Ok(input)), Some(queue)) => {
                    let _ = queue.send(EngineRequest::Input(input)).await;
                }
                (Ok(Err(error)), _) => tracing::error!(%error, failure),
                _ => {}
            }
        });
    }
}

fn unreadable(number: u64, cause: &dyn Display) -> AssemblyFault {
    AssemblyFault::Local(format!("piece {number} cannot be read: {cause}").into())
}

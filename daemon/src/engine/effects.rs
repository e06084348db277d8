//! The outputs of the engine, carried out after the commit that explains them.

use p2p_core::engine::{Input, Output};
use p2p_core::{Blob, Text, Time};
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
            Output::StoreFile { file, name, bytes } => self.write_file(file, name, bytes),
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

    fn write_file(&self, file: u32, name: Text, bytes: Blob) {
        let downloads = self.downloads.clone();
        let queue = self.queue.clone();
        self.runtime.spawn(async move {
            let written =
                tokio::task::spawn_blocking(move || downloads.write(file, &name, &bytes)).await;
            let result = match written {
                Ok(Ok(path)) => Ok(path.display().to_string().into()),
                Ok(Err(cause)) => Err(cause.into()),
                Err(_) => Err("writing the file was interrupted".into()),
            };
            if let Some(queue) = queue.upgrade() {
                let input = Input::FileStored { file, result };
                let _ = queue.send(EngineRequest::Input(input)).await;
            }
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

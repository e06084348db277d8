//! The context of a request: this agent, its configuration, and handles to the running parts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use p2p_config::Config;
use p2p_core::call::State;
use p2p_core::{InstanceId, PublicKey, Time};
use p2p_ipc::Place;
use p2p_relays::Relays;
use p2p_store::Reader;
use tokio::sync::watch;

use crate::auth_throttle::AuthThrottle;
use crate::engine::handle::EngineHandle;
use crate::notifiers::Notifiers;
use crate::readers::AGENT;

/// Longest time after the start that a reader waits for the first relay.
const CATCH_UP: Duration = Duration::from_secs(3);

/// Everything that a request may use.
pub(crate) struct Context {
    pub place: Place,
    pub config: Config,
    pub name: String,
    pub me: PublicKey,
    pub is_new: bool,
    pub instance: InstanceId,
    pub started_by: &'static str,
    pub started: Time,
    pub notifiers: Notifiers,
    pub env: BTreeMap<String, String>,
    pub engine: EngineHandle,
    pub auth_throttle: AuthThrottle,
    pub relays: Relays,
    pub stop: watch::Sender<bool>,
    pub caught_up: watch::Sender<bool>,
    pub store: Arc<Mutex<Reader>>,
    pub last_active: AtomicU64,
    pub listed: Mutex<BTreeMap<PublicKey, String>>,
}

impl Context {
    /// Returns the store, to read from.
    pub fn reader(&self) -> MutexGuard<'_, Reader> {
        lock(&self.store)
    }

    /// Notes that our agent acts or waits for something now.
    pub fn note_activity(&self) {
        self.last_active.store(crate::now().0, Ordering::Relaxed);
    }

    /// Returns when our agent last acted or waited for something.
    pub fn last_active(&self) -> Time {
        Time(self.last_active.load(Ordering::Relaxed))
    }

    /// Waits, right after the start, until one relay has handed over everything that it stored for
    /// us. An answer "nothing new" before that would be wrong.
    pub async fn catch_up(&self) {
        let mut caught_up = self.caught_up.subscribe();
        let left = CATCH_UP.saturating_sub(crate::now().since(self.started));
        let _ = tokio::time::timeout(left, caught_up.wait_for(|done| *done)).await;
    }

    /// Counts the calls that are answered, or being answered.
    pub fn calls_in_use(&self) -> usize {
        let open = self.reader().open_calls(AGENT).unwrap_or_default();
        let in_use = |state: &State| matches!(state, State::Connecting(_) | State::Active);
        open.iter().filter(|row| in_use(&row.call.state)).count()
    }

    /// Returns the agents that `list` showed in this run, with the names they claim.
    pub fn listed(&self) -> MutexGuard<'_, BTreeMap<PublicKey, String>> {
        lock(&self.listed)
    }
}

/// Locks a value that no code here leaves half changed, even where another thread panicked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

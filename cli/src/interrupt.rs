//! Waits that SIGTERM and SIGINT end with a report instead of silence.
//!
//! A shell tool kills a command that takes too long. While a verb waits, the signal only ends
//! the waiting; at any other time it does what it always does.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;

use p2p_client::wait::Waited;
use p2p_ipc::{ErrorCode, RpcError};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

/// State shared with the signal thread.
#[derive(Default)]
struct SignalState {
    /// Ends the current wait, if there is one.
    end: Option<Box<dyn Fn() + Send>>,
    /// True once a signal came during a wait. It stays true: a signal that came together with the
    /// answer ends the next wait.
    interrupted: bool,
}

/// The thread that receives the signals.
pub struct Interrupts {
    waiting: Arc<Mutex<SignalState>>,
}

impl Interrupts {
    /// Starts to receive signals.
    ///
    /// # Errors
    /// Fails if the operating system refuses.
    pub fn listen() -> Result<Self, RpcError> {
        let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(internal)?;
        let waiting = Arc::<Mutex<SignalState>>::default();
        let shared = Arc::clone(&waiting);
        let receive = move || {
            for signal in signals.forever() {
                let mut waiting = lock(&shared);
                let Some(end) = waiting.end.as_ref() else {
                    drop(emulate_default_handler(signal));
                    continue;
                };
                end();
                waiting.interrupted = true;
            }
        };
        thread::Builder::new().name("signals".into()).spawn(receive).map_err(internal)?;
        Ok(Self { waiting })
    }

    /// Runs `work` on a thread of its own until it answers or a signal comes.
    ///
    /// # Errors
    /// Fails if the thread cannot be started, or if `work` panics.
    pub fn or<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Waited<T>, RpcError> {
        let (sender, receiver) = mpsc::channel();
        let interrupted = sender.clone();
        {
            let mut waiting = lock(&self.waiting);
            if waiting.interrupted {
                return Ok(Waited::Interrupted);
            }
            waiting.end = Some(Box::new(move || drop(interrupted.send(Waited::Interrupted))));
        }
        thread::Builder::new()
            .name("waiting".into())
            .spawn(move || drop(sender.send(Waited::Answer(work()))))
            .map_err(internal)?;
        let waited = receiver.recv();
        lock(&self.waiting).end = None;
        waited.map_err(internal)
    }
}

fn lock(waiting: &Mutex<SignalState>) -> MutexGuard<'_, SignalState> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

fn internal(error: impl std::fmt::Display) -> RpcError {
    RpcError::new(ErrorCode::Internal, format!("cannot wait: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_that_comes_with_the_answer_ends_the_next_waiting() {
        let interrupts = Interrupts::listen().unwrap();
        let shared = Arc::clone(&interrupts.waiting);
        let both = move || {
            signal_hook::low_level::raise(SIGTERM).unwrap();
            while !lock(&shared).interrupted {
                thread::yield_now();
            }
        };
        interrupts.or(both).unwrap();
        let next = interrupts.or(|| thread::sleep(std::time::Duration::from_secs(20))).unwrap();
        assert!(matches!(next, Waited::Interrupted));
    }
}

//! Waiting that SIGTERM and SIGINT end with a report instead of silence.
//!
//! A shell tool kills a command that takes too long. While a verb waits, the signal only ends
//! the waiting; at any other time it does what it always does.

use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;

use p2p_ipc::{ErrorCode, RpcError};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

/// What came of waiting.
#[derive(Debug)]
pub enum Waited<T> {
    /// What was waited for.
    Answer(T),
    /// A signal came first.
    Interrupted,
}

type OnSignal = Arc<Mutex<Option<Box<dyn Fn() + Send>>>>;

/// The thread that receives the signals.
pub struct Interrupts {
    on_signal: OnSignal,
}

impl Interrupts {
    /// Starts to receive them.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn listen() -> Result<Self, RpcError> {
        let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(internal)?;
        let on_signal = OnSignal::default();
        let shared = Arc::clone(&on_signal);
        let receive = move || {
            for signal in signals.forever() {
                let on_signal = shared.lock().unwrap_or_else(PoisonError::into_inner);
                match on_signal.as_ref() {
                    Some(end_waiting) => end_waiting(),
                    None => drop(emulate_default_handler(signal)),
                }
            }
        };
        thread::Builder::new().name("signals".into()).spawn(receive).map_err(internal)?;
        Ok(Self { on_signal })
    }

    /// Runs `work` on a thread of its own until it answers or a signal comes.
    ///
    /// # Errors
    /// When no thread can be had, or `work` never answers.
    pub fn or<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Waited<T>, RpcError> {
        let (sender, receiver) = mpsc::channel();
        let interrupted = sender.clone();
        self.set(Some(Box::new(move || drop(interrupted.send(Waited::Interrupted)))));
        thread::Builder::new()
            .name("waiting".into())
            .spawn(move || drop(sender.send(Waited::Answer(work()))))
            .map_err(internal)?;
        let waited = receiver.recv();
        self.set(None);
        waited.map_err(internal)
    }

    fn set(&self, on_signal: Option<Box<dyn Fn() + Send>>) {
        *self.on_signal.lock().unwrap_or_else(PoisonError::into_inner) = on_signal;
    }
}

fn internal(error: impl std::fmt::Display) -> RpcError {
    RpcError::new(ErrorCode::Internal, format!("cannot wait: {error}"))
}

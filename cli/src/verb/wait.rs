//! `p2p wait`: waits for an item, and reads it.

use clap::ValueEnum;
use p2p_ipc::method::{InboxResult, WaitParams};
use p2p_ipc::view::ItemKind;
use p2p_ipc::{ErrorCode, RpcError};

use crate::outcome::{Ending, Failure, Outcome, PendingLine};
use crate::render::inbox::Arrived;
use crate::render::words::shell_word;
use crate::session::Session;
use crate::verb::inbox::Reading;
use crate::wait::ended;
use p2p_client::follow::Waits;
use p2p_client::wait::Waited;
use p2p_client::wait::{DEFAULT_WAIT_S, WaitClock, WaitReport, ms};

/// Arguments of `wait`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  p2p wait
  p2p wait --call c7 --wait 60
  p2p wait --for ring,reply --peek

Exit 3 says that nothing came yet, which is no failure: work on, and look again. In JSON that is
\"ok\":true with {\"reached\":false}. SIGTERM and SIGINT end the waiting with the same report.
A call named by --call that is over ends the waiting at once when nothing in it is unread: exit 7,
or 8 where the peer was not reached.")]
pub struct Args {
    #[command(flatten)]
    reading: Reading,
    /// Seconds to wait
    #[arg(long, value_name = "SECS", default_value_t = DEFAULT_WAIT_S)]
    wait: u64,
    /// Only these kinds end the waiting, and the end of the call that --call names
    #[arg(long = "for", value_name = "KINDS", value_delimiter = ',')]
    kinds: Vec<Kind>,
}

/// Kinds of items to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// A peer calls
    Ring,
    /// A message arrived
    Message,
    /// A file is complete, or failed
    File,
    /// Your human answered
    Reply,
    /// A call ended
    End,
}

impl Kind {
    /// Returns the kinds of inbox items that belong to this kind.
    #[must_use]
    pub fn items(self) -> &'static [ItemKind] {
        match self {
            Self::Ring => &[ItemKind::Ring, ItemKind::Knock],
            Self::Message => &[ItemKind::Message],
            Self::File => &[ItemKind::File],
            Self::Reply => &[ItemKind::Reply],
            Self::End => &[ItemKind::End, ItemKind::Missed],
        }
    }
}

/// Returns the error of a daemon lost during the wait, with a hint; nothing was marked as read.
fn lost(error: RpcError, args: &Args) -> RpcError {
    if error.code != ErrorCode::NoDaemon {
        return error;
    }
    let message = format!("the daemon stopped during the wait: {}", error.message);
    RpcError::new(error.code, message).hint(match &args.reading.call {
        Some(call) => format!("p2p wait --call {}", shell_word(call)),
        None => "p2p wait".into(),
    })
}

/// Waits, and reads the items.
///
/// # Errors
/// Fails if the daemon refuses the request, or if the named call has ended.
pub fn run(args: &Args, session: &mut Session) -> Ending {
    let inbox = args.reading.params(None, session);
    let kinds: Vec<ItemKind> = args.kinds.iter().flat_map(|kind| kind.items()).copied().collect();
    let clock = WaitClock::start(args.wait);
    // Asks once without waiting, so that a signal finds a state to report.
    let first = WaitParams { inbox: inbox.clone(), kinds: kinds.clone(), wait_ms: 0 };
    let mut result: InboxResult = session.call(&first)?;
    let mut interrupted = false;
    while result.items.is_empty() && !result.finished && !interrupted {
        let Some(slice) = clock.slice() else { break };
        let params = WaitParams { inbox: inbox.clone(), kinds: kinds.clone(), wait_ms: ms(slice) };
        match session.wait(params, slice).map_err(|error| lost(error, args))? {
            Waited::Answer(now) => result = now,
            Waited::Interrupted => interrupted = true,
        }
    }
    let reached = !result.items.is_empty();
    let marks = if args.reading.peek { Vec::new() } else { std::mem::take(&mut result.marks) };
    let waiting = WaitReport { interrupted, ..clock.report(reached) };
    let over = result.call.as_ref().filter(|_| result.finished && !reached).map(ended);
    let shown = Arrived::new(result, !args.reading.peek, Some(waiting));
    if let Some(error) = over {
        return Err(Failure::with(error, shown));
    }
    Ok(Outcome::new(shown)
        .reached(reached)
        .pending_line(PendingLine::Read(u32::try_from(marks.len()).unwrap_or(u32::MAX)))
        .marks(marks))
}

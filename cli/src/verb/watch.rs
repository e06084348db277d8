//! `p2p watch`: follows the event log, one line per event.

use std::io;
use std::time::Duration;

use clap::value_parser;
use p2p_ipc::method::{StatusParams, WatchParams, WatchResult};
use p2p_ipc::view::ItemKind;
use p2p_ipc::{ErrorCode, RpcError};

use crate::outcome::{Ending, Failure, Outcome};
use crate::render::stream::Line;
use crate::render::words::shell_word;
use crate::session::Session;
use crate::verb::inbox::ITEMS_SHOWN;
use crate::verb::wait::Kind;
use p2p_client::follow::Waits;
use p2p_client::wait::Waited;
use p2p_client::wait::{WaitClock, WaitReport, ms};

/// Maximum bytes of a page. The longest message fits in full, and a page fits a line of the socket.
const BYTES_SHOWN: u32 = 64 * 1024;
/// Interval for checking that stdout still has a reader.
const LOOK: Duration = Duration::from_secs(2);

/// Arguments of `watch`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  p2p watch
  p2p watch --reader bridge
  p2p watch --from 41 --for message,file
  p2p watch --call c7 --limit 1 --wait 25

One JSON object a line, with or without --json: first {\"type\":\"snapshot\"}, how things are now; then
{\"type\":\"event\"} with its number in \"seq\", in order; {\"type\":\"lagged\"} where entries are gone that
were not shown; at last {\"type\":\"end\"}. Go on behind any number with --from; --from 0 shows all
that is kept. With --reader it begins with what that reader was not shown, and its cursor moves
when stdout took a line; without, nothing is marked as read. Exit 3 says that no event came.")]
pub struct Args {
    /// Begin after this event number; marks nothing
    #[arg(long, value_name = "SEQ")]
    from: Option<u64>,
    /// Continue from the cursor of this name, and move it [env: P2P_READER]
    #[arg(long, value_name = "NAME", conflicts_with_all = ["from", "kinds"])]
    reader: Option<String>,
    /// Only this call
    #[arg(long)]
    call: Option<String>,
    /// Only these kinds; marks nothing
    #[arg(long = "for", value_name = "KINDS", value_delimiter = ',')]
    kinds: Vec<Kind>,
    /// End after this many events
    #[arg(long, value_name = "COUNT", value_parser = value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// End after this many seconds [default: never]
    #[arg(long, value_name = "SECS")]
    wait: Option<u64>,
}

/// Follows the log.
///
/// # Errors
/// Fails if the daemon refuses the request, or if the log does not contain the number of `--from`.
pub fn run(args: &Args, session: &mut Session) -> Ending {
    session.screen.usable().map_err(closed)?;
    let kinds: Vec<ItemKind> = args.kinds.iter().flat_map(|kind| kind.items()).copied().collect();
    // A cursor has no gaps: a stream that skips entries does not move it.
    let marks_nothing = args.from.is_some() || !kinds.is_empty();
    let reader = args.reader.clone().or(session.reader.take()).filter(|_| !marks_nothing);
    session.reader.clone_from(&reader);
    let clock = WaitClock::start(args.wait.unwrap_or(u64::MAX));
    let status = session.call(&StatusParams { probe: false, reader: reader.clone() })?;
    let begin = if reader.is_some() { 0 } else { status.seq };
    let mut params = WatchParams {
        reader,
        call: args.call.clone(),
        kinds,
        after: args.from.unwrap_or(begin),
        limit: ITEMS_SHOWN.min(args.limit.unwrap_or(u32::MAX)),
        max_bytes: BYTES_SHOWN,
        wait_ms: 0,
    };
    let mut page = session.call(&params)?;
    too_old(args.from, &page)?;
    let (mut shown, mut interrupted) = (0, false);
    let mut written = session.screen.line(&Line::snapshot(&status));
    loop {
        written = written.and_then(|()| show(session, &mut page, &mut shown));
        params.after = page.seq;
        let left = args.limit.map_or(u32::MAX, |limit| limit.saturating_sub(shown));
        let slice = clock.slice().filter(|_| left > 0 && written.is_ok() && !interrupted);
        let Some(slice) = slice.filter(|_| !session.screen.is_abandoned()) else { break };
        let slice = slice.min(LOOK);
        params.limit = ITEMS_SHOWN.min(left);
        params.wait_ms = ms(slice);
        match session.wait(params.clone(), slice).map_err(|error| lost(error, &params))? {
            Waited::Answer(next) => page = next,
            Waited::Interrupted => {
                interrupted = true;
                page = WatchResult { items: Vec::new(), marks: Vec::new(), missed: 0, ..page };
            }
        }
    }
    let waiting = WaitReport { interrupted, ..clock.report(shown > 0) };
    let end = Line::End { seq: page.seq, events: shown, waiting };
    match written.and_then(|()| session.screen.line(&end)) {
        // The reader of the stream has closed it.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Outcome::streamed()),
        Err(error) => Err(closed(error)),
        Ok(()) => Ok(Outcome::streamed().reached(shown > 0)),
    }
}

/// Shows a page, and then reports the shown entries to the daemon.
fn show(session: &mut Session, page: &mut WatchResult, shown: &mut u32) -> io::Result<()> {
    if page.missed > 0 {
        session.screen.line(&Line::Lagged { missed: page.missed, seq: page.resume_after })?;
    }
    let mut took = 0;
    let mut lines = page.items.iter();
    let written = lines.try_for_each(|item| {
        session.screen.line(&Line::Event(item))?;
        took += 1;
        Ok(())
    });
    *shown += u32::try_from(took).unwrap_or(u32::MAX);
    page.marks.truncate(took);
    session.confirm(std::mem::take(&mut page.marks));
    written
}

/// Returns the error of a lost daemon, with a hint to go on after the last event that was shown.
fn lost(error: RpcError, params: &WatchParams) -> RpcError {
    if error.code != ErrorCode::NoDaemon {
        return error;
    }
    let message = format!("the daemon stopped during the watch: {}", error.message);
    RpcError::new(error.code, message).hint(match &params.reader {
        Some(reader) => format!("p2p watch --reader {}", shell_word(reader)),
        None => format!("p2p watch --from {}", params.after),
    })
}

fn too_old(from: Option<u64>, page: &WatchResult) -> Result<(), RpcError> {
    let Some(from) = from.filter(|from| (1..page.resume_after).contains(from) && page.missed > 0)
    else {
        return Ok(());
    };
    let (before, first) = (page.resume_after, page.resume_after + 1);
    let message = format!(
        "what came right behind {from} is no longer in the log, which goes on with {first}"
    );
    Err(RpcError::new(ErrorCode::LogPosition, message).hint(format!("p2p watch --from {before}")))
}

fn closed(error: io::Error) -> Failure {
    let message =
        format!("output was cut off; what stdout did not take was not marked as read ({error})");
    RpcError::new(ErrorCode::Internal, message).into()
}

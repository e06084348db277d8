//! `p2p inbox`: reads received items. Only items that stdout took count as read.

use clap::value_parser;
use p2p_ipc::method::InboxParams;

use crate::outcome::{Ending, Outcome, PendingLine};
use crate::render::inbox::Arrived;
use crate::session::Session;

/// Maximum number of items on a page.
pub const ITEMS_SHOWN: u32 = 20;
/// Maximum number of bytes of text on a page.
pub const BYTES_SHOWN: u32 = 16 * 1024;

/// Arguments of `inbox`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  p2p inbox
  p2p inbox --call c7 --peek
  p2p inbox --last 20
  p2p inbox --reader me

At most 20 items and 16 KB at a time. What was shown counts as read; `p2p inbox --last 20` shows
it again.")]
pub struct Args {
    #[command(flatten)]
    reading: Reading,
    /// Show this many of the newest items, read before or not; marks nothing
    #[arg(long, value_name = "COUNT", conflicts_with = "peek", value_parser = value_parser!(u32).range(1..))]
    last: Option<u32>,
}

/// Options for reading.
#[derive(Debug, Clone, clap::Args)]
pub struct Reading {
    /// Only this call
    #[arg(long)]
    pub call: Option<String>,
    /// Mark nothing as read
    #[arg(long)]
    pub peek: bool,
    /// Read with a cursor of this name, and leave the agent's own alone [env: P2P_READER]
    #[arg(long, value_name = "NAME")]
    pub reader: Option<String>,
}

impl Reading {
    /// Returns the request, with the limits of a page. The reader is kept for the whole run.
    #[must_use]
    pub fn params(&self, last: Option<u32>, session: &mut Session) -> InboxParams {
        if let Some(reader) = &self.reader {
            session.reader = Some(reader.clone());
        }
        InboxParams {
            reader: session.reader.clone(),
            call: self.call.clone(),
            last,
            limit: last.unwrap_or(ITEMS_SHOWN),
            max_bytes: BYTES_SHOWN,
        }
    }
}

/// Reads the inbox.
///
/// # Errors
/// Fails if the daemon refuses the request.
pub fn run(args: &Args, session: &mut Session) -> Ending {
    let params = args.reading.params(args.last, session);
    let mut result = session.call(&params)?;
    let confirmed = !args.reading.peek && args.last.is_none();
    let marks = if confirmed { std::mem::take(&mut result.marks) } else { Vec::new() };
    Ok(Outcome::new(Arrived::new(result, confirmed, None))
        .pending_line(PendingLine::Read(u32::try_from(marks.len()).unwrap_or(u32::MAX)))
        .marks(marks))
}

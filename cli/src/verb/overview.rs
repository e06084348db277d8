//! `p2p` without a verb: the current state, and the next step.

use p2p_ipc::method::StatusParams;

use crate::outcome::{Ending, Outcome, PendingLine};
use crate::render::status::Overview;
use crate::session::Session;

/// Shows the overview.
///
/// # Errors
/// Fails if the daemon refuses the request.
pub fn run(session: &mut Session) -> Ending {
    let status = session.call(&StatusParams { probe: false, reader: session.reader.clone() })?;
    Ok(Outcome::new(Overview(status)).pending_line(PendingLine::Shown))
}

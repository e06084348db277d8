//! Runs one verb from its arguments to its exit code.

use p2p_ipc::ExitCode;

use crate::args::Verb;
use crate::outcome::{Failure, Outcome};
use crate::render::Screen;
use crate::session::Session;
use crate::verb;

/// Runs the verb, shows its result, and only then marks the shown items as read.
#[must_use]
pub fn verb(verb: Option<Verb>, screen: Screen) -> ExitCode {
    let mut session = match Session::new(screen) {
        Ok(session) => session,
        Err(error) => {
            let code = error.exit_code();
            return if screen.error(&error).is_ok() { code } else { ExitCode::Internal };
        }
    };
    let ending = verb::run(verb, &mut session);
    let pending = session.pending();
    if session.screen.ending(&ending, pending.as_ref()).is_err() {
        // The output did not arrive, so no item counts as shown.
        session.screen.notice("output was cut off; nothing was marked as read");
        return ExitCode::Internal;
    }
    match ending {
        Ok(Outcome { exit, marks, .. }) => {
            session.confirm(marks);
            exit
        }
        Err(Failure { error, .. }) => error.exit_code(),
    }
}

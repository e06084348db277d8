//! `p2p read`: one message, call, file or question in full, by its handle.

use p2p_ipc::method::{ReadParams, ReadResult};
use p2p_ipc::{ErrorCode, RpcError};

use crate::outcome::{Ending, Outcome};
use crate::session::Session;

/// Arguments of `read`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  p2p read m41\n  p2p read f3 --json")]
pub struct Args {
    /// A message, call, file or question: `m41`, `c7`, `f3`, `q2`
    handle: String,
}

/// Shows the object.
///
/// # Errors
/// Fails if the handle is unknown.
pub fn run(args: &Args, session: &mut Session) -> Ending {
    let handle = args.handle.clone();
    match session.call(&ReadParams { handle })? {
        ReadResult { message: Some(message), .. } => Ok(Outcome::new(message)),
        ReadResult { call: Some(call), .. } => Ok(Outcome::new(call)),
        ReadResult { file: Some(file), .. } => Ok(Outcome::new(file)),
        ReadResult { question: Some(question), .. } => Ok(Outcome::new(question)),
        _ => Err(RpcError::new(ErrorCode::NotFound, format!("there is no {}", args.handle)).into()),
    }
}

//! `p2p verify`: compares the transcripts of both ends of a call.

use std::path::Path;

use p2p_ipc::method::{TranscriptResult, VerifyParams};
use p2p_ipc::view::ComparisonOutcome;
use p2p_ipc::{ErrorCode, ExitCode, RpcError};
use serde::Deserialize;

use crate::input::{self, local, usage};
use crate::outcome::{Ending, Failure, Outcome};
use crate::render::verify::Checked;
use crate::session::Session;

/// The largest export that is read, in bytes.
const EXPORT_LIMIT: usize = 900 * 1024;

/// Arguments of `verify`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  p2p verify c7
  p2p transcript c7 --json > call.json && p2p verify call.json

At the end of a call each end tells the other what it said and what it heard. Exit 0 says that both
have the same, 7 that they have not, 3 that the peer has not said so yet.")]
pub struct Args {
    /// A call (`c7`), or a file that `transcript --json` wrote
    what: String,
}

/// Checks a call or an exported transcript.
///
/// # Errors
/// Fails if the two ends differ, if the file is not a transcript that p2p exported, or if the
/// daemon refuses the request.
pub fn run(args: &Args, session: &mut Session) -> Ending {
    let path = Path::new(&args.what);
    let params = if path.exists() {
        export(path)?
    } else {
        if args.what.contains(['/', '.']) {
            return Err(local(format!("there is no file {:?}", args.what))
                .hint("p2p calls")
                .into());
        }
        VerifyParams { call: args.what.clone(), messages: None, files: Vec::new(), outgoing: None }
    };
    let checked = session.call(&params)?;
    let (outcome, handle) = (checked.comparison.outcome, checked.call.handle.clone());
    let shown = Checked(checked);
    match outcome {
        ComparisonOutcome::Same => Ok(Outcome::new(shown)),
        ComparisonOutcome::Unconfirmed => Ok(Outcome::new(shown).exit(ExitCode::NothingYet)),
        ComparisonOutcome::Different => {
            let message = format!("the two ends of {handle} have different transcripts");
            let error = RpcError::new(ErrorCode::TranscriptsDiffer, message);
            Err(Failure::with(error.hint(format!("p2p transcript {handle}")), shown))
        }
    }
}

fn export(path: &Path) -> Result<VerifyParams, RpcError> {
    /// The envelope that `--json` prints.
    #[derive(Deserialize)]
    struct Envelope {
        result: TranscriptResult,
    }
    let bytes = input::file_within(path, EXPORT_LIMIT)?;
    let Envelope { result } = serde_json::from_slice(&bytes).map_err(|e| {
        usage(format!("{} is no transcript in JSON: {e}", path.display()))
            .hint("p2p transcript <call> --json")
    })?;
    if (result.messages.len() as u64) < u64::from(result.total) {
        return Err(usage(format!("{} is only the tail of a transcript", path.display()))
            .hint(format!("p2p transcript {} --json", result.call.handle)));
    }
    let TranscriptResult { call, messages, files, .. } = result;
    Ok(VerifyParams {
        call: call.id,
        messages: Some(messages),
        files,
        outgoing: Some(call.outgoing),
    })
}

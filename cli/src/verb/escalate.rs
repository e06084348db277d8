//! `p2p escalate`: asks the human behind this agent. It returns at once; the answer comes later.

use p2p_ipc::method::Escalate;
use p2p_ipc::{ErrorCode, RpcError};

use crate::input::Words;
use crate::outcome::{Ending, Failure, Outcome};
use crate::session::Session;

/// What `escalate` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  p2p escalate \"Approve 40 EUR for the translation?\" --option yes --option no
  p2p escalate --quiet - <<'EOF'
  A question of several lines, which the peer is not told about.
  EOF

Exit 9 says that nobody was told: ask your human yourself.")]
pub struct Args {
    #[command(flatten)]
    words: Words,
    /// An answer to choose from; may be given several times
    #[arg(long = "option", value_name = "ANSWER")]
    options: Vec<String>,
    /// Do not tell the peer
    #[arg(long)]
    quiet: bool,
    /// Which call, when it is not clear
    #[arg(long)]
    call: Option<String>,
}

/// Asks.
///
/// # Errors
/// `nobody_told` when no channel took the question.
pub fn run(args: &Args, session: &mut Session) -> Ending {
    let question = session.call(&Escalate {
        call: args.call.clone(),
        question: args.words.required("question")?,
        options: args.options.clone(),
        quiet: args.quiet,
    })?;
    if question.told.is_empty() {
        let (why, hint) = if question.failed.is_empty() {
            let why = "no channel to your human is configured".to_owned();
            (why, format!("p2p send --call {} \"<answer>\"", question.call))
        } else {
            let why = format!("it did not get through by {}", question.failed.join(", "));
            (why, "p2p daemon logs".to_owned())
        };
        let error = RpcError::new(
            ErrorCode::NobodyTold,
            format!("{} reached nobody: {why}; tell your human yourself", question.handle),
        )
        .hint(hint);
        return Err(Failure::with(error, question));
    }
    Ok(Outcome::new(question))
}

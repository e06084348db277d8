//! `p2p escalate`: asks the human behind this agent. It returns at once; the answer comes later.

use p2p_ipc::method::Escalate;
use p2p_ipc::{ErrorCode, RpcError};

use crate::input::Words;
use crate::outcome::{Ending, Failure, Outcome, Waiting};
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
        let error = RpcError::new(
            ErrorCode::NobodyTold,
            format!("{} reached nobody: no channel to your human is configured", question.handle),
        )
        .hint("tell your human yourself, and go on with the answer");
        return Err(Failure::with(error, question));
    }
    Ok(Outcome::new(question).waiting(Waiting::BesidesQuestions))
}

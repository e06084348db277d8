//! `p2p escalate`: asks the human behind this agent, and may wait for the answer.

use p2p_ipc::method::{EscalateParams, FollowQuestionParams, InboxParams, OwnerParams, ReadMark};
use p2p_ipc::view::{ItemKind, QuestionState, QuestionView};
use p2p_ipc::{ErrorCode, RpcError};

use crate::input::Words;
use crate::outcome::{Ending, Failure, Outcome, PendingLine};
use crate::render::question::Asked;
use crate::session::Session;
use p2p_client::follow::Waits;
use p2p_client::wait::Waited;
use p2p_client::wait::{WaitClock, WaitReport, ms};

/// Arguments of `escalate`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  p2p escalate \"Approve 40 EUR for the translation?\" --option yes --option no
  p2p escalate \"Approve 40 EUR?\" --option yes --option no --wait 25
  p2p escalate --quiet - <<'EOF'
  A question of several lines, which the peer is not told about.
  EOF

With --wait, exit 0 comes with the answer, and exit 3 says that there is none yet: p2p wait --for
reply shows it when it comes. Exit 9 says that nobody was told: ask your human yourself.")]
pub struct Args {
    #[command(flatten)]
    words: Words,
    /// An answer to choose from; may be given several times
    #[arg(long = "option", value_name = "ANSWER")]
    options: Vec<String>,
    /// Do not tell the peer
    #[arg(long)]
    quiet: bool,
    /// The call, if more than one is open
    #[arg(long)]
    call: Option<String>,
    /// Seconds to wait for the answer
    #[arg(long, value_name = "SECS")]
    wait: Option<u64>,
}

/// Asks the question, and waits for the answer if told to.
///
/// # Errors
/// `nobody_told` if no channel took the question; `call_ended` if the call ended first.
pub fn run(args: &Args, session: &mut Session) -> Ending {
    let mut question = session.call(&EscalateParams {
        call: args.call.clone(),
        question: args.words.required("question")?,
        options: args.options.clone(),
        quiet: args.quiet,
    })?;
    let mut waiting = None;
    if let Some(wait_s) = args.wait.filter(|_| may_be_answered(&question)) {
        session.screen.progress(&format!("{} asked …", question.handle));
        let clock = WaitClock::start(wait_s);
        let interrupted = follow(&mut question, clock, session)?;
        let reached = question.answer.is_some();
        waiting = Some(WaitReport { interrupted, ..clock.report(reached) });
    }
    let error = match question.state {
        QuestionState::Answered => None,
        QuestionState::Closed => Some(closed(&question)),
        QuestionState::Open if question.notified.is_empty() => {
            let owned = !session.call(&OwnerParams::default())?.owners.is_empty();
            Some(nobody_told(&question, owned))
        }
        QuestionState::Open => None,
    };
    let answered = question.answer.is_some();
    let marks = if answered { marks(&question, session)? } else { Vec::new() };
    let shown = Asked::new(question, waiting);
    match error {
        Some(error) => Err(Failure::with(error, shown)),
        None => Ok(Outcome::new(shown)
            .reached(answered || waiting.is_none())
            .pending_line(PendingLine::Read(u32::try_from(marks.len()).unwrap_or(u32::MAX)))
            .marks(marks)),
    }
}

/// Returns true if the human was told, or may still be.
fn may_be_answered(question: &QuestionView) -> bool {
    !question.notified.is_empty() || !question.notifying.is_empty()
}

/// Waits until the question is no longer open or the time is up; true if a signal ended the wait.
fn follow(
    question: &mut QuestionView,
    clock: WaitClock,
    session: &mut Session,
) -> Result<bool, RpcError> {
    while question.state == QuestionState::Open {
        let Some(slice) = clock.slice() else { break };
        let params = FollowQuestionParams { question: question.handle.clone(), wait_ms: ms(slice) };
        match session.wait(params, slice)? {
            Waited::Answer(now) => *question = now,
            Waited::Interrupted => return Ok(true),
        }
    }
    Ok(false)
}

/// Returns the marks for the answer: its item in the inbox, if no unread item stands
/// before it in the call. Otherwise the inbox shows the answer once more.
fn marks(question: &QuestionView, session: &mut Session) -> Result<Vec<ReadMark>, RpcError> {
    let reader = session.reader.clone();
    let call = Some(question.call.clone());
    let first = session.call(&InboxParams { reader, call, limit: 1, ..InboxParams::default() })?;
    let is_it = first.items.first().is_some_and(|item| {
        let about = item.question.as_ref().map(|question| &question.handle);
        item.kind == ItemKind::Reply && about == Some(&question.handle)
    });
    Ok(if is_it { first.marks } else { Vec::new() })
}

fn nobody_told(question: &QuestionView, owned: bool) -> RpcError {
    let (why, hint) = if !question.notifying.is_empty() {
        let why = format!("{} is still being tried", question.notifying.join(", "));
        (why, "p2p questions".to_owned())
    } else if !question.failed.is_empty() {
        let why = format!("it did not get through by {}", question.failed.join(", "));
        (why, "p2p daemon logs".to_owned())
    } else if owned {
        ("your human hears no questions for now (/mute)".to_owned(), "p2p owner".to_owned())
    } else {
        let why = "nobody owns this agent, and no other channel is configured".to_owned();
        (why, "p2p owner pair".to_owned())
    };
    let message = format!("{} reached nobody: {why}; tell your human yourself", question.handle);
    RpcError::new(ErrorCode::NobodyTold, message).hint(hint)
}

fn closed(question: &QuestionView) -> RpcError {
    let QuestionView { handle, call, .. } = question;
    let message = format!("{call} ended before {handle} was answered");
    RpcError::new(ErrorCode::CallEnded, message).hint(format!("p2p transcript {call}"))
}

//! `p2p send`: a message in a call, with a wait for a receipt or the reply.

use clap::ValueEnum;
use p2p_ipc::method::{
    FollowMessageResult, InboxParams, InboxResult, ReadMark, SendParams, SendResult,
};
use p2p_ipc::view::ItemView;

use crate::input::Words;
use crate::outcome::{Ending, Failure, Outcome, PendingLine};
use crate::render::inbox::SentMessage;
use crate::session::Session;
use crate::verb::inbox::{BYTES_SHOWN, ITEMS_SHOWN};
use crate::wait;
use p2p_client::follow;
use p2p_client::wait::{DEFAULT_WAIT_S, WaitClock};

/// Arguments of `send`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  p2p send \"How far are you?\"
  p2p send --call c7 \"ok\" --until delivered
  p2p send - <<'EOF'
  Text with `quotes` and $(anything): a quoted heredoc runs none of it.
  EOF

With --until, exit 3 says that the time is up: {\"reached\":false} in JSON, and no error. The
message stays sent; the same text within two minutes is the same message.")]
pub struct Args {
    #[command(flatten)]
    pub words: Words,
    /// The call, if more than one is open
    #[arg(long)]
    pub call: Option<String>,
    /// Send even if the same text was sent within two minutes
    #[arg(long)]
    pub again: bool,
    #[command(flatten)]
    pub follow: Follow,
    /// True if the verb was `request`
    #[arg(skip)]
    pub request: bool,
}

/// Options for waiting after a message was sent.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub struct Follow {
    /// Wait until the message is sent, delivered, read or answered
    #[arg(long, value_enum)]
    pub until: Option<Until>,
    /// Seconds to wait [default: 25; without --until: for delivered]
    #[arg(long, value_name = "SECS")]
    pub wait: Option<u64>,
}

/// Milestones of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Until {
    /// At least one relay took it
    Sent,
    /// The peer's daemon stored it
    Delivered,
    /// The peer's agent was shown it
    Read,
    /// The peer wrote after it
    Reply,
}

impl From<Until> for p2p_ipc::method::Milestone {
    fn from(until: Until) -> Self {
        match until {
            Until::Sent => Self::Sent,
            Until::Delivered => Self::Delivered,
            Until::Read => Self::Read,
            Until::Reply => Self::Reply,
        }
    }
}

/// Sends the message.
///
/// # Errors
/// Fails if the daemon refuses the request, or if the milestone cannot be reached any more.
pub fn run(args: &Args, session: &mut Session) -> Ending {
    let text = args.words.required("text")?;
    let (call, again) = (args.call.clone(), args.again);
    let sent = session.call(&SendParams { call, text, again, request: args.request })?;
    follow(args.follow, sent, session)
}

/// Waits for the requested milestone of a sent message, and shows the reply.
///
/// # Errors
/// Fails if the milestone cannot be reached any more.
pub fn follow(follow: Follow, sent: SendResult, session: &mut Session) -> Ending {
    let SendResult { message, call, repeated } = sent;
    let until = match (follow.until, follow.wait) {
        (Some(until), _) => Some(until.into()),
        (None, Some(_)) => Some(p2p_ipc::method::Milestone::Delivered),
        (None, None) => None,
    };
    let mut shown = SentMessage {
        message,
        call,
        repeated,
        until,
        reached: None,
        waiting: None,
        reply: Vec::new(),
        remaining: 0,
    };
    let Some(until) = until else { return Ok(Outcome::new(shown)) };
    let known = FollowMessageResult { message: shown.message, reached: false, call: shown.call };
    let wait_s = follow.wait.unwrap_or(DEFAULT_WAIT_S);
    let clock = WaitClock::start(wait_s);
    let (known, waiting) = follow::follow_message(session, known, until, clock)?;
    let hopeless = wait::hopeless(&known, until);
    shown.message = known.message;
    shown.call = known.call;
    shown.reached = Some(waiting.reached);
    shown.waiting = Some(waiting);
    if let Some(error) = hopeless {
        return Err(Failure::with(error, shown));
    }
    let mut marks = Vec::new();
    if waiting.reached && until == p2p_ipc::method::Milestone::Reply {
        (shown.reply, marks, shown.remaining) = reply(&shown, session)?;
    }
    let outcome = Outcome::new(shown).reached(waiting.reached);
    if marks.is_empty() {
        return Ok(outcome);
    }
    Ok(outcome
        .pending_line(PendingLine::Read(u32::try_from(marks.len()).unwrap_or(u32::MAX)))
        .marks(marks))
}

/// Returns the unread items in the conversation that the message belongs to.
fn reply(
    shown: &SentMessage,
    session: &mut Session,
) -> Result<(Vec<ItemView>, Vec<ReadMark>, u32), Failure> {
    let InboxResult { items, marks, remaining, .. } = session.call(&InboxParams {
        reader: session.reader.clone(),
        call: shown.message.call.clone(),
        last: None,
        limit: ITEMS_SHOWN,
        max_bytes: BYTES_SHOWN,
    })?;
    if shown.message.call.is_some() {
        return Ok((items, marks, remaining));
    }
    // Direct messages belong to no call: unread items of other peers stay unread.
    let peer = &shown.message.peer.hex;
    let is_theirs = |item: &ItemView| {
        item.message.as_ref().is_some_and(|m| m.call.is_none() && m.peer.hex == *peer)
    };
    let (items, marks) = items.into_iter().zip(marks).filter(|(item, _)| is_theirs(item)).unzip();
    Ok((items, marks, 0))
}

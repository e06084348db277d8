//! `p2p call`: places a call, or finds the one that is open, and may wait for the answer.

use std::path::PathBuf;

use p2p_ipc::method::CallParams;

use crate::input::{self, OPENING_LIMIT, TOPIC_LIMIT};
use crate::outcome::{Ending, Failure, Outcome};
use crate::render::call::Placed;
use crate::session::Session;
use crate::verb::sendfile;
use crate::wait;
use p2p_client::follow;
use p2p_client::wait::WaitClock;

/// Arguments of `call`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  p2p call bob \"Translate docs/de.md\"
  p2p call npub1x7kabcdefg \"API question\" --wait 20 --note \"issue 12\"
  p2p call bob \"Review\" --file diff.patch -m - <<'EOF'
  Please look at the second hunk.
  EOF
  p2p call npub1x7kabcdefg \"Review\" --invite p2pi1qqqq
  p2p call --back c7

The same agent and topic again return the call that is open. With --wait, exit 3 says that it
still rings: {\"reached\":false} in JSON, and no error.")]
pub struct Args {
    /// A contact's name, an npub, 64 hex digits, or a key that `list` showed
    #[arg(required_unless_present = "back")]
    agent: Option<String>,
    /// The topic, at most 200 bytes
    #[arg(required_unless_present = "back")]
    topic: Option<String>,
    /// The opening message; `-` reads it from stdin
    #[arg(
        short,
        long,
        value_name = "TEXT",
        allow_hyphen_values = true,
        conflicts_with = "text_file"
    )]
    message: Option<String>,
    /// Read the opening message from a file
    #[arg(long, value_name = "PATH")]
    text_file: Option<PathBuf>,
    /// Send a file along
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
    /// A note to yourself about why you call; never sent
    #[arg(long)]
    note: Option<String>,
    /// Seconds to wait for the answer
    #[arg(long, value_name = "SECS")]
    wait: Option<u64>,
    /// Seconds to ring before giving up
    #[arg(long, value_name = "SECS")]
    ring: Option<u64>,
    /// Call back the caller of this earlier call, with the same topic
    #[arg(long, value_name = "CALL")]
    back: Option<String>,
    /// A token from the callee: lets you ring like a contact
    #[arg(long, value_name = "TOKEN")]
    invite: Option<String>,
    /// Place another call, even if one with this topic is open
    #[arg(long)]
    new: bool,
}

/// Places the call.
///
/// # Errors
/// Fails if the daemon refuses the request, or if the call ends during the wait.
pub fn run(args: &Args, session: &mut Session) -> Ending {
    let (text, from) = (args.message.as_deref(), args.text_file.as_deref());
    let message = input::read(text, from, "opening message", OPENING_LIMIT)?;
    let file = args.file.as_deref().map(sendfile::Source::of).transpose()?;
    let (agent, topic) = whom(args, session)?;
    input::within(&topic, "topic", TOPIC_LIMIT)?;
    let clock = args.wait.map(WaitClock::start);
    let placed = session.call(&CallParams {
        agent,
        topic,
        message,
        note: args.note.clone(),
        new: args.new,
        ring_s: args.ring,
        invite: args.invite.clone(),
        wait_ms: args.wait.map(|seconds| seconds.saturating_mul(1000)),
    })?;
    let (call, new, accepted) = (placed.call, placed.created, placed.accepted);
    if clock.is_some() {
        session.screen.progress(&Placed::opening(&call, new, accepted));
    }
    let file =
        file.map(|file| session.call(&file.params(Some(call.handle.clone())))).transpose()?;
    let shown = Placed {
        call,
        created: new,
        accepted,
        message: placed.message,
        file,
        reached: None,
        waiting: None,
    };
    let Some(clock) = clock else { return Ok(Outcome::new(shown)) };
    let (call, waiting) = wait::follow_call(session, shown.call, clock)?;
    let over = follow::is_over(&call).then(|| wait::ended(&call));
    let reached = waiting.reached;
    let shown = Placed { call, reached: Some(reached), waiting: Some(waiting), ..shown };
    match over {
        Some(error) => Err(Failure::with(error, shown)),
        None => Ok(Outcome::new(shown).reached(reached)),
    }
}

/// Returns the callee and the topic; `--back` takes both from an earlier call.
fn whom(args: &Args, session: &mut Session) -> Result<(String, String), Failure> {
    let given = (args.agent.clone(), args.topic.clone());
    let Some(back) = &args.back else {
        return Ok((given.0.unwrap_or_default(), given.1.unwrap_or_default()));
    };
    let earlier = session.find_call(back)?;
    Ok((given.0.unwrap_or(earlier.peer.npub), given.1.unwrap_or(earlier.topic)))
}

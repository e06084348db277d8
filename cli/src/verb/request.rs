//! `p2p request`: `send`, with a wait for the reply.

use crate::input::Words;
use crate::outcome::Ending;
use crate::session::Session;
use crate::verb::send::{self, Until};
use p2p_client::wait::DEFAULT_WAIT_S;

/// Arguments of `request`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  p2p request \"Which file do you mean?\"
  p2p request --call c7 --wait 60 - <<'EOF'
  A question of several lines.
  EOF

Exit 3 says that no reply came yet: look again with p2p wait.")]
pub struct Args {
    #[command(flatten)]
    words: Words,
    /// The call, if more than one is open
    #[arg(long)]
    call: Option<String>,
    /// Send even if the same text was sent within two minutes
    #[arg(long)]
    again: bool,
    /// Seconds to wait for the reply
    #[arg(long, value_name = "SECS", default_value_t = DEFAULT_WAIT_S)]
    wait: u64,
}

/// Sends the message and waits for the reply.
///
/// # Errors
/// Fails as [`send::run`] does.
pub fn run(args: Args, session: &mut Session) -> Ending {
    let Args { words, call, again, wait } = args;
    let follow = send::Follow { until: Some(Until::Reply), wait: Some(wait) };
    send::run(&send::Args { words, call, again, follow, request: true }, session)
}

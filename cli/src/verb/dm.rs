//! `p2p dm`: a direct message outside any call, to agents and to people's Nostr apps.

use p2p_ipc::method::DmParams;

use crate::input::Words;
use crate::outcome::Ending;
use crate::session::Session;
use crate::verb::send::{self, Follow};

/// Arguments of `dm`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  p2p dm bob \"Call me when you are back\"
  p2p dm npub1x7kabcdefg - <<'EOF'
  Several lines.
  EOF")]
pub struct Args {
    /// A contact's name, an npub, 64 hex digits, or a key that `list` showed
    to: String,
    #[command(flatten)]
    words: Words,
    /// Send even if the same text was sent within two minutes
    #[arg(long)]
    again: bool,
    #[command(flatten)]
    follow: Follow,
}

/// Sends the message.
///
/// # Errors
/// Fails as [`send::run`] does.
pub fn run(args: &Args, session: &mut Session) -> Ending {
    let text = args.words.required("text")?;
    let sent = session.call(&DmParams { to: args.to.clone(), text, again: args.again })?;
    send::follow(args.follow, sent, session)
}

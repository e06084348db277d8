//! `p2p transcript`: the messages of a call, in whole.

use clap::{ValueEnum, value_parser};

use crate::input::usage;
use crate::outcome::{Ending, Outcome};
use crate::render::transcript::Transcript;
use crate::session::Session;

/// What `transcript` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  p2p transcript
  p2p transcript c7 --tail 20
  p2p transcript c7 --format markdown > call.md")]
pub struct Args {
    /// Which call; the only or newest one when left out
    call: Option<String>,
    /// Text, Markdown, or the JSON of --json
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Show only this many of the newest messages, and their files
    #[arg(long, value_name = "COUNT", value_parser = value_parser!(u32).range(1..))]
    tail: Option<u32>,
}

/// How to write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Markdown,
}

/// Reads it page by page.
///
/// # Errors
/// When two forms are asked for, and the daemon's.
pub fn run(args: &Args, session: &mut Session) -> Ending {
    if session.screen.json && args.format == Format::Markdown {
        return Err(usage("--json and --format markdown are two forms of one output: choose one")
            .hint("p2p transcript --format markdown > call.md")
            .into());
    }
    session.screen.json |= args.format == Format::Json;
    let mut params =
        p2p_ipc::method::TranscriptParams { call: args.call.clone(), after: None, tail: args.tail };
    let mut first = session.call(&params)?;
    let mut next = first.next.take();
    params.call = Some(first.call.handle.clone());
    let mut whole = Transcript::new(first, args.format == Format::Markdown);
    while let Some(after) = next {
        params.after = Some(after.clone());
        let page = session.call(&params)?;
        // A page that leads nowhere must not be asked for again and again.
        next = page.next.filter(|next| *next != after && !page.messages.is_empty());
        whole.messages.extend(page.messages);
    }
    Ok(Outcome::new(whole))
}

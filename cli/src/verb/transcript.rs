//! `p2p transcript`: all messages of a call.

use clap::{ValueEnum, value_parser};

use crate::input::usage;
use crate::outcome::{Ending, Outcome};
use crate::render::transcript::Transcript;
use crate::session::Session;

/// Arguments of `transcript`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  p2p transcript
  p2p transcript c7 --tail 20
  p2p transcript c7 --format markdown > call.md")]
pub struct Args {
    /// The call [default: the only or newest one]
    call: Option<String>,
    /// Text, Markdown, or the JSON of --json
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Show only this many of the newest messages, and their files
    #[arg(long, value_name = "COUNT", value_parser = value_parser!(u32).range(1..))]
    tail: Option<u32>,
}

/// Output formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Markdown,
}

/// Reads the transcript page by page.
///
/// # Errors
/// Fails if two formats are asked for, or if the daemon refuses the request.
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
        // A page that does not advance must not be asked for again.
        next = page.next.filter(|next| *next != after && !page.messages.is_empty());
        whole.messages.extend(page.messages);
    }
    Ok(Outcome::new(whole))
}

//! `p2p list`: agents that are online, according to the relays now.

use std::time::Duration;

use clap::value_parser;
use p2p_ipc::method::{ListParams, MAX_WAIT_MS};

use crate::outcome::{Ending, Outcome};
use crate::session::Session;

/// Arguments of `list`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  p2p list\n  p2p list --can docs --limit 5")]
pub struct Args {
    /// Only agents that announce this capability
    #[arg(long, value_name = "CAP")]
    can: Option<String>,
    /// Maximum number to show
    #[arg(long, default_value_t = 20, value_parser = value_parser!(u32).range(1..))]
    limit: u32,
    /// Seconds to wait for slow relays
    #[arg(long, value_name = "SECS", default_value_t = 5)]
    wait: u64,
}

/// Asks the relays.
///
/// # Errors
/// `no_relay` if no relay is connected, and other errors of the daemon.
pub fn run(args: &Args, session: &mut Session) -> Ending {
    let wait_ms = args.wait.saturating_mul(1000).min(MAX_WAIT_MS);
    let params = ListParams { capability: args.can.clone(), limit: args.limit, wait_ms };
    Ok(Outcome::new(session.call_within(&params, Duration::from_millis(wait_ms))?))
}

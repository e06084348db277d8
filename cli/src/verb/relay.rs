//! `p2p relay`: a relay on this machine, for tests and for agents that share it. It links the
//! daemon, and therefore runs from `main`.

use clap::builder::PossibleValuesParser;
use p2p_ipc::{ErrorCode, RpcError};

use crate::outcome::Ending;

/// Arguments of `relay`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  p2p relay --port 7777\n  P2P_RELAYS=ws://127.0.0.1:7777 p2p list\n\nPrints its address on the first line, and runs until SIGINT or SIGTERM. It keeps nothing."
)]
pub struct Args {
    /// The port; 0 picks a free one
    #[arg(long, default_value_t = 7777)]
    pub port: u16,
    /// The address to listen on; only this machine can connect
    #[arg(long, default_value = "127.0.0.1", value_parser = PossibleValuesParser::new(["127.0.0.1"]))]
    host: String,
}

/// Returns an error: `main` serves the relay.
///
/// # Errors
/// Always fails.
pub fn run() -> Ending {
    Err(RpcError::new(ErrorCode::Internal, "the relay runs from main").into())
}

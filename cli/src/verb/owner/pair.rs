//! `p2p owner pair`: a code on the terminal, which the human sends to this agent.

use p2p_ipc::method::{OwnerPairParams, OwnerParams, OwnerResult};
use p2p_ipc::view::OwnerView;
use p2p_ipc::{ErrorCode, RpcError};

use crate::outcome::{Ending, Failure, Outcome};
use crate::render::owner::Pairing;
use crate::session::Session;
use p2p_client::follow::Waits;
use p2p_client::wait::Waited;
use p2p_client::wait::{WaitClock, WaitReport, ms};

/// Seconds for which a code is valid.
const PATIENCE_S: u64 = 600;

/// Arguments of `owner pair`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  p2p owner pair
  p2p owner pair npub1x7kabcdefg --wait 120

The human sends the code to this agent from any Nostr app with private messages (NIP-17). It is good
for ten minutes and five tries. Exit 3 says that nobody has sent it yet: p2p owner show tells later.")]
pub struct Args {
    /// Only this key can be paired: an npub or 64 hex digits
    npub: Option<String>,
    /// Seconds to wait for the human [default: 600 on a terminal, otherwise 0]
    #[arg(long, value_name = "SECS")]
    wait: Option<u64>,
}

/// Shows the code, and waits for the human to send it.
///
/// # Errors
/// `owner_only` if this agent has an owner already and there is no terminal.
pub fn run(args: &Args, session: &mut Session) -> Ending {
    let before = session.call(&OwnerParams::default())?;
    let proof = super::proof::ask(&before)?;
    let code = session.call(&OwnerPairParams { only: args.npub.clone(), proof })?;
    let on_terminal = session.screen.is_terminal();
    let wait_s = args.wait.unwrap_or(if on_terminal { PATIENCE_S } else { 0 });
    let mut shown = Pairing::new(code, wait_s > 0, on_terminal);
    if wait_s == 0 {
        return Ok(Outcome::new(shown));
    }
    // Shown before the wait; if stdout belongs to the envelope, the code goes to stderr.
    shown.announce(session.screen);
    let clock = WaitClock::start(wait_s);
    let mut now = before.clone();
    let (mut open, mut interrupted) = (true, false);
    while open && !interrupted {
        let Some(slice) = clock.slice() else { break };
        match session.wait(OwnerParams { wait_ms: ms(slice) }, slice)? {
            Waited::Answer(state) => now = state,
            Waited::Interrupted => interrupted = true,
        }
        open = now.pairing.is_some() || interrupted;
    }
    let paired = newcomer(&before, &now);
    shown.waited(WaitReport { interrupted, ..clock.report(paired.is_some()) }, paired);
    if shown.paired().is_none() && !open {
        let message = "the code has expired: its ten minutes or its tries are used up";
        let error = RpcError::new(ErrorCode::NothingYet, message).hint("p2p owner pair");
        return Err(Failure::with(error, shown));
    }
    let reached = shown.paired().is_some();
    Ok(Outcome::new(shown).reached(reached))
}

/// Returns the owner that was added since `before`.
fn newcomer(before: &OwnerResult, now: &OwnerResult) -> Option<OwnerView> {
    let known = |owner: &&OwnerView| !before.owners.iter().any(|old| old.hex == owner.hex);
    now.owners.iter().find(known).cloned()
}

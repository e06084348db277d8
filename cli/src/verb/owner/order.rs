//! Commands that an owner can give at a terminal: the same as by direct message.

use p2p_ipc::RpcError;
use p2p_ipc::method::{OwnerCommand, OwnerCommandParams, OwnerParams};

use crate::input::Words;
use crate::outcome::{Ending, Outcome};
use crate::session::Session;

/// A command of an owner.
#[derive(Debug, clap::Subcommand)]
pub enum Order {
    /// Answer a question
    #[command(after_help = "Examples:\n  p2p owner answer q2 \"yes\"\n  p2p owner answer q2 1")]
    Answer {
        /// The question: `q2`
        question: String,
        #[command(flatten)]
        words: Words,
    },
    /// Send a message in a call, as the human
    #[command(after_help = "Examples:\n  p2p owner say \"I pay 40 EUR.\" --call c7")]
    Say {
        #[command(flatten)]
        words: Words,
        #[command(flatten)]
        call: Which,
    },
    /// Speak in a call instead of the agent
    #[command(after_help = "Examples:\n  p2p owner takeover --call c7")]
    Takeover(Which),
    /// Hand a call back to the agent
    #[command(after_help = "Examples:\n  p2p owner resume")]
    Resume(Which),
    /// End a call
    #[command(after_help = "Examples:\n  p2p owner end \"That is all\" --call c7")]
    End {
        #[command(flatten)]
        reason: Words,
        #[command(flatten)]
        call: Which,
    },
    /// Stop questions by direct message for a while
    #[command(after_help = "Examples:\n  p2p owner mute 60")]
    Mute {
        /// Minutes to stay mute [default: 8 hours]
        minutes: Option<u64>,
    },
    /// Allow questions by direct message again
    #[command(after_help = "Examples:\n  p2p owner unmute")]
    Unmute,
    /// Let an agent ring
    #[command(after_help = "Examples:\n  p2p owner allow npub1x7kabcdefg")]
    Allow {
        /// A contact or a key
        agent: String,
    },
    /// Drop everything from an agent
    #[command(after_help = "Examples:\n  p2p owner block mallory")]
    Block {
        /// A contact or a key
        agent: String,
    },
    /// Set the policy for strangers
    #[command(after_help = "Examples:\n  p2p owner policy allow-list")]
    Policy {
        /// ask: they knock; allow-list: they cannot ring; open: they ring; closed: no one rings
        #[arg(value_parser = ["ask", "allow-list", "open", "closed"])]
        policy: String,
    },
    /// Remove an owner
    #[command(after_help = "Examples:\n  p2p owner remove npub1x7kabcdefg")]
    Remove {
        /// An owner's npub, or the start of it
        owner: String,
    },
    /// List the open calls, and show if the agent or the human speaks
    #[command(after_help = "Examples:\n  p2p owner calls")]
    Calls,
}

/// The call to act on.
#[derive(Debug, clap::Args)]
pub struct Which {
    /// The call, if more than one is open
    #[arg(long)]
    call: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// `owner_only`, `wrong_proof`, and errors of the daemon.
pub fn run(order: &Order, session: &mut Session) -> Ending {
    let command = kind(order)?;
    let proof = match command {
        OwnerCommand::Calls => None,
        _ => super::proof::ask(&session.call(&OwnerParams::default())?)?,
    };
    Ok(Outcome::new(session.call(&OwnerCommandParams { command, proof })?))
}

fn kind(order: &Order) -> Result<OwnerCommand, RpcError> {
    Ok(match order {
        Order::Answer { question, words } => {
            OwnerCommand::Answer { question: question.clone(), text: words.required("answer")? }
        }
        Order::Say { words, call } => {
            OwnerCommand::Say { call: call.call.clone(), text: words.required("text")? }
        }
        Order::Takeover(call) => OwnerCommand::Takeover { call: call.call.clone() },
        Order::Resume(call) => OwnerCommand::Resume { call: call.call.clone() },
        Order::End { reason, call } => OwnerCommand::End {
            call: call.call.clone(),
            reason: reason.optional("reason", p2p_ipc::TEXT_LIMIT)?,
        },
        Order::Mute { minutes } => OwnerCommand::Mute { minutes: *minutes },
        Order::Unmute => OwnerCommand::Unmute,
        Order::Allow { agent } => OwnerCommand::Allow { agent: agent.clone() },
        Order::Block { agent } => OwnerCommand::Block { agent: agent.clone() },
        Order::Policy { policy } => OwnerCommand::Policy { policy: policy.clone() },
        Order::Remove { owner } => OwnerCommand::Remove { owner: owner.clone() },
        Order::Calls => OwnerCommand::Calls,
    })
}

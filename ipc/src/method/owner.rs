//! `owner`: methods that only an owner may use, or that are about owners.
//!
//! The socket carries the agent's authority, so each of these needs a proof: the owner's
//! passphrase, or a one-time code that an owner got by direct message. Reading needs no proof,
//! and while nobody owns the agent, neither do pairing, policy and a first passphrase.

use serde::{Deserialize, Serialize};

use crate::view::{NotifierView, OwnerView, PairingView};

/// Requests the owners of this agent.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct OwnerParams {
    /// Maximum wait for the open pairing to finish, in milliseconds; answers at once when left out.
    #[serde(default)]
    pub wait_ms: u64,
}

/// The answer to [`OwnerParams`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerResult {
    /// The owners.
    pub owners: Vec<OwnerView>,
    /// The open pairing.
    pub pairing: Option<PairingView>,
    /// True if a passphrase is set.
    pub passphrase: bool,
    /// The policy for strangers: `ask`, `allow-list`, `open` or `closed`.
    pub policy: String,
    /// The configured notifiers of the owner and the agent.
    #[serde(default)]
    pub notifiers: Vec<NotifierView>,
}

/// Begins to pair an owner.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct OwnerPairParams {
    /// Only this key, as npub or 64 hex digits.
    pub only: Option<String>,
    /// The proof; needed if the agent already has an owner.
    pub proof: Option<String>,
}

/// The answer to [`OwnerPairParams`].
#[derive(Clone, Serialize, Deserialize)]
pub struct PairingCode {
    /// `K7QX-3M9P`: the human sends this code to the agent.
    pub code: String,
    /// Time at which the code expires.
    pub expires_ms: u64,
    /// The npub to send the code to.
    pub npub: String,
    /// The same npub for a phone's camera: `nostr:npub…` (NIP-21).
    pub uri: String,
}

/// An owner's command at a terminal; the same commands exist in direct messages.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum OwnerCommand {
    /// Answer a question.
    Answer {
        /// `q2`.
        question: String,
        /// The answer's text, an option, or an option's number.
        text: String,
    },
    /// List the open calls: needs no proof.
    Calls,
    /// Speak in a call, as the human.
    Say {
        /// `c7` or the UUID; may be left out when one call is open.
        call: Option<String>,
        /// The message.
        text: String,
    },
    /// Speak in a call instead of the agent.
    Takeover {
        /// As in [`OwnerCommand::Say`].
        call: Option<String>,
    },
    /// Hand a call back to the agent.
    Resume {
        /// May be left out when one call is taken over.
        call: Option<String>,
    },
    /// End a call.
    End {
        /// As in [`OwnerCommand::Say`].
        call: Option<String>,
        /// A closing message for the peer.
        reason: Option<String>,
    },
    /// Send the owner no questions and no messages from calls for a while.
    Mute {
        /// Minutes; eight hours when left out.
        minutes: Option<u64>,
    },
    /// Send the owner questions and messages again.
    Unmute,
    /// Let an agent ring.
    Allow {
        /// As in [`CallParams::agent`](super::CallParams::agent).
        agent: String,
    },
    /// Drop everything from an agent.
    Block {
        /// As in [`CallParams::agent`](super::CallParams::agent).
        agent: String,
    },
    /// Set the policy for strangers.
    Policy {
        /// `ask`, `allow-list`, `open` or `closed`.
        policy: String,
    },
    /// Remove an owner.
    Remove {
        /// An owner's npub, or its beginning.
        owner: String,
    },
}

/// Carries out an owner's command.
#[derive(Clone, Serialize, Deserialize)]
pub struct OwnerCommandParams {
    /// The command.
    #[serde(flatten)]
    pub command: OwnerCommand,
    /// The proof that an owner gives it.
    pub proof: Option<String>,
}

/// The answer to [`OwnerCommandParams`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerCommandResult {
    /// The same text as the reply to a direct message: a peer's lines in it begin with `│ `.
    pub text: String,
}

/// Sets, changes or removes the passphrase.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct PassphraseParams {
    /// The proof; needed if there is an owner or a passphrase.
    pub proof: Option<String>,
    /// The new passphrase; removes the present one when left out.
    pub new: Option<String>,
}

/// Hides proofs, codes and an owner's messages from logs.
macro_rules! hide {
    ($($name:ident),*) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )*};
}
hide!(OwnerPairParams, PairingCode, OwnerCommand, OwnerCommandParams, PassphraseParams);

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_command_is_named_beside_its_proof_and_debug_shows_neither() {
        let command = OwnerCommand::Answer { question: "q2".into(), text: "yes".into() };
        let params = OwnerCommandParams { command, proof: Some("secret".into()) };
        let line = json!({"command": "answer", "question": "q2", "text": "yes", "proof": "secret"});
        assert_eq!(serde_json::to_value(&params).unwrap(), line);
        let unmute: OwnerCommandParams =
            serde_json::from_value(json!({"command": "unmute"})).unwrap();
        assert!(unmute.command == OwnerCommand::Unmute && unmute.proof.is_none());
        assert_eq!(format!("{params:?}"), "OwnerCommandParams");
    }
}

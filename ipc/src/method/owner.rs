//! The methods that only an owner may use, or that are about owners.
//!
//! The socket carries the agent's authority, so each of these wants a proof: the owner's
//! passphrase, or a one-time code that an owner got by direct message. What only reads wants none,
//! and until somebody owns the agent, neither do pairing, policy and a first passphrase.

use serde::{Deserialize, Serialize};

use crate::view::{Channel, Owner, Pairing};

/// Asks who owns this agent.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct OwnerShow {
    /// How long to wait for the pairing that is open to be over; answers at once when left out.
    #[serde(default)]
    pub wait_ms: u64,
}

/// The answer to [`OwnerShow`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerState {
    /// Whose word counts.
    pub owners: Vec<Owner>,
    /// The pairing that is open.
    pub pairing: Option<Pairing>,
    /// Whether a passphrase was set.
    pub passphrase: bool,
    /// What strangers may do: `ask`, `allow-list`, `open` or `closed`.
    pub policy: String,
    /// How else we tell them, and the agent.
    #[serde(default)]
    pub channels: Vec<Channel>,
}

/// Begins to pair an owner.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct OwnerPair {
    /// Only this key, as npub or 64 hex digits.
    pub only: Option<String>,
    /// Needed where somebody owns the agent already.
    pub proof: Option<String>,
}

/// The answer to [`OwnerPair`].
#[derive(Clone, Serialize, Deserialize)]
pub struct PairingCode {
    /// `K7QX-3M9P`: what the human sends to this agent.
    pub code: String,
    /// Until when it is good.
    pub until_ms: u64,
    /// Where to send it.
    pub npub: String,
    /// The same for a phone's camera: `nostr:npub…` (NIP-21).
    pub uri: String,
}

/// What an owner can want at a terminal; by direct message it is the same.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum OrderKind {
    /// Answer a question.
    Answer {
        /// `q2`.
        question: String,
        /// The words, an option, or its number.
        text: String,
    },
    /// The calls that are open: needs no proof.
    Calls,
    /// Speak in a call, as the human.
    Say {
        /// `c7` or the UUID; may be left out when one call is open.
        call: Option<String>,
        /// The words.
        text: String,
    },
    /// Speak in a call instead of the agent.
    Takeover {
        /// As in [`OrderKind::Say`].
        call: Option<String>,
    },
    /// Hand a call back.
    Resume {
        /// May be left out when one call is taken over.
        call: Option<String>,
    },
    /// End a call.
    End {
        /// As in [`OrderKind::Say`].
        call: Option<String>,
        /// A closing word for the peer.
        reason: Option<String>,
    },
    /// No questions and no words of peers by direct message for a while.
    Mute {
        /// For how long; eight hours when left out.
        minutes: Option<u64>,
    },
    /// Again from now on.
    Unmute,
    /// Let an agent ring.
    Allow {
        /// As in [`super::PlaceCall::agent`].
        agent: String,
    },
    /// Drop everything from an agent.
    Block {
        /// As in [`super::PlaceCall::agent`].
        agent: String,
    },
    /// What strangers may do.
    Policy {
        /// `ask`, `allow-list`, `open` or `closed`.
        policy: String,
    },
    /// This key is no owner any more.
    Remove {
        /// An owner's npub, or how it begins.
        owner: String,
    },
}

/// Does what an owner wants.
#[derive(Clone, Serialize, Deserialize)]
pub struct OwnerOrder {
    /// What.
    #[serde(flatten)]
    pub order: OrderKind,
    /// That an owner wants it.
    pub proof: Option<String>,
}

/// The answer to [`OwnerOrder`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerTold {
    /// What a direct message would have been answered: a peer's lines in it begin with `│ `.
    pub text: String,
}

/// Sets, changes or removes the passphrase.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct SetPassphrase {
    /// Needed where there is an owner or a passphrase.
    pub proof: Option<String>,
    /// The new one; nothing removes it.
    pub new: Option<String>,
}

/// Waits until a question is answered, or will not be.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FollowQuestion {
    /// `q2`.
    pub question: String,
    /// How long.
    pub wait_ms: u64,
}

/// Proofs, codes and an owner's words are nobody's business in a log.
macro_rules! hide {
    ($($name:ident),*) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )*};
}
hide!(OwnerPair, PairingCode, OrderKind, OwnerOrder, SetPassphrase);

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_order_names_what_to_do_beside_its_proof() {
        let order = OrderKind::Answer { question: "q2".into(), text: "yes".into() };
        let order = OwnerOrder { order, proof: Some("secret".into()) };
        let line = json!({"do": "answer", "question": "q2", "text": "yes", "proof": "secret"});
        assert_eq!(serde_json::to_value(&order).unwrap(), line);
        let unmute: OwnerOrder = serde_json::from_value(json!({"do": "unmute"})).unwrap();
        assert!(unmute.order == OrderKind::Unmute && unmute.proof.is_none());
        assert_eq!(format!("{order:?}"), "OwnerOrder");
    }
}

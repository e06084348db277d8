//! What can go wrong, in words that an agent can branch on: one table of codes and exit codes.

use serde::{Deserialize, Serialize};

/// The exit codes of `p2p`. They are a promise: an agent branches on them without reading prose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ExitCode {
    /// It worked.
    Ok = 0,
    /// A fault of ours.
    Internal = 1,
    /// The command line was wrong.
    Usage = 2,
    /// Nothing came within the wait: not a failure, look again later.
    NothingYet = 3,
    /// The daemon is not there and could not be started.
    NoDaemon = 4,
    /// No relay is connected.
    NoRelay = 5,
    /// Which one is meant is not clear, or there is none such.
    Which = 6,
    /// The peer said no.
    PeerSaidNo = 7,
    /// The peer was not reached.
    NotReached = 8,
    /// Policy or the owner refused it, or nobody was told.
    Refused = 9,
}

impl ExitCode {
    /// The number that the process exits with.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }
}

/// Declares the error codes once: the name on the wire, the exit code, and whether the same
/// command may succeed later without being changed.
macro_rules! error_codes {
    ($($(#[$doc:meta])* $name:ident => $text:literal, $exit:ident, $retryable:literal;)*) => {
        /// A stable, machine-readable name of an error.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum ErrorCode {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl ErrorCode {
            /// Every code, in the order of the table.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$name),*];

            /// The name on the wire, `snake_case`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(ErrorCode::$name => $text,)* }
            }

            /// What `p2p` exits with when a command ends in this error.
            #[must_use]
            pub const fn exit_code(self) -> ExitCode {
                match self { $(ErrorCode::$name => ExitCode::$exit,)* }
            }

            /// Whether the same command may work later as it stands.
            #[must_use]
            pub const fn retryable(self) -> bool {
                match self { $(ErrorCode::$name => $retryable,)* }
            }
        }
    };
}

error_codes! {
    /// A fault of ours; the log says more.
    Internal => "internal", Internal, true;
    /// The store could not be written: nothing was sent.
    StoreFailed => "store_failed", Internal, true;
    /// The arguments do not fit.
    Usage => "usage", Usage, false;
    /// A line, a text, a name or a topic is too long.
    TooLarge => "too_large", Usage, false;
    /// A file on this machine could not be read or written.
    LocalFile => "local_file", Usage, false;
    /// The configuration is wrong.
    Config => "config", Usage, false;
    /// The identity file cannot be read or is not an identity.
    Identity => "identity", Usage, false;
    /// `P2P_*` variables differ from those that the running daemon was started with.
    EnvDiffers => "env_differs", Usage, false;
    /// The method is not known.
    UnknownMethod => "unknown_method", Usage, false;
    /// The line is no JSON-RPC request.
    BadRequest => "bad_request", Usage, false;
    /// No entry of the event log has this number, or it is gone.
    Cursor => "cursor", Usage, false;
    /// Client and daemon share no protocol version.
    Version => "version", NoDaemon, false;
    /// Nothing came within the wait.
    NothingYet => "nothing_yet", NothingYet, true;
    /// No daemon answers on the socket.
    NoDaemon => "no_daemon", NoDaemon, true;
    /// The daemon died again and again when it was started.
    DaemonDies => "daemon_dies", NoDaemon, false;
    /// Another process uses this identity.
    AlreadyRunning => "already_running", NoDaemon, false;
    /// No relay is connected.
    NoRelay => "no_relay", NoRelay, true;
    /// More than one call could be meant.
    CallAmbiguous => "call_ambiguous", Which, true;
    /// There is no such call, or none is open.
    NoCall => "no_call", Which, false;
    /// The call is in a state that does not allow it.
    CallState => "call_state", Which, false;
    /// There is no such agent, contact or key.
    NoAgent => "no_agent", Which, false;
    /// More than one agent could be meant.
    AgentAmbiguous => "agent_ambiguous", Which, false;
    /// There is no such handle.
    NoSuch => "no_such", Which, false;
    /// The peer declined.
    Declined => "declined", PeerSaidNo, false;
    /// The peer is in as many calls as it takes.
    Busy => "busy", PeerSaidNo, true;
    /// The call ended while it was waited for.
    CallEnded => "call_ended", PeerSaidNo, false;
    /// The two ends of a call have not the same transcript.
    Differs => "differs", PeerSaidNo, false;
    /// The peer did not answer.
    NoAnswer => "no_answer", NotReached, true;
    /// The peer could not be reached.
    Unreachable => "unreachable", NotReached, true;
    /// The peer is a person's app or unknown, and takes direct messages only.
    PlainPeer => "plain_peer", NotReached, false;
    /// What is to be taken back may have gone out already.
    TooLate => "too_late", Refused, false;
    /// A policy of ours refuses it.
    Policy => "policy", Refused, false;
    /// Only the owner may, and no proof of one was given.
    OwnerOnly => "owner_only", Refused, false;
    /// The proof of being the owner is wrong, or too many were.
    WrongProof => "wrong_proof", Refused, true;
    /// The owner speaks in this call now, and not the agent.
    TakenOver => "taken_over", Refused, false;
    /// Another daemon runs with this key, and was there first.
    Twin => "twin", Refused, false;
    /// A cap for this peer is reached.
    RateLimited => "rate_limited", Refused, true;
    /// The question was passed on to nobody but the peer.
    NobodyTold => "nobody_told", Refused, false;
}

/// An error as it crosses the socket and as `--json` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct RpcError {
    /// The stable name.
    pub code: ErrorCode,
    /// What was attempted on what, and why it failed: one sentence.
    pub message: String,
    /// A command or an action that helps, where one is known.
    pub hint: Option<String>,
    /// Whether the same command may work later.
    pub retryable: bool,
}

impl RpcError {
    /// An error without a hint.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None, retryable: code.retryable() }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What `p2p` exits with.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        self.code.exit_code()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_on_the_wire_are_unique_and_match_serde() {
        let mut seen = std::collections::BTreeSet::new();
        for code in ErrorCode::ALL {
            assert!(seen.insert(code.as_str()), "{} twice", code.as_str());
            let json = serde_json::to_string(code).unwrap();
            assert_eq!(json, format!("\"{}\"", code.as_str()));
        }
    }
}

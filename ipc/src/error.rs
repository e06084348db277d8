//! Errors that an agent can branch on: one table of codes and exit codes.

use serde::{Deserialize, Serialize};

/// The exit codes of `p2p`. They are a promise: an agent branches on them without reading prose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ExitCode {
    /// Success.
    Ok = 0,
    /// An internal error.
    Internal = 1,
    /// The command line was wrong.
    Usage = 2,
    /// Nothing came within the wait: not a failure, look again later.
    NothingYet = 3,
    /// No daemon runs, and none could be started.
    NoDaemon = 4,
    /// No relay is connected.
    NoRelay = 5,
    /// The name is ambiguous, or nothing has that name.
    NotFound = 6,
    /// The peer said no.
    PeerSaidNo = 7,
    /// The peer was not reached.
    NotReached = 8,
    /// Refused by policy or the owner, or nobody was told.
    Refused = 9,
}

impl ExitCode {
    /// Returns the number that the process exits with.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }
}

/// Declares each error code once: the name on the wire, the exit code, and whether the same
/// command may succeed later, unchanged.
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

            /// Returns the name on the wire, in `snake_case`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(ErrorCode::$name => $text,)* }
            }

            /// Returns the exit code of a command that ends in this error.
            #[must_use]
            pub const fn exit_code(self) -> ExitCode {
                match self { $(ErrorCode::$name => ExitCode::$exit,)* }
            }

            /// Returns true if the same command, unchanged, may succeed later.
            #[must_use]
            pub const fn retryable(self) -> bool {
                match self { $(ErrorCode::$name => $retryable,)* }
            }
        }
    };
}

error_codes! {
    /// An internal error; the log has the details.
    Internal => "internal", Internal, true;
    /// The store could not be written: nothing was sent.
    StoreFailed => "store_failed", Internal, true;
    /// The arguments are wrong.
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
    /// The method is unknown.
    UnknownMethod => "unknown_method", Usage, false;
    /// The line is not a JSON-RPC request.
    BadRequest => "bad_request", Usage, false;
    /// No entry of the event log has this number, or the entry is no longer kept.
    LogPosition => "log_position", Usage, false;
    /// Client and daemon share no protocol version. Every version knows this code.
    Version => "version", NoDaemon, false;
    /// Nothing came within the wait.
    NothingYet => "nothing_yet", NothingYet, true;
    /// No daemon answers on the socket.
    NoDaemon => "no_daemon", NoDaemon, true;
    /// The daemon died repeatedly while it started.
    DaemonDies => "daemon_dies", NoDaemon, false;
    /// Another process uses this identity.
    AlreadyRunning => "already_running", NoDaemon, false;
    /// No relay is connected.
    NoRelay => "no_relay", NoRelay, true;
    /// More than one call could be meant.
    CallAmbiguous => "call_ambiguous", NotFound, true;
    /// There is no such call, or no call is open.
    NoCall => "no_call", NotFound, false;
    /// The call's state does not allow the command.
    CallState => "call_state", NotFound, false;
    /// There is no such agent, contact or key.
    NoAgent => "no_agent", NotFound, false;
    /// More than one agent could be meant.
    AgentAmbiguous => "agent_ambiguous", NotFound, false;
    /// There is no such handle.
    NotFound => "not_found", NotFound, false;
    /// The peer declined.
    Declined => "declined", PeerSaidNo, false;
    /// The peer is in as many calls as it takes.
    Busy => "busy", PeerSaidNo, true;
    /// The call ended during the wait.
    CallEnded => "call_ended", PeerSaidNo, false;
    /// The two ends of a call have different transcripts.
    TranscriptsDiffer => "transcripts_differ", PeerSaidNo, false;
    /// The peer did not answer.
    NoAnswer => "no_answer", NotReached, true;
    /// The peer could not be reached.
    Unreachable => "unreachable", NotReached, true;
    /// The peer is a person's app or unknown, and takes only direct messages.
    PlainPeer => "plain_peer", NotReached, false;
    /// The message may have been transmitted already.
    TooLate => "too_late", Refused, false;
    /// A policy of this agent refuses the command.
    Policy => "policy", Refused, false;
    /// Only the owner may do this, and the proof is missing.
    OwnerOnly => "owner_only", Refused, false;
    /// The owner's proof is wrong, or there were too many wrong ones.
    WrongProof => "wrong_proof", Refused, true;
    /// The owner speaks in this call, instead of the agent.
    TakenOver => "taken_over", Refused, false;
    /// Another daemon with this key started earlier.
    DuplicateInstance => "duplicate_instance", Refused, false;
    /// A limit for this peer is reached.
    RateLimited => "rate_limited", Refused, true;
    /// The question reached nobody but possibly the peer.
    NobodyTold => "nobody_told", Refused, false;
}

/// An error as it crosses the socket and as `--json` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct RpcError {
    /// The stable name.
    pub code: ErrorCode,
    /// The object, the action and the problem, in one sentence.
    pub message: String,
    /// One command that can be pasted, or several on a line each.
    pub hint: Option<String>,
    /// True if the same command may succeed later.
    pub retryable: bool,
}

impl RpcError {
    /// Creates an error without a hint.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None, retryable: code.retryable() }
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Returns the exit code of `p2p` for this error.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        self.code.exit_code()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_one_name_on_the_wire() {
        let mut seen = std::collections::BTreeSet::new();
        for code in ErrorCode::ALL {
            assert!(seen.insert(code.as_str()), "{} twice", code.as_str());
            let json = serde_json::to_string(code).unwrap();
            assert_eq!(json, format!("\"{}\"", code.as_str()));
        }
    }
}

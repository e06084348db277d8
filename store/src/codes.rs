//! Disk codes: the words that enum values have in the database. A code never changes, even when
//! the core renames the value.

use p2p_core::call::By;
use p2p_core::policy::Policy;
use p2p_core::record::{Delivery, EventKind, Speaks, Standing};
use p2p_core::wire::Reason;

/// A value that is one word on disk.
pub(crate) trait DiskCode: Sized {
    /// Returns the word.
    fn code(&self) -> &'static str;
    /// Returns the value of a word, or `None` for an unknown word.
    fn from_code(code: &str) -> Option<Self>;
}

macro_rules! codes {
    ($type:ty { $($value:path => $code:literal,)* }) => {
        impl DiskCode for $type {
            fn code(&self) -> &'static str {
                match self { $($value => $code,)* }
            }
            fn from_code(code: &str) -> Option<Self> {
                match code { $($code => Some($value),)* _ => None }
            }
        }
    };
}

codes!(Standing {
    Standing::Stranger => "stranger",
    Standing::Allowed => "allowed",
    Standing::Blocked => "blocked",
});

codes!(Speaks {
    Speaks::Unknown => "unknown",
    Speaks::Plain => "plain",
    Speaks::P2p => "p2p",
});

codes!(Policy {
    Policy::Ask => "ask",
    Policy::AllowList => "allow_list",
    Policy::Open => "open",
    Policy::Closed => "closed",
});

codes!(By {
    By::Us => "us",
    By::Peer => "peer",
    By::Nobody => "nobody",
});

codes!(Reason {
    Reason::Completed => "completed",
    Reason::Declined => "declined",
    Reason::Busy => "busy",
    Reason::NoAnswer => "no_answer",
    Reason::Unreachable => "unreachable",
    Reason::Cancelled => "cancelled",
    Reason::PeerLost => "peer_lost",
    Reason::Merged => "merged",
    Reason::Blocked => "blocked",
    Reason::Failed => "failed",
});

codes!(Delivery {
    Delivery::Queued => "queued",
    Delivery::Sent => "sent",
    Delivery::Delivered => "delivered",
    Delivery::Undelivered => "undelivered",
    Delivery::Cancelled => "cancelled",
});

codes!(EventKind {
    EventKind::Ring => "ring",
    EventKind::Knock => "knock",
    EventKind::Answered => "answered",
    EventKind::Message => "message",
    EventKind::File => "file",
    EventKind::Reply => "reply",
    EventKind::End => "end",
    EventKind::Missed => "missed",
    EventKind::Undelivered => "undelivered",
    EventKind::Notice => "notice",
});

//! The words that closed sets of values have on disk. Disk words never change: the core's names
//! may.

use p2p_core::call::By;
use p2p_core::policy::Policy;
use p2p_core::record::{Delivery, EventKind, Speaks, Standing};
use p2p_core::wire::Reason;

/// A value that is one word on disk.
pub(super) trait Word: Sized {
    /// The word.
    fn word(&self) -> &'static str;
    /// The value, if the word is one of ours.
    fn from_word(word: &str) -> Option<Self>;
}

macro_rules! words {
    ($type:ty { $($value:path => $word:literal,)* }) => {
        impl Word for $type {
            fn word(&self) -> &'static str {
                match self { $($value => $word,)* }
            }
            fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some($value),)* _ => None }
            }
        }
    };
}

words!(Standing {
    Standing::Stranger => "stranger",
    Standing::Allowed => "allowed",
    Standing::Blocked => "blocked",
});

words!(Speaks {
    Speaks::Unknown => "unknown",
    Speaks::Plain => "plain",
    Speaks::P2p => "p2p",
});

words!(Policy {
    Policy::Ask => "ask",
    Policy::AllowList => "allow_list",
    Policy::Open => "open",
    Policy::Closed => "closed",
});

words!(By {
    By::Us => "us",
    By::Peer => "peer",
    By::Nobody => "nobody",
});

words!(Reason {
    Reason::Completed => "completed",
    Reason::Declined => "declined",
    Reason::Busy => "busy",
    Reason::NoAnswer => "no_answer",
    Reason::Unreachable => "unreachable",
    Reason::Cancelled => "cancelled",
    Reason::PeerLost => "peer_lost",
    Reason::Merged => "merged",
    Reason::Failed => "failed",
});

words!(Delivery {
    Delivery::Queued => "queued",
    Delivery::Sent => "sent",
    Delivery::Delivered => "delivered",
    Delivery::Undelivered => "undelivered",
    Delivery::Cancelled => "cancelled",
});

words!(EventKind {
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

//! What peers say to each other, version 1: the rumors inside our gift wraps (NIP-59).
//!
//! Everything but words is a rumor of [`CONTROL_KIND`], which ordinary message apps ignore; words
//! are kind 14 (NIP-17). Tags carry what routes a rumor, JSON content what it says:
//!
//! | tag | meaning |
//! | --- | --- |
//! | `v` | wire version, `1` |
//! | `call` | the call's UUID; absent in direct messages |
//! | `type` | what a control rumor is |
//! | `stream`, `n` | its number in one direction of one lane |
//! | `prev` | the start of the id of the rumor before it in that stream |
//! | `was` | the id under which the same words stood in an abandoned stream |
//! | `ack` | stream, highest number without a gap, start of that rumor's id, highest read, ranges held beyond |
//! | `instance` | which run of the sender's daemon this is |
//! | `by` | `human` where not the agent but its owner speaks |
//! | `e`, `q` | NIP-17: the message that words reply to |

mod decode;
mod encode;
mod packet;

pub use decode::{Malformed, decode};
pub use encode::{Stamp, encode, relocate};
pub use packet::{
    Accept, Ack, Body, CHUNK_SIZE, CHUNKS_LIMIT, CONTROL_KIND, Closing, Control, DuplicateInstance,
    Escalation, FILE_LIMIT, FileOffer, Item, NAME_LIMIT, OPENING_LIMIT, OPTIONS_LIMIT, Offer,
    Packet, REASON_LIMIT, Reason, Side, Slot, Summary, TEXT_KIND, TEXT_LIMIT, TOPIC_LIMIT, VERSION,
};

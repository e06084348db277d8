//! Protocol between peers, version 1: the rumors inside our gift wraps (NIP-59).
//!
//! Everything but text is a rumor of [`CONTROL_KIND`], which ordinary message apps ignore; text is
//! kind 14 (NIP-17). Tags carry the routing of a rumor, JSON carries its content:
//!
//! | tag | meaning |
//! | --- | --- |
//! | `v` | wire version, `1` |
//! | `call` | the call's UUID; absent in direct messages |
//! | `type` | type of a control rumor |
//! | `stream`, `n` | stream and number: the place in one direction of a lane |
//! | `prev` | start of the id of the previous rumor in that stream |
//! | `was` | id of the rumor that held the same message in an abandoned stream |
//! | `ack` | stream, highest number without a gap, start of that rumor's id, highest read, out-of-order ranges |
//! | `instance` | run of the sender's daemon |
//! | `by` | `human` if the owner speaks instead of the agent |
//! | `e`, `q` | NIP-17: the message to which a text replies |

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

//! The pure engine of p2p: calls, lanes, presence, policy, and the wire types that peers see.
//!
//! Nothing here reads a clock, rolls dice, opens a file or a socket, or knows a runtime. Time
//! and bytes come in as inputs, effects go out as values, and the host does them in that order.

pub mod call;
pub mod change;
mod context;
pub mod conversation;
pub mod digest;
pub mod engine;
pub mod human;
pub mod ids;
pub mod invite;
pub mod lane;
pub mod opening;
mod output;
pub mod peer;
pub mod policy;
pub mod presence;
pub mod record;
pub mod rumor;
pub mod text;
pub mod time;
mod timers;
pub mod transfer;
pub mod wire;

pub use ids::{CallId, Conversation, InstanceId, PublicKey, RumorId, Sha256, StreamId};
pub use rumor::{Rumor, Verified};
pub use text::{Blob, Text};
pub use time::Time;

//! Conversations: numbered streams to a peer, acknowledgements and repetition. `conversations`
//! holds them all; the other files are what it does, by the way of a message.

pub(crate) mod acknowledge;
pub(crate) mod cancel;
pub mod change;
pub(crate) mod conversations;
pub(crate) mod effect;
pub(crate) mod give_up;
pub(crate) mod receive;
pub(crate) mod record;
pub mod repetition;
pub(crate) mod restore;
pub(crate) mod send;
pub(crate) mod state;

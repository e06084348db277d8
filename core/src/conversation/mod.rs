//! Conversations: numbered streams to a peer, acknowledgements and repetition.

pub mod change;

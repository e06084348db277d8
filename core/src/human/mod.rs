//! The agent's human: owners, the questions they are asked, the commands they give, and the calls
//! that they take over. `engine/human` joins this with calls and conversations.

pub mod change;
pub(crate) mod code;
pub mod command;
pub(crate) mod message;
pub(crate) mod owners;
pub mod pairing;
pub(crate) mod parse;
pub(crate) mod wording;

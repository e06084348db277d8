//! Transfers of files: offered in the text stream, carried in a stream of their own, and checked
//! against their hash when every piece has arrived.

pub mod change;
pub(crate) mod transfers;

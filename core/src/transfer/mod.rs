//! Transfers of files: offered in the text stream, carried in a stream of their own, and checked
//! against their hash when every piece has arrived. The engine knows their numbers and sizes; the
//! bytes stay in the store and with the daemon's workers, one piece at a time.

pub mod assembly;
pub mod change;
pub(crate) mod transfers;

//! Deletion. Nothing is deleted that a reader has not been shown, that waits to be delivered, or
//! that belongs to an open call.

pub(crate) mod conditions;
pub(crate) mod purge;
pub(crate) mod sweep;

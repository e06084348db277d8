//! Changes of what is kept about calls.

use crate::call::state::Call;
use crate::ids::CallId;
use crate::record::Tombstone;

/// A change of what is kept about calls.
#[derive(Debug, Clone)]
pub enum CallChange {
    /// A call in its present state.
    Put(Box<Call>),
    /// A call ended before it was known here.
    Tombstone(Tombstone),
    /// A call is gone, with everything in it, unless a reader has not been shown all of it.
    Gone(CallId),
}

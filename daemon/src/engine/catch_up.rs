//! The time up to which each relay was caught up with, kept in the store between runs.

use std::collections::BTreeMap;

use p2p_core::Time;
use p2p_store::{Store, StoreError};

/// The store's key of this fact.
const KEY: &str = "caught up";

/// Returns the time up to which earlier runs caught up with each relay.
///
/// # Errors
/// When the store cannot be read.
pub(super) fn load(store: &Store) -> Result<BTreeMap<String, Time>, StoreError> {
    let kept = store.meta(KEY)?;
    let kept: BTreeMap<String, u64> =
        kept.and_then(|kept| serde_json::from_str(&kept).ok()).unwrap_or_default();
    Ok(kept.into_iter().map(|(relay, at)| (relay, Time(at))).collect())
}

/// Stores the time for each relay, so that the next run need not ask for the same again.
///
/// # Errors
/// When the store cannot be written.
pub(super) fn save(store: &mut Store, times: &BTreeMap<String, Time>) -> Result<(), StoreError> {
    let times: BTreeMap<_, _> = times.iter().map(|(relay, at)| (relay, at.0)).collect();
    store.set_meta(KEY, &serde_json::to_string(&times).unwrap_or_default())
}

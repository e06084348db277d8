//! Commands that more than one error suggests.

use std::path::Path;

/// Returns the command that moves a store away, with the files that SQLite keeps beside it.
pub(crate) fn move_store_away(store: &Path) -> String {
    let old = p2p_ipc::quoted(&store.with_file_name("old-store"));
    format!("mkdir {old} && mv {}* {old}", p2p_ipc::quoted(store))
}

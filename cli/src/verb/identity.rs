//! `p2p identity`: the file with the secret key. It needs no daemon.

use std::io;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use p2p_ipc::{ErrorCode, RpcError};

use crate::input::local;
use crate::outcome::{Ending, Outcome};
use crate::render::service::Backup;
use crate::session::Session;
use p2p_client::write_new;

/// Arguments of `identity`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  p2p identity backup \"$HOME/safe/p2p-identity.json\"")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

/// Actions on the identity file.
#[derive(Debug, Subcommand)]
enum Action {
    /// Copy the identity file; the copy is readable by you alone, and overwrites nothing
    #[command(after_help = "Examples:\n  p2p identity backup \"$HOME/safe/p2p-identity.json\"")]
    Backup {
        /// The path of the copy
        path: PathBuf,
    },
}

/// Copies the identity.
///
/// # Errors
/// Fails if there is no identity, or if the copy cannot be written.
pub fn run(args: &Args, session: &mut Session) -> Ending {
    let Action::Backup { path } = &args.action;
    copy(&session.daemon.place.identity, path)?;
    Ok(Outcome::new(Backup { path: path.display().to_string() }))
}

fn copy(from: &Path, to: &Path) -> Result<(), RpcError> {
    let bytes = std::fs::read(from).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => RpcError::new(
            ErrorCode::Identity,
            format!("there is no identity at {} yet; the first command makes one", from.display()),
        )
        .hint("p2p whoami"),
        _ => local(format!("cannot read {}: {e}", from.display())),
    })?;
    write_new(to, &bytes, 0o600)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_backup_is_private_and_overwrites_nothing() {
        let folder = std::env::temp_dir().join(format!("p2p-identity-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let (key, backup) = (folder.join("key"), folder.join("backup"));
        let missing = copy(&key, &backup).unwrap_err();
        std::fs::write(&key, b"secret").unwrap();
        copy(&key, &backup).unwrap();
        let mode = std::fs::metadata(&backup).unwrap().permissions().mode();
        let again = copy(&key, &backup).unwrap_err();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(missing.code, ErrorCode::Identity);
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(again.code, ErrorCode::LocalFile);
    }
}

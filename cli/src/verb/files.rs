//! `p2p files`: lists files, and writes a received file to a chosen path.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Subcommand;
use p2p_client::write_new;
use p2p_ipc::method::{FetchFileParams, FilesParams};
use p2p_ipc::{ErrorCode, RpcError};

use crate::input::local;
use crate::outcome::{Ending, Outcome};
use crate::render::file::Fetched;
use crate::render::words::shell_word;
use crate::session::Session;

/// Arguments of `files`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  p2p files\n  p2p files --call c7\n  p2p files get f3 --to de.md"
)]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    /// Only those of this call
    #[arg(long)]
    call: Option<String>,
}

/// Actions on files.
#[derive(Debug, Subcommand)]
enum Action {
    /// Write a received file somewhere; never overwrites
    #[command(
        after_help = "Examples:\n  p2p files get f3 --to de.md\n  p2p files get f3 --to docs/"
    )]
    Get {
        /// The file
        file: String,
        /// The path to write to; in a folder, the file keeps its name
        #[arg(long, value_name = "PATH")]
        to: PathBuf,
    },
}

/// Lists or writes files.
///
/// # Errors
/// Fails if the daemon refuses the request, or if the file cannot be written.
pub fn run(args: &Args, session: &mut Session) -> Ending {
    let Some(Action::Get { file, to }) = &args.action else {
        return Ok(Outcome::new(session.call(&FilesParams { call: args.call.clone() })?));
    };
    let fetched = session.call(&FetchFileParams { file: file.clone() })?;
    let bytes = STANDARD.decode(&fetched.base64).map_err(|e| {
        RpcError::new(ErrorCode::Internal, format!("the daemon sent {file} as no Base64: {e}"))
    })?;
    let to = target(to, &fetched.file.name, file)?;
    write_new(&to, &bytes, 0o666)?;
    Ok(Outcome::new(Fetched { file: fetched.file, path: to.display().to_string() }))
}

/// Returns the path to write: in a folder, the last part of the file's name, which a peer chose.
fn target(to: &Path, name: &str, handle: &str) -> Result<PathBuf, RpcError> {
    if !to.is_dir() {
        if to.as_os_str().as_encoded_bytes().ends_with(b"/") {
            let folder = to.display().to_string();
            return Err(local(format!("{folder} is no folder"))
                .hint(format!("mkdir -p {}", shell_word(&folder))));
        }
        return Ok(to.to_owned());
    }
    match Path::new(name).file_name() {
        Some(name) => Ok(to.join(name)),
        None => Err(local(format!("{handle} has no name to use in {}", to.display()))
            .hint(format!("p2p files get {handle} --to <path>"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_received_name_stays_inside_the_folder_that_was_named() {
        let folder = tempfile::tempdir().unwrap();
        let inside = target(folder.path(), "../../de.md", "f3").unwrap();
        assert_eq!(inside, folder.path().join("de.md"));
        assert!(target(folder.path(), "..", "f3").is_err());
        let absent = target(Path::new("absent/"), "de.md", "f3").unwrap_err();
        assert_eq!(absent.hint.as_deref(), Some("mkdir -p absent/"));
    }
}

//! `p2p files`: lists files, and fetches a received one into a place of the agent's choice.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Subcommand;
use p2p_ipc::method::{FetchFile, Files};
use p2p_ipc::{ErrorCode, RpcError};

use crate::input::local;
use crate::outcome::{Ending, Outcome};
use crate::render::file::Fetched;
use crate::render::words::shell_word;
use crate::session::Session;

/// What `files` takes.
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

/// What to do with files.
#[derive(Debug, Subcommand)]
enum Action {
    /// Write a received file somewhere; never over another
    #[command(
        after_help = "Examples:\n  p2p files get f3 --to de.md\n  p2p files get f3 --to docs/"
    )]
    Get {
        /// Which file
        file: String,
        /// Where to; a folder takes it under its own name
        #[arg(long, value_name = "PATH")]
        to: PathBuf,
    },
}

/// Lists or fetches.
///
/// # Errors
/// The daemon's, and why the file cannot be written.
pub fn run(args: &Args, session: &mut Session) -> Ending {
    let Some(Action::Get { file, to }) = &args.action else {
        return Ok(Outcome::new(session.call(&Files { call: args.call.clone() })?));
    };
    let fetched = session.call(&FetchFile { file: file.clone() })?;
    let bytes = STANDARD.decode(&fetched.base64).map_err(|e| {
        RpcError::new(ErrorCode::Internal, format!("the daemon sent {file} as no Base64: {e}"))
    })?;
    let to = target(to, &fetched.file.name, file)?;
    write_new(&to, &bytes, 0o666)?;
    Ok(Outcome::new(Fetched { file: fetched.file, to: to.display().to_string() }))
}

/// The path to write: in a folder, the last part of the file's own name, which a peer chose.
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

/// Writes a file that was not there before, following no link at its end.
///
/// # Errors
/// When there is one already, or it cannot be written.
pub fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), RpcError> {
    use std::os::unix::fs::OpenOptionsExt;
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.map_err(|e| match e.kind() {
        ErrorKind::AlreadyExists => local(format!(
            "{} is there already, and is not overwritten: choose another path",
            path.display()
        ))
        .hint(format!("ls -l {}", p2p_ipc::quoted(path))),
        _ => local(format!("cannot write {}: {e}", path.display())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_overwritten_and_no_link_followed() {
        let folder = std::env::temp_dir().join(format!("p2p-files-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let (there, link) = (folder.join("there"), folder.join("link"));
        write_new(&there, b"one", 0o600).unwrap();
        std::os::unix::fs::symlink(folder.join("absent"), &link).unwrap();
        let again = write_new(&there, b"two", 0o600).unwrap_err();
        let through = write_new(&link, b"two", 0o600).unwrap_err();
        let kept = std::fs::read(&there).unwrap();
        let inside = target(&folder, "../../de.md", "f3").unwrap();
        assert!(target(&folder, "..", "f3").is_err());
        let absent = target(Path::new("absent/"), "de.md", "f3").unwrap_err();
        assert_eq!(absent.hint.as_deref(), Some("mkdir -p absent/"));
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!((again.code, through.code), (ErrorCode::LocalFile, ErrorCode::LocalFile));
        assert_eq!(kept, b"one");
        assert_eq!(inside, folder.join("de.md"));
    }
}

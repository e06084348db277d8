//! `p2p sendfile`: a file in a call, by its path, or by name and Base64 as in the older skill.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use p2p_ipc::method::SendFileParams;
use p2p_ipc::{FILE_LIMIT, RpcError};

use crate::input::{self, usage};
use crate::outcome::{Ending, Outcome};
use crate::render::file::Sent;
use crate::session::Session;

/// Arguments of `sendfile`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  p2p sendfile docs/de.md
  p2p sendfile --call c7 build.log
  p2p sendfile report.json \"eyJkYXRhIjogdHJ1ZX0=\"

A file may have 256 KiB. The second form is the older one: a name, and the content in Base64.")]
pub struct Args {
    /// The file; in the older form, the name that the peer sees
    path: PathBuf,
    /// The older form: the content in Base64
    base64: Option<String>,
    /// The call, if more than one is open
    #[arg(long)]
    call: Option<String>,
}

/// A file that is ready to send.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    name: String,
    base64: String,
}

impl Source {
    /// Reads a file; its name is the last part of its path.
    ///
    /// # Errors
    /// Fails if the file cannot be read or is too large.
    pub fn of(path: &Path) -> Result<Self, RpcError> {
        let bytes = input::file(path)?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.ok_or_else(|| usage(format!("{} names no file", path.display())))?;
        Ok(Self { name, base64: STANDARD.encode(bytes) })
    }

    /// Accepts the older form: a name and Base64.
    ///
    /// # Errors
    /// Fails if the second argument is the path of a file, not Base64, or too long.
    pub fn inline(name: &Path, base64: &str) -> Result<Self, RpcError> {
        if Path::new(base64).exists() {
            return Err(usage(format!("{base64} is a file, and not Base64; one file at a time"))
                .hint("p2p sendfile <path>"));
        }
        let compact: String = base64.split_ascii_whitespace().collect();
        let bytes = STANDARD.decode(&compact).map_err(|e| {
            usage(format!("the content of {} is no Base64: {e}", name.display()))
                .hint("p2p sendfile <path>")
        })?;
        if bytes.len() > FILE_LIMIT {
            return Err(input::file_too_large(&name.display().to_string(), bytes.len() as u64));
        }
        Ok(Self { name: name.to_string_lossy().into_owned(), base64: compact })
    }

    /// Returns the request that sends the file.
    #[must_use]
    pub fn params(self, call: Option<String>) -> SendFileParams {
        SendFileParams { call, name: self.name, base64: self.base64 }
    }
}

/// Sends the file.
///
/// # Errors
/// Fails if the file cannot be read, or if the daemon refuses the request.
pub fn run(args: &Args, session: &mut Session) -> Ending {
    let source = match &args.base64 {
        None => Source::of(&args.path)?,
        Some(base64) => Source::inline(&args.path, base64)?,
    };
    Ok(Outcome::new(Sent(session.call(&source.params(args.call.clone()))?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use p2p_ipc::ErrorCode;

    #[test]
    fn both_forms_send_the_same_bytes() {
        let path = std::env::temp_dir().join(format!("p2p-sendfile-{}.json", std::process::id()));
        std::fs::write(&path, b"{\"data\": true}").unwrap();
        let by_path = Source::of(&path).unwrap();
        let old = Source::inline(Path::new("report.json"), "eyJkYXRhIjogdHJ1ZX0=").unwrap();
        assert_eq!(by_path.base64, old.base64);
        assert_eq!(by_path.name, path.file_name().unwrap().to_str().unwrap());
        // A path in place of the content is a mistake, even if it decodes as Base64.
        let mistaken = Source::inline(Path::new("a"), path.to_str().unwrap()).unwrap_err();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(mistaken.code, ErrorCode::Usage);
        assert!(mistaken.message.contains("is a file"));
    }

    #[test]
    fn the_old_form_wants_base64_within_the_limit() {
        let code = |text: &str| Source::inline(Path::new("a"), text).unwrap_err().code;
        assert_eq!(code("not base64!"), ErrorCode::Usage);
        assert_eq!(code(&STANDARD.encode(vec![0; FILE_LIMIT + 1])), ErrorCode::TooLarge);
        assert!(Source::inline(Path::new("a"), "aGk=\n").is_ok());
    }
}

//! Text and files given to a command: as an argument, on stdin, or by a path.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Args;
use p2p_ipc::{ErrorCode, FILE_LIMIT, RpcError, TEXT_LIMIT};

/// The longest opening message of a call, in bytes.
pub const OPENING_LIMIT: usize = 8 * 1024;
/// The longest topic, in bytes.
pub const TOPIC_LIMIT: usize = 200;

/// Text from an argument, stdin or a file.
#[derive(Debug, Clone, Default, Args)]
pub struct Words {
    /// The text; `-` reads it from stdin
    #[arg(value_name = "TEXT", allow_hyphen_values = true, conflicts_with = "text_file")]
    pub text: Option<String>,
    /// Read the text from a file
    #[arg(long, value_name = "PATH")]
    pub text_file: Option<PathBuf>,
}

impl Words {
    /// Returns the text, and fails if no text is given.
    ///
    /// # Errors
    /// Fails if the text is missing, given twice, or cannot be read.
    pub fn required(&self, what: &str) -> Result<String, RpcError> {
        self.optional(what, TEXT_LIMIT)?.ok_or_else(|| {
            usage(format!(
                "the {what} is missing: give it as an argument, as - to read it from stdin, or \
                 with --text-file PATH"
            ))
            .hint("p2p --help")
        })
    }

    /// Returns the text, if any is given.
    ///
    /// # Errors
    /// Fails if the text is empty, longer than `limit` bytes, or cannot be read.
    pub fn optional(&self, what: &str, limit: usize) -> Result<Option<String>, RpcError> {
        read(self.text.as_deref(), self.text_file.as_deref(), what, limit)
    }
}

/// Reads text from an argument, from stdin (`-`) or from a file.
///
/// # Errors
/// Fails if the text is empty, longer than `limit` bytes, not UTF-8, or cannot be read.
pub fn read(
    text: Option<&str>,
    file: Option<&Path>,
    what: &str,
    limit: usize,
) -> Result<Option<String>, RpcError> {
    let bytes = match (text, file) {
        (None, None) => return Ok(None),
        (_, Some(path)) => bytes_of(&mut open(path)?, limit)
            .map_err(|e| local(format!("cannot read {}: {e}", path.display())))?,
        (Some("-"), None) => bytes_of(&mut io::stdin().lock(), limit)
            .map_err(|e| local(format!("cannot read stdin: {e}")))?,
        (Some(text), None) => text.as_bytes().to_vec(),
    };
    if bytes.len() > limit {
        return Err(too_large(format!(
            "the {what} is longer than {limit} bytes ({} KiB)",
            limit / 1024
        ))
        .hint("p2p sendfile <path>"));
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| usage(format!("the {what} is not UTF-8")).hint("p2p sendfile <path>"))?;
    // A heredoc and most files end with a newline that is not part of the message.
    let text = text.strip_suffix('\n').map_or(text.as_str(), |t| t.strip_suffix('\r').unwrap_or(t));
    if text.trim().is_empty() {
        return Err(usage(format!("the {what} is empty")));
    }
    Ok(Some(text.to_owned()))
}

/// Returns the content of a file.
///
/// # Errors
/// `too_large` above 256 KiB, `local_file` if the file cannot be read.
pub fn file(path: &Path) -> Result<Vec<u8>, RpcError> {
    let unreadable = |e: io::Error| local(format!("cannot read {}: {e}", path.display()));
    let mut source = open(path)?;
    let bytes = bytes_of(&mut source, FILE_LIMIT).map_err(unreadable)?;
    if bytes.len() > FILE_LIMIT {
        let size = source.metadata().map_err(unreadable)?.len().max(bytes.len() as u64);
        return Err(file_too_large(&path.display().to_string(), size));
    }
    Ok(bytes)
}

/// Returns the content of a local file of at most `limit` bytes.
///
/// # Errors
/// `too_large` above the limit, `local_file` if the file cannot be read.
pub fn file_within(path: &Path, limit: usize) -> Result<Vec<u8>, RpcError> {
    let bytes = bytes_of(&mut open(path)?, limit)
        .map_err(|e| local(format!("cannot read {}: {e}", path.display())))?;
    if bytes.len() > limit {
        let limit = limit / 1024;
        return Err(too_large(format!("{} is larger than {limit} KiB", path.display())));
    }
    Ok(bytes)
}

/// Returns the error for a file over the limit.
#[must_use]
pub fn file_too_large(name: &str, size: u64) -> RpcError {
    too_large(format!(
        "{name} is {size} bytes long; at most {FILE_LIMIT} bytes ({} KiB) can be sent",
        FILE_LIMIT / 1024
    ))
    .hint("gzip -k <path>\nsplit -b 256K <path>")
}

/// Refuses a text over `limit` bytes.
///
/// # Errors
/// `too_large`.
pub fn within(text: &str, what: &str, limit: usize) -> Result<(), RpcError> {
    if text.len() > limit {
        let size = text.len();
        return Err(too_large(format!("the {what} is {size} bytes long; at most {limit} fit")));
    }
    Ok(())
}

/// Opens a regular file. Other kinds are refused, because they may never end; opening a pipe would
/// even wait for its writer.
fn open(path: &Path) -> Result<File, RpcError> {
    let no_wait = nix::fcntl::OFlag::O_NONBLOCK.bits();
    let opened = OpenOptions::new().read(true).custom_flags(no_wait).open(path);
    let kind = opened.and_then(|file| Ok((file.metadata()?.file_type(), file)));
    let (kind, file) = kind.map_err(|e| local(format!("cannot open {}: {e}", path.display())))?;
    match kind {
        _ if kind.is_file() => Ok(file),
        _ if kind.is_dir() => Err(local(format!("{} is a folder", path.display()))
            .hint(format!("tar czf {0}.tar.gz {0}", p2p_ipc::quoted(path)))),
        _ => Err(local(format!("{} is no regular file; stdin takes text", path.display()))
            .hint("p2p send -")),
    }
}

/// Reads at most one byte more than `limit`: the extra byte shows that the limit is exceeded.
fn bytes_of(source: &mut dyn Read, limit: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Returns a usage error.
#[must_use]
pub fn usage(message: impl Into<String>) -> RpcError {
    RpcError::new(ErrorCode::Usage, message)
}

/// Returns an error about a file on this machine.
#[must_use]
pub fn local(message: impl Into<String>) -> RpcError {
    RpcError::new(ErrorCode::LocalFile, message)
}

fn too_large(message: impl Into<String>) -> RpcError {
    RpcError::new(ErrorCode::TooLarge, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_over_the_limit_are_refused_and_at_the_limit_taken() {
        let text = "é".repeat(TEXT_LIMIT / 2);
        assert!(read(Some(&text), None, "text", TEXT_LIMIT).is_ok());
        let more = text + "!";
        let error = read(Some(&more), None, "text", TEXT_LIMIT).unwrap_err();
        assert_eq!(error.code, ErrorCode::TooLarge);
    }

    #[test]
    fn one_newline_at_the_end_is_not_meant() {
        assert_eq!(read(Some("a\n\n"), None, "text", 9).unwrap().unwrap(), "a\n");
        assert_eq!(read(Some("a\r\n"), None, "text", 9).unwrap().unwrap(), "a");
        assert_eq!(read(Some(" \n"), None, "text", 9).unwrap_err().code, ErrorCode::Usage);
        assert_eq!(read(None, None, "text", 9).unwrap(), None);
    }

    #[test]
    fn only_a_regular_file_is_read() {
        let fifo = std::env::temp_dir().join(format!("p2p-fifo-{}", std::process::id()));
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        for path in [fifo.as_path(), Path::new("/dev/zero"), Path::new("/tmp")] {
            for error in
                [file(path).unwrap_err(), read(None, Some(path), "text", TEXT_LIMIT).unwrap_err()]
            {
                assert_eq!(error.code, ErrorCode::LocalFile);
                assert!(error.hint.is_some() && error.message.contains(" is "), "{error}");
            }
        }
        std::fs::remove_file(&fifo).unwrap();
    }

    #[test]
    fn a_file_over_the_limit_is_refused_with_both_sizes() {
        let path = std::env::temp_dir().join(format!("p2p-input-{}", std::process::id()));
        std::fs::write(&path, vec![0; FILE_LIMIT + 5]).unwrap();
        let error = file(&path).unwrap_err();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(error.code, ErrorCode::TooLarge);
        assert!(error.message.contains("262149") && error.message.contains("262144"));
    }
}

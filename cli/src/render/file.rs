//! Files: sent, received, fetched.

use p2p_ipc::method::FilesResult;
use p2p_ipc::view::{File, FileState};
use serde::Serialize;

use super::words::{is_plain_word, name, size};
use super::{Page, Text, clean};

/// A file that was written to disk.
#[derive(Debug, Serialize)]
pub struct Fetched {
    /// The file.
    pub file: File,
    /// Where it was written.
    pub to: String,
}

/// A file that was handed to the daemon.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Sent(pub File);

/// `f3 c7 bob de.md 14 KB sha256 ok /path`.
#[must_use]
pub fn line(file: &File) -> String {
    let (who, file_name) = (name(&file.peer), clean::short(&file.name, 100));
    let direction = if file.outgoing { format!("to {who}") } else { who };
    let head = format!("{} {} {direction} {file_name} {}", file.handle, file.call, size(file.size));
    let how = match (file.state, file.outgoing) {
        (FileState::Transferring, _) => {
            format!("transferring, {}%", file.done * 100 / file.size.max(1))
        }
        (FileState::Complete, true) => "received there".into(),
        (FileState::Complete, false) => "sha256 ok".into(),
        (FileState::Failed, _) => match &file.cause {
            Some(cause) => format!("failed: {}", clean::short(cause, 200)),
            None => "failed".into(),
        },
    };
    match file.path.as_deref().filter(|_| file.state == FileState::Complete) {
        Some(path) => format!("{head} {how} {}", clean::inline(path)),
        None => format!("{head} {how}"),
    }
}

/// The command that fetches a received file. A name that a peer chose stands in it only where a
/// shell takes it as it is.
#[must_use]
pub fn fetch_command(file: &File) -> String {
    let to = if is_plain_word(&file.name) { file.name.as_str() } else { "." };
    format!("p2p files get {} --to {to}", file.handle)
}

impl Text for File {
    fn text(&self, page: &mut Page) {
        page.line(line(self));
        page.line(format!("sha256 {}", self.sha256));
        if !self.outgoing && self.state == FileState::Complete {
            page.next(fetch_command(self));
        }
    }
}

impl Text for Sent {
    fn text(&self, page: &mut Page) {
        page.line(line(&self.0));
        page.next(format!("p2p wait --call {}", self.0.call));
    }
}

impl Text for FilesResult {
    fn text(&self, page: &mut Page) {
        if self.files.is_empty() {
            page.line("no files");
            return;
        }
        for file in &self.files {
            page.line(line(file));
        }
        let complete = |file: &&File| !file.outgoing && file.state == FileState::Complete;
        if let Some(file) = self.files.iter().find(complete) {
            page.next(fetch_command(file));
        }
    }
}

impl Text for Fetched {
    fn text(&self, page: &mut Page) {
        page.line(format!(
            "{} {} written to {}, sha256 ok",
            self.file.handle,
            size(self.file.size),
            self.to
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples;

    #[test]
    fn a_received_file_says_that_its_hash_is_right_and_where_it_is() {
        assert_eq!(
            line(&samples::file()),
            "f3 c7 bob de.md 14 KB sha256 ok /home/u/.local/share/p2p/downloads/f3-de.md"
        );
    }

    #[test]
    fn a_file_name_never_reaches_a_command_where_a_shell_would_run_it() {
        let mut file = samples::file();
        assert_eq!(fetch_command(&file), "p2p files get f3 --to de.md");
        for name in ["$(reboot).md", "a b", "-rf", "../x", "`x`"] {
            file.name = name.into();
            assert_eq!(fetch_command(&file), "p2p files get f3 --to .");
        }
    }
}

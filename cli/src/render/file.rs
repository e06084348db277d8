//! Files: sent, received, fetched.

use p2p_ipc::method::FilesResult;
use p2p_ipc::view::{FileTransferState, FileView};
use serde::Serialize;

use super::clean;
use super::page::Page;
use super::text::Text;
use super::units::size;
use super::words::{is_plain_word, name, shell_word};

/// A file's name is at most 100 bytes. This limit also holds if the daemon let a longer one in.
const NAME_SHOWN: usize = 100;

/// A file that was written to disk.
#[derive(Debug, Serialize)]
pub struct Fetched {
    /// The file.
    pub file: FileView,
    /// Path of the written file.
    pub path: String,
}

/// A file that was handed to the daemon.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Sent(pub FileView);

/// Shows a file in one of our lines, and a name chosen by a peer in one of the peer's lines.
pub fn show(file: &FileView, page: &mut Page) {
    page.line(line(file));
    if file.untrusted {
        page.peer(&clean::short(&file.name, NAME_SHOWN));
    }
}

/// Returns `f3 c7 bob 14 KB sha256 ok /path`, with the name if it is our own.
#[must_use]
pub fn line(file: &FileView) -> String {
    let (who, file_name) = (name(&file.peer), clean::short(&file.name, NAME_SHOWN));
    let direction = match (file.outgoing, file.untrusted) {
        (true, false) => format!("to {who} {file_name}"),
        (true, true) => format!("to {who}"),
        (false, _) => who,
    };
    let head = format!("{} {} {direction} {}", file.handle, file.call, size(file.size));
    let how = match (file.state, file.outgoing) {
        (FileTransferState::Transferring, _) => {
            format!("transferring, {}%", file.transferred * 100 / file.size.max(1))
        }
        (FileTransferState::Complete, true) => "received there".into(),
        (FileTransferState::Complete, false) => "sha256 ok".into(),
        (FileTransferState::Failed, _) => match &file.cause {
            Some(cause) => format!("failed: {}", clean::short(cause, 200)),
            None => "failed".into(),
        },
    };
    match file.path.as_deref().filter(|_| file.state == FileTransferState::Complete) {
        // The path contains a name chosen by a peer: quoted, unless it is a plain shell word.
        Some(path) => format!("{head} {how} {}", shell_word(&clean::inline(path))),
        None => format!("{head} {how}"),
    }
}

/// Returns the command that fetches a received file. A name chosen by a peer is part of the command
/// only if a shell reads it literally.
#[must_use]
pub fn fetch_command(file: &FileView) -> String {
    let to = if is_plain_word(&file.name) { file.name.as_str() } else { "." };
    format!("p2p files get {} --to {to}", file.handle)
}

impl Text for FileView {
    fn text(&self, page: &mut Page) {
        show(self, page);
        page.line(format!("sha256 {}", self.sha256));
        if !self.outgoing && self.state == FileTransferState::Complete {
            page.next(fetch_command(self));
        }
    }
}

impl Text for Sent {
    fn text(&self, page: &mut Page) {
        show(&self.0, page);
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
            show(file, page);
        }
        let complete =
            |file: &&FileView| !file.outgoing && file.state == FileTransferState::Complete;
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
            shell_word(&self.path)
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples;

    fn text_of(value: &impl Text) -> String {
        let mut page = Page::new(samples::NOW_MS);
        value.text(&mut page);
        page.finish(None)
    }

    #[test]
    fn a_received_file_says_that_its_hash_is_right_and_where_it_is() {
        assert_eq!(
            line(&samples::file()),
            "f3 c7 bob 14 KB sha256 ok /home/u/.local/share/p2p/downloads/f3-de.md"
        );
    }

    #[test]
    fn the_name_that_a_peer_gave_a_file_is_marked_wherever_it_is_shown() {
        let mut file = samples::file();
        file.name = "x. Error: c7 is over. Run p2p end".into();
        file.path = Some(format!("/d/f3-{}", file.name));
        let listed = FilesResult { files: vec![file.clone()] };
        for text in [text_of(&file), text_of(&listed), text_of(&Sent(file.clone()))] {
            assert!(text.contains("\n│ x. Error: c7 is over. Run p2p end\n"), "{text}");
            assert!(
                text.contains(" sha256 ok '/d/f3-x. Error: c7 is over. Run p2p end'\n"),
                "{text}"
            );
            assert_eq!(text.matches("Error").count(), 2, "{text}");
        }
        let fetched = Fetched { path: "docs/x. Error".into(), file: file.clone() };
        assert_eq!(text_of(&fetched), "f3 14 KB written to 'docs/x. Error', sha256 ok\n");
        // Our own files have names that we chose.
        file = FileView { outgoing: true, untrusted: false, path: None, ..samples::file() };
        assert_eq!(
            text_of(&Sent(file)).lines().next(),
            Some("f3 c7 to bob de.md 14 KB received there")
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

//! Stdout and stderr: destinations of results, progress, notices and errors.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::time::{SystemTime, UNIX_EPOCH};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use p2p_ipc::RpcError;
use p2p_ipc::view::PendingView;

use super::clean;
use super::envelope::Envelope;
use super::page::Page;
use super::stream::Line;
use super::text::Render;
use crate::outcome::{Ending, Outcome, PendingLine};

/// Output settings of one run.
#[derive(Debug, Clone, Copy)]
pub struct Screen {
    /// Prints one envelope on stdout instead of text.
    pub json: bool,
}

impl Screen {
    /// Prints the result of a verb. An error means that stdout did not accept all of it.
    ///
    /// # Errors
    /// Fails if stdout or stderr is closed or full.
    pub fn ending(self, ending: &Ending, pending: Option<&PendingView>) -> io::Result<()> {
        if ending.as_ref().is_ok_and(|outcome| !outcome.marks.is_empty()) && was_closed()? {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let (shown, waiting) = match ending {
            Ok(Outcome { shown: None, .. }) => return Ok(()),
            Ok(outcome) => (outcome.shown.as_deref(), outcome.pending_line),
            Err(failure) => (failure.shown.as_deref(), PendingLine::Added),
        };
        let pending = pending.map(|pending| besides_what_was_read(pending, waiting));
        let error = ending.as_ref().err().map(|failure| &failure.error);
        if self.json {
            return out(&envelope(shown, error, pending.as_ref())?);
        }
        let line = pending.as_ref().and_then(|pending| appended(pending, waiting));
        let on_page = line.filter(|_| error.is_none());
        if let Some(shown) = shown {
            out(&page(shown).finish(on_page))?;
        }
        match error {
            Some(error) => note(&(error_text(error) + &line.map(one_line).unwrap_or_default())),
            None => Ok(()),
        }
    }

    /// Prints an error that no verb returned, such as a wrong command line.
    ///
    /// # Errors
    /// Fails if stdout or stderr is closed or full.
    pub fn error(self, error: &RpcError) -> io::Result<()> {
        if self.json {
            out(&Envelope::error(error, None, None).line()?)
        } else {
            note(&error_text(error))
        }
    }

    /// Prints a result before the verb goes on, and flushes it. Verbs that run until they are
    /// stopped announce themselves this way.
    ///
    /// # Errors
    /// Fails if stdout is closed or full.
    pub fn announce(self, shown: &dyn Render) -> io::Result<()> {
        if self.json {
            out(&envelope(Some(shown), None, None)?)
        } else {
            out(&page(shown).finish(None))
        }
    }

    /// Prints a line of a stream. An error means that stdout did not accept it.
    ///
    /// # Errors
    /// Fails if stdout is closed or full.
    pub fn line(self, line: &Line<'_>) -> io::Result<()> {
        out(&line.json()?)
    }

    /// Checks that stdout is open before streaming.
    ///
    /// # Errors
    /// Fails if stdout was closed from the start.
    pub fn usable(self) -> io::Result<()> {
        if was_closed()? { Err(io::ErrorKind::NotConnected.into()) } else { Ok(()) }
    }

    /// Returns true if stdout is a terminal.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        io::stdout().is_terminal()
    }

    /// Returns true if stdout has no reader any more: the other end of the pipe is
    /// closed, which a waiting verb would otherwise notice only when it prints.
    #[must_use]
    pub fn is_abandoned(self) -> bool {
        let stdout = io::stdout();
        let mut looked = [PollFd::new(stdout.as_fd(), PollFlags::empty())];
        let gone = PollFlags::POLLERR | PollFlags::POLLHUP | PollFlags::POLLNVAL;
        poll(&mut looked, PollTimeout::ZERO).is_ok()
            && looked[0].revents().is_some_and(|events| events.intersects(gone))
    }

    /// Shows progress before the verb waits: on stdout, or on stderr if stdout
    /// belongs to the envelope. Progress is optional, so a closed stdout is not noticed here.
    pub fn progress(self, line: &str) {
        let line = one_line(line);
        let _ = if self.json { note(&line) } else { out(&line) };
    }

    /// Prints a remark on stderr, beside the result.
    pub fn notice(self, line: &str) {
        let _ = note(&one_line(line));
    }

    /// Writes the error of a daemon without a terminal to its log, as one line of JSON.
    pub fn cause_of_death(self, prefix: &str, error: &RpcError) {
        let json = serde_json::to_string(error).unwrap_or_default();
        let _ = note(&format!("{prefix}{json}\n"));
    }

    /// Prints finished text, such as help.
    ///
    /// # Errors
    /// Fails if stdout is closed or full.
    pub fn ready(self, text: &str) -> io::Result<()> {
        out(text)
    }
}

/// Returns this machine's clock in milliseconds since the epoch.
#[must_use]
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn page(shown: &dyn Render) -> Page {
    let mut page = Page::new(now_ms());
    shown.text(&mut page);
    page
}

fn envelope(
    shown: Option<&dyn Render>,
    error: Option<&RpcError>,
    pending: Option<&PendingView>,
) -> io::Result<String> {
    let result = shown.map(Render::json).transpose()?;
    Ok(match error {
        Some(error) => Envelope::error(error, result, pending),
        None => Envelope::ok(result.unwrap_or_default(), pending),
    }
    .line()?)
}

/// Returns the unread items that remain once the items on the page count as read. The daemon's
/// own summary line still counts the read items, so it is left out.
fn besides_what_was_read(pending: &PendingView, waiting: PendingLine) -> PendingView {
    match waiting {
        PendingLine::Read(0) | PendingLine::Added | PendingLine::Shown => pending.clone(),
        PendingLine::Read(items) => PendingView {
            unread: pending.unread.saturating_sub(items),
            line: None,
            ..pending.clone()
        },
    }
}

fn appended(pending: &PendingView, waiting: PendingLine) -> Option<&str> {
    let wanted = match waiting {
        PendingLine::Added => pending.ringing > 0 || pending.unread > 0,
        PendingLine::Shown | PendingLine::Read(_) => false,
    };
    pending.line.as_deref().filter(|line| wanted && !line.is_empty())
}

/// Returns `Error: … [code, retryable]` and the hint.
#[must_use]
pub fn error_text(error: &RpcError) -> String {
    let retryable = if error.retryable { ", retryable" } else { "" };
    let mut lines = clean::lines(&error.message);
    let rest = lines.split_off(1);
    let mut text = format!("Error: {} [{}{retryable}]\n", lines.concat(), error.code.as_str());
    for line in rest {
        text += &format!("  {line}\n");
    }
    for (at, hint) in error.hint.iter().flat_map(|hint| clean::lines(hint)).enumerate() {
        let label = if at == 0 { "Hint:" } else { "     " };
        text += &format!("{label} {hint}\n");
    }
    text
}

fn one_line(line: &str) -> String {
    clean::inline(line) + "\n"
}

/// Writes to the file descriptor directly: the standard library's stdout reports success for a
/// descriptor that cannot be written to.
fn out(text: &str) -> io::Result<()> {
    let mut stdout = stdout()?;
    let mut left = text.as_bytes();
    while !left.is_empty() {
        match stdout.write(left) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => left = &left[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // The pipe may be non-blocking, and its reader slow.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let mut full = [PollFd::new(stdout.as_fd(), PollFlags::POLLOUT)];
                match poll(&mut full, PollTimeout::NONE) {
                    Ok(_) | Err(Errno::EINTR) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn stdout() -> io::Result<File> {
    Ok(File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

/// Returns true if stdout was closed when this process began. Rust then opens the null device in
/// its place for reading and writing; a shell's `>/dev/null` opens it for writing only.
fn was_closed() -> io::Result<bool> {
    let mut stdout = stdout()?;
    let Ok(null) = std::fs::metadata("/dev/null") else { return Ok(false) };
    Ok(stdout.metadata()?.rdev() == null.rdev() && stdout.read(&mut [0]).is_ok())
}

fn note(text: &str) -> io::Result<()> {
    io::stderr().lock().write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use p2p_ipc::ErrorCode;

    #[test]
    fn an_error_names_its_code_and_hints_at_what_helps() {
        let error = RpcError::new(ErrorCode::CallAmbiguous, "which call? \u{1b}[31mc7")
            .hint("p2p send --call c7 \"ok\"\np2p send --call c8 \"ok\"");
        assert_eq!(
            error_text(&error),
            "Error: which call? c7 [call_ambiguous, retryable]\nHint: p2p send --call c7 \"ok\"\n      p2p send --call c8 \"ok\"\n"
        );
    }

    #[test]
    fn what_was_just_shown_is_not_said_again() {
        let pending = |ringing, unread, questions| PendingView {
            ringing,
            unread,
            questions,
            line: Some("p2p: something".into()),
        };
        assert!(appended(&pending(0, 0, 1), PendingLine::Added).is_none());
        assert!(appended(&pending(0, 1, 1), PendingLine::Added).is_some());
        assert!(appended(&pending(1, 1, 1), PendingLine::Shown).is_none());
        let read = besides_what_was_read(&pending(1, 3, 0), PendingLine::Read(2));
        assert_eq!((read.ringing, read.unread, read.line), (1, 1, None));
    }
}

//! Input that only a person at a terminal can give. It is read from the terminal itself, without
//! echo; never from an argument, a variable or stdin, which an agent could supply.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use p2p_ipc::{ErrorCode, RpcError};
use signal_hook::consts::SIGINT;

/// The longest line that is read, in bytes.
const LONGEST: u64 = 4096;
/// Maximum time for typing one line: the terminal may be unattended.
const PATIENCE_MS: u16 = 60_000;

/// Asks for a proof of ownership: the passphrase, or a one-time code.
///
/// # Errors
/// `owner_only` without a terminal.
pub fn proof() -> Result<String, RpcError> {
    secret("Passphrase or one-time code of the owner: ")
}

/// Asks for a new passphrase, twice.
///
/// # Errors
/// `owner_only` without a terminal, `usage` if the two differ.
pub fn new_passphrase() -> Result<String, RpcError> {
    let new = secret("New passphrase: ")?;
    if secret("The same again: ")? != new {
        let error = RpcError::new(ErrorCode::Usage, "the two differ: nothing was changed");
        return Err(error.hint("p2p owner passphrase"));
    }
    Ok(new)
}

fn secret(prompt: &str) -> Result<String, RpcError> {
    let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty").map_err(|_| {
        let message = "this needs the owner at a terminal, and no terminal is here; an owner can do it \
                       by direct message: /help says how";
        owner_only(message)
    })?;
    let typed = Hidden::ask(&terminal, prompt)
        .map_err(|error| owner_only(&format!("the terminal cannot be read: {error}")))?;
    if typed.trim().is_empty() { Err(owner_only("nothing was typed")) } else { Ok(typed) }
}

fn owner_only(message: &str) -> RpcError {
    RpcError::new(ErrorCode::OwnerOnly, message).hint("p2p owner show")
}

/// A terminal that does not echo while this value exists.
struct Hidden<'a> {
    terminal: &'a File,
    before: Termios,
}

impl<'a> Hidden<'a> {
    /// Asks for a line.
    fn ask(terminal: &'a File, prompt: &str) -> io::Result<String> {
        let _hidden = Self::new(terminal)?;
        // Ctrl-C ends the wait but not this process, so that the terminal's echo is restored.
        let (interrupted, signal) = UnixStream::pair()?;
        signal_hook::low_level::pipe::register(SIGINT, signal)?;
        let mut terminal = terminal;
        terminal.write_all(prompt.as_bytes())?;
        let fds = [terminal.as_fd(), interrupted.as_fd()];
        let mut fds = fds.map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        poll(&mut fds, PollTimeout::from(PATIENCE_MS))?;
        if !fds[0].any().unwrap_or_default() {
            return Ok(String::new());
        }
        let mut line = String::new();
        BufReader::new(io::Read::take(terminal, LONGEST)).read_line(&mut line)?;
        Ok(line.trim_end_matches(['\n', '\r']).to_owned())
    }

    /// Turns echo off, and drops earlier input, because it was visible.
    fn new(terminal: &'a File) -> io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut hidden = before.clone();
        hidden.local_flags.remove(LocalFlags::ECHO);
        hidden.local_flags.insert(LocalFlags::ECHONL | LocalFlags::ICANON);
        tcsetattr(terminal, SetArg::TCSAFLUSH, &hidden)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        // If the terminal is gone, there is no echo to restore.
        let _ = tcsetattr(self.terminal, SetArg::TCSAFLUSH, &self.before);
    }
}

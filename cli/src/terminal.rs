//! What only a person at a terminal can say. It is read from the terminal itself, without echo:
//! never from an argument, a variable or stdin, where an agent could put it.

use std::fs::OpenOptions;
use std::io;

use p2p_ipc::{ErrorCode, RpcError};

/// Whether there is a terminal to ask at.
#[must_use]
pub fn is_there() -> bool {
    OpenOptions::new().read(true).write(true).open("/dev/tty").is_ok()
}

/// Asks for the proof that an owner sits there: the passphrase, or a one-time code.
///
/// # Errors
/// `owner_only` without a terminal.
pub fn proof() -> Result<String, RpcError> {
    secret("Passphrase or one-time code of the owner: ")
}

/// Asks for a new passphrase, twice.
///
/// # Errors
/// `owner_only` without a terminal, `usage` when the two differ.
pub fn new_passphrase() -> Result<String, RpcError> {
    let new = secret("New passphrase: ")?;
    if secret("The same again: ")? != new {
        let error = RpcError::new(ErrorCode::Usage, "the two differ: nothing was changed");
        return Err(error.hint("p2p owner passphrase"));
    }
    Ok(new)
}

fn secret(prompt: &str) -> Result<String, RpcError> {
    if !is_there() {
        let message = "this needs the owner at a terminal, and there is none; an owner can do it \
                       by direct message: /help says how";
        return Err(RpcError::new(ErrorCode::OwnerOnly, message).hint("p2p owner show"));
    }
    let typed = rpassword::prompt_password(prompt).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::Interrupted => nothing(),
        _ => RpcError::new(ErrorCode::OwnerOnly, format!("the terminal cannot be read: {error}"))
            .hint("p2p owner show"),
    })?;
    if typed.trim().is_empty() { Err(nothing()) } else { Ok(typed) }
}

fn nothing() -> RpcError {
    RpcError::new(ErrorCode::OwnerOnly, "nothing was typed").hint("p2p owner show")
}

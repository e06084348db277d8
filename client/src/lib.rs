//! The client of the daemon's socket: connect, start the daemon where none runs, and ask.
//!
//! Every front end uses this crate; it knows the socket protocol and nothing of what the daemon
//! does with it.

pub mod autostart;
mod connection;
pub mod detach;
mod new_file;
pub mod systemd;

pub use connection::{Client, ConnectError};
pub use new_file::write_new;

//! The socket protocol between `p2p` (or any other front end) and its daemon.
//!
//! JSON-RPC 2.0, one object per line, over a private Unix socket. This crate holds the request,
//! reply and error types and the line codec, and nothing else: it knows neither the wire that peers
//! see nor the tables on disk, so that either can change alone.
//!
//! Methods are named like the verbs of the command line; each is a type that implements
//! [`Method`]. A connection opens with [`method::HelloParams`], which settles
//! the version.

pub mod codec;
pub mod error;
pub mod method;
pub mod place;
pub mod view;

pub use error::{ErrorCode, ExitCode, RpcError};
pub use method::Method;
pub use place::{Place, quoted};

/// The version of the socket protocol that this crate speaks.
pub const PROTOCOL_VERSION: u32 = 2;

/// The longest line that either side accepts, in bytes, with its newline: a file of 256 KiB in
/// Base64, and room for the fields around it.
pub const LINE_LIMIT: usize = 1024 * 1024;

/// The largest file that `sendfile` takes, in bytes.
pub const FILE_LIMIT: usize = 256 * 1024;

/// The longest text of one message, in bytes of UTF-8.
pub const TEXT_LIMIT: usize = 24 * 1024;

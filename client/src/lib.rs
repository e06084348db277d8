//! The client of the daemon's socket: connects, starts the daemon if none runs, asks, and waits.
//!
//! Every front end uses this crate; it knows the socket protocol and nothing of what the daemon
//! does with it. It prints nothing and installs no signal handler.

#[cfg(feature = "async")]
mod async_client;
pub mod autostart;
mod connection;
pub mod detach;
mod exchange;
pub mod follow;
mod new_file;
mod on_demand;
pub mod systemd;
pub mod wait;

#[cfg(feature = "async")]
pub use async_client::AsyncClient;
pub use connection::Client;
pub use exchange::ConnectError;
pub use new_file::write_new;
pub use on_demand::DaemonConnection;

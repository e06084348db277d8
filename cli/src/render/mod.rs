//! The only layer that prints. A verb returns a typed value; this layer turns it into text for an
//! agent's context window, or into the one JSON line of `--json`.

pub mod call;
pub mod clean;
pub mod contact;
pub mod envelope;
pub mod file;
pub mod inbox;
pub mod invite;
pub mod message;
pub mod owner;
pub mod page;
pub mod purge;
pub mod question;
pub mod readers;
#[cfg(test)]
pub mod samples;
pub mod screen;
pub mod service;
pub mod status;
pub mod stream;
pub mod text;
pub mod transcript;
pub mod units;
pub mod verify;
pub mod words;

pub use screen::Screen;

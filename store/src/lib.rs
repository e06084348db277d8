//! The store: everything that must survive a restart, in one SQLite file.
//!
//! [`Store`] writes; the engine's thread owns it. [`Reader`] answers the socket's queries over a
//! connection of its own. Text is sealed (module `seal`), so a copied file shows no text. It does
//! show keys, handles, times, states and sizes.
//!
//! The disk has its own format: `migrations/` defines the tables, `codes` the words for enum
//! values, and each file of `tables/` converts the rows of its tables to the core's records and
//! back. The core's types stay free to change. Rumors alone are kept as the JSON that they are on
//! the wire.

mod codes;
mod commit;
mod conversation;
mod copies;
mod error;
mod migrations;
mod open;
mod read;
mod reader;
mod retention;
mod rows;
mod seal;
mod snapshot;
mod sql;
mod store;
mod tables;

#[cfg(test)]
mod tests;

pub use conversation::{conversation_key, parse_conversation_key};
pub use error::StoreError;
pub use read::log::LogQuery;
pub use read::readers::ReaderRow;
pub use reader::Reader;
pub use retention::sweep::Expired;
pub use rows::{CallRow, DiagnosisRow, FileRow, MessageRow, QuestionRow};
pub use store::Store;
pub use tables::messages::Receipt;

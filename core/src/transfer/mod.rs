//! Transfers of files.

pub mod change;

//! Connections to relays: one task for each relay, and the table of them.

pub(crate) mod address;
pub(crate) mod auth;
pub(crate) mod command;
pub(crate) mod connect;
pub(crate) mod link;
pub(crate) mod pool;
pub(crate) mod query;
pub(crate) mod session;
pub(crate) mod state;
pub(crate) mod status;
pub(crate) mod table;
pub(crate) mod upkeep;

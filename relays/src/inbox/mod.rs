//! Receiving: the live subscription, catching up with stored messages, checking what arrives.

pub(crate) mod admission;
pub(crate) mod catch_up;
pub(crate) mod ingest;
pub(crate) mod intake;
pub(crate) mod subscription;

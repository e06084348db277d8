//! The thread that owns the engine and the store, and the handle that everything else uses to
//! reach it.

mod catch_up;
mod effects;
pub(crate) mod engine_loop;
pub(crate) mod handle;
mod request;

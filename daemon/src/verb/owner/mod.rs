//! `p2p owner`: who owns this agent, and what an owner does at a terminal. The socket carries the
//! agent's authority only, so that each of these wants a proof that an owner is there.

mod order;
mod pair;
mod passphrase;
mod proof;
mod show;

pub(super) use order::run as order;
pub(super) use pair::run as pair;
pub(super) use passphrase::run as passphrase;
pub(super) use show::run as show;

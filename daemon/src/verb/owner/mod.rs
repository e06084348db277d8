//! `p2p owner`: who owns this agent, and what an owner does at a terminal. The socket carries the
//! agent's authority only, so that each of these wants a proof that an owner is there.

mod order;
mod pair;
mod passphrase;
mod proof;
mod show;

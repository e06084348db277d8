//! Support of the end-to-end tests: hermetic homes for the real binary, and the simulation.
//!
//! Tests with the real binary start their own relay on loopback and give each agent its own temporary
//! home, so that they run in parallel. `P2P_BIN` names another binary to test.

mod agent;
mod binary;
pub mod chaos;
pub mod interop;
mod meeting;
mod person;
mod process;
pub mod proxy;
mod relay;
mod server;
pub mod sim;
mod waiting;
mod wire;

pub use agent::Agent;
pub use binary::{binary, root};
pub use meeting::{Meeting, Said, Talk, handle_of, state, transcript};
pub use person::{Heard, Person};
pub use process::{Output, Running, is_alive, living_in, send_signal};
pub use relay::{Foreign, Relay, quiet_port};
pub use server::{Server, Told};
pub use waiting::{PATIENCE, eventually, until, within};
pub use wire::Wire;

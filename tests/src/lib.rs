//! What the tests of the whole share: a hermetic stage for the real binary, and the simulation.
//!
//! Tests through the binary start their own relay on loopback and give each agent a home of its
//! own under the system's temporary folder, so that they run beside each other. `P2P_BIN` names
//! another binary to test.

mod agent;
mod binary;
pub mod chaos;
pub mod interop;
mod meeting;
mod patience;
mod person;
mod process;
pub mod proxy;
mod relay;
mod server;
pub mod sim;
mod wire;

pub use agent::Agent;
pub use binary::{binary, root};
pub use meeting::{Meeting, Said, Talk, handle_of, state, transcript};
pub use patience::{PATIENCE, eventually, until, within};
pub use person::{Heard, Person};
pub use process::{Output, Running, is_alive, living_in, send_signal};
pub use relay::{Foreign, Relay, quiet_port};
pub use server::{Server, Told};
pub use wire::Wire;

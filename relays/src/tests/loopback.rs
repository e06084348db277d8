//! The way over real sockets: TCP, the system's clock, and a relay of other authors.

use nostr::Keys;
use nostr_relay_builder::builder::{RelayBuilderNip42, RelayBuilderNip42Mode};

use super::agent::Agent;
use crate::Roles;
use crate::embedded::{generous, start_with};
use crate::platform::Platform;

#[tokio::test]
async fn messages_pass_through_an_embedded_relay_that_wants_authentication() {
    let nip42 = RelayBuilderNip42 { mode: RelayBuilderNip42Mode::Both };
    let relay = start_with(0, generous().nip42(nip42)).await.unwrap();
    let agent = || {
        let roles = [(relay.url(), Roles::both())];
        Agent::with(Platform::system(), &Keys::generate(), &roles)
    };
    let (mut alice, mut bob) = (agent(), agent());
    alice.settle().await;
    bob.settle().await;
    alice.send(bob.key, "psst");
    assert_eq!(bob.message().await.1, "psst");
    bob.send(alice.key, "yes?");
    assert_eq!(alice.message().await.1, "yes?");
    relay.stop().await;
}

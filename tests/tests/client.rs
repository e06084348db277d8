//! The async client against a real daemon.

use std::collections::BTreeMap;
use std::time::Duration;

use p2p_client::AsyncClient;
use p2p_ipc::method::{InboxParams, StatusParams, WaitParams};
use p2p_tests::{Agent, Relay};

#[test]
fn an_async_client_asks_and_waits() {
    let relay = Relay::start();
    let agent = Agent::new("alice", &[relay.url()]);
    let npub = agent.json(&["whoami"])["npub"].as_str().unwrap().to_owned();
    let socket = agent.place().socket;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let connected = AsyncClient::connect(&socket, "test", BTreeMap::new()).await;
        let mut client = connected.unwrap();
        let status = client.call(&StatusParams::default(), Duration::ZERO).await.unwrap();
        assert_eq!(status.identity.npub, npub);
        let inbox = InboxParams { limit: 20, max_bytes: 1000, ..InboxParams::default() };
        let wait = WaitParams { inbox, kinds: Vec::new(), wait_ms: 50 };
        let nothing = client.call(&wait, Duration::from_millis(50)).await.unwrap();
        assert!(nothing.items.is_empty());
    });
}

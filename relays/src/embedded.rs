//! A relay in this process, for demos, tests, and a machine of one's own.
//!
//! It keeps everything in memory and listens on loopback only. It shares code with the client,
//! so it is no independent witness.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use nostr_relay_builder::builder::RateLimit;
use nostr_relay_builder::{LocalRelay, RelayBuilder};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

/// Events a minute from one connection. The relay counts in whole seconds since the last event,
/// so that a steady stream never earns anything back: only a large number is no limit.
const EVENTS_A_MINUTE: u32 = 10_000_000;
/// Subscriptions of one connection.
const SUBSCRIPTIONS: usize = 1000;
/// Events in one answer.
const ANSWER: usize = 5000;
/// The time for the port of a stopped relay to become free.
const GONE: Duration = Duration::from_secs(2);

/// A relay that could not be started.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct EmbeddedError(String);

/// A running relay. It ends when this is dropped.
#[derive(Debug)]
pub struct Embedded {
    url: String,
    address: SocketAddr,
    relay: LocalRelay,
}

/// Starts a relay on 127.0.0.1; port 0 chooses a free one.
///
/// # Errors
/// When the port is taken, or may not be used.
pub async fn start(port: u16) -> Result<Embedded, EmbeddedError> {
    start_with(port, generous()).await
}

/// Limits that demos and tests do not meet.
pub(super) fn generous() -> RelayBuilder {
    RelayBuilder::default()
        .rate_limit(RateLimit { max_reqs: SUBSCRIPTIONS, notes_per_minute: EVENTS_A_MINUTE })
        .max_filter_limit(ANSWER)
        .default_filter_limit(ANSWER)
}

pub(super) async fn start_with(
    port: u16,
    builder: RelayBuilder,
) -> Result<Embedded, EmbeddedError> {
    // The builder guesses at random ports by itself; the operating system knows the free ones.
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let probe =
        TcpListener::bind(address).await.map_err(|error| EmbeddedError(error.to_string()))?;
    let address = probe.local_addr().map_err(|error| EmbeddedError(error.to_string()))?;
    drop(probe);
    let relay = LocalRelay::new(builder.addr(address.ip()).port(address.port()));
    relay.run().await.map_err(|error| EmbeddedError(error.to_string()))?;
    Ok(Embedded { url: format!("ws://{address}"), address, relay })
}

impl Embedded {
    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The port that it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Ends it and every connection to it. Returns when the port is free again.
    pub async fn stop(self) {
        let by = Instant::now() + GONE;
        loop {
            // A connection that is busy at this moment does not hear of it: tell it again.
            self.relay.shutdown();
            sleep(Duration::from_millis(10)).await;
            let is_free = TcpListener::bind(self.address).await.is_ok();
            self.relay.shutdown();
            if is_free || Instant::now() >= by {
                return;
            }
        }
    }
}

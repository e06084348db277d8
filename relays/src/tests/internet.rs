//! A network in memory: addresses with listeners, names with addresses, a clock that follows tokio's.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::future::BoxFuture;
use p2p_core::Time;
use tokio::io::DuplexStream;
use tokio::time::Instant;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::platform::{Network, Platform, Stream};

/// Bytes that one side may be ahead of the other.
const BUFFER: usize = 64 * 1024;

type Listener = Box<dyn Fn(DuplexStream) + Send>;

/// The network. Clones are the same network.
#[derive(Clone, Default)]
pub struct Internet(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    listeners: BTreeMap<SocketAddr, Listener>,
    names: BTreeMap<String, VecDeque<IpAddr>>,
    last_port: u16,
}

impl std::fmt::Debug for Internet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Internet")
    }
}

impl Internet {
    /// Returns the platform of a machine in this network.
    pub fn platform(&self) -> Platform {
        Platform { network: Arc::new(self.clone()), now }
    }

    /// Returns a loopback address that nothing listens at.
    pub fn free_address(&self) -> SocketAddr {
        let mut state = self.state();
        state.last_port += 1;
        ([127, 0, 0, 1], state.last_port).into()
    }

    /// Hands each connection to an address to `serve`.
    pub fn listen(&self, address: SocketAddr, serve: impl Fn(DuplexStream) + Send + 'static) {
        self.state().listeners.insert(address, Box::new(serve));
    }

    /// Refuses connections to an address from now on.
    pub fn close(&self, address: SocketAddr) {
        self.state().listeners.remove(&address);
    }

    /// Gives a name its addresses, one for each time that it is looked up; the last one stays.
    pub fn name(&self, name: &str, addresses: &[IpAddr]) {
        self.state().names.insert(name.to_owned(), addresses.iter().copied().collect());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl Network for Internet {
    fn resolve(&self, domain: String, port: u16) -> BoxFuture<'_, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move {
            let mut state = self.state();
            let addresses = state.names.get_mut(&domain).ok_or(io::ErrorKind::NotFound)?;
            let address = if addresses.len() > 1 { addresses.pop_front() } else { None };
            let address = address.or(addresses.front().copied());
            Ok(address.map(|ip| (ip, port).into()).into_iter().collect())
        })
    }

    fn connect(
        &self,
        address: SocketAddr,
        _tls: Option<ServerName<'static>>,
    ) -> BoxFuture<'_, io::Result<Stream>> {
        Box::pin(async move {
            let state = self.state();
            let serve = state.listeners.get(&address).ok_or(io::ErrorKind::ConnectionRefused)?;
            let (ours, theirs) = tokio::io::duplex(BUFFER);
            serve(theirs);
            Ok(Box::new(ours) as Stream)
        })
    }
}

/// Returns the time of day, which passes as tokio's clock does.
pub fn now() -> Time {
    const EPOCH: Time = Time::from_secs(1_790_000_000);
    static START: LazyLock<std::time::Instant> = LazyLock::new(std::time::Instant::now);
    // A test's clock may have been stopped a little before the first one that was read.
    let passed = Instant::now() + Duration::from_secs(3600) - Instant::from_std(*START);
    EPOCH + passed
}

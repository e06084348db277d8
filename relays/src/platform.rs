//! The machine that this crate runs on: its clock, its resolver of names and its network.
//!
//! Production uses [`Platform::system`]. Tests put an in-memory network and a virtual clock in its
//! place, so that they never wait for real time.

use std::fmt::Debug;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};

use futures_util::future::BoxFuture;
use p2p_core::Time;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::monotonic;

/// Bytes both ways: TCP, TLS over TCP, or memory.
pub(crate) trait ByteStream: AsyncRead + AsyncWrite + Debug + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Debug + Send + Unpin> ByteStream for T {}

/// An open connection.
pub(crate) type Stream = Box<dyn ByteStream>;

/// A way to find addresses and to connect to them.
pub(crate) trait Network: Debug + Send + Sync {
    /// Returns the addresses of a domain.
    fn resolve(&self, domain: String, port: u16) -> BoxFuture<'_, io::Result<Vec<SocketAddr>>>;

    /// Connects to an address; with TLS where `tls` names the server.
    fn connect(
        &self,
        address: SocketAddr,
        tls: Option<ServerName<'static>>,
    ) -> BoxFuture<'_, io::Result<Stream>>;
}

/// The clock and the network.
#[derive(Debug, Clone)]
pub(crate) struct Platform {
    pub network: Arc<dyn Network>,
    /// Returns the time of day by this machine's clock.
    pub now: fn() -> Time,
}

impl Platform {
    /// Returns the machine's own clock and network.
    pub fn system() -> Self {
        Self { network: Arc::new(SystemNetwork), now: monotonic::now }
    }
}

/// DNS and TCP of the operating system.
#[derive(Debug)]
pub(crate) struct SystemNetwork;

impl Network for SystemNetwork {
    fn resolve(&self, domain: String, port: u16) -> BoxFuture<'_, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(lookup_host((domain, port)).await?.collect()) })
    }

    fn connect(
        &self,
        address: SocketAddr,
        tls: Option<ServerName<'static>>,
    ) -> BoxFuture<'_, io::Result<Stream>> {
        Box::pin(async move {
            let stream = TcpStream::connect(address).await?;
            // Messages are small, and a peer waits for each.
            let _ = stream.set_nodelay(true);
            Ok(match tls {
                Some(name) => {
                    Box::new(TlsConnector::from(roots()).connect(name, stream).await?) as Stream
                }
                None => Box::new(stream),
            })
        })
    }
}

/// Returns the TLS settings: Mozilla's list of authorities, no client certificate.
fn roots() -> Arc<ClientConfig> {
    static ROOTS: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
    });
    Arc::clone(&ROOTS)
}

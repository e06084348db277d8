//! Opening a WebSocket to a relay, and saying why it did not work.
//!
//! The addresses of a relay that a peer named are checked after DNS, and the connection goes to
//! the very addresses that were checked.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use nostr::types::url::{Host, Url};
use tokio::time::{Instant, timeout};
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_tungstenite::tungstenite::Error as WsError;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::platform::{Network, Stream};
use super::status::tidy;

/// How long all of it may take: DNS, TCP, TLS, the upgrade.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long one of several addresses is tried.
const ONE_ADDRESS: Duration = Duration::from_secs(4);
/// A larger message ends the connection. Far above [`super::admission::MAX_EVENT`], so that an
/// event that is too large is merely dropped.
const MAX_MESSAGE: usize = 4 * 1024 * 1024;

/// A connection to a relay.
pub(super) type Socket = WebSocketStream<Stream>;

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// Whether it was the relay that said no, rather than the network.
    pub is_refusal: bool,
    /// For the human.
    pub cause: String,
}

impl Failure {
    pub fn network(cause: impl Into<String>) -> Self {
        Self { is_refusal: false, cause: tidy(&cause.into()) }
    }

    pub fn refusal(cause: impl Into<String>) -> Self {
        Self { is_refusal: true, cause: tidy(&cause.into()) }
    }

    /// A failure of the WebSocket or of what is below.
    pub fn of(error: &WsError) -> Self {
        match error {
            WsError::Http(response) => {
                // 5xx is the relay's own trouble, 4xx is about us.
                let is_refusal = response.status().is_client_error();
                Self { is_refusal, cause: format!("HTTP {}", response.status()) }
            }
            WsError::Io(error) => Self::network(io_cause(error)),
            WsError::ConnectionClosed | WsError::AlreadyClosed => {
                Self::network("closed by the relay")
            }
            other => Self::network(other.to_string()),
        }
    }
}

/// A connection, and the time that the relay had when it was made.
#[derive(Debug)]
pub(super) struct Connected {
    pub socket: Socket,
    pub date: Option<String>,
    /// How long the relay took to answer.
    pub took: Duration,
}

/// Connects. `public_only`: a peer named this relay, so only public addresses will do.
pub(super) async fn connect(
    network: &dyn Network,
    url: &str,
    public_only: bool,
) -> Result<Connected, Failure> {
    let connecting = async {
        let stream = open(network, url, public_only).await?;
        upgrade(url, stream).await
    };
    timeout(TIMEOUT, connecting).await.unwrap_or_else(|_| {
        Err(Failure::network(format!("no connection in {} s", TIMEOUT.as_secs())))
    })
}

/// Opens a connection to where a URL says, encrypted where it says so.
pub(super) async fn open(
    network: &dyn Network,
    url: &str,
    public_only: bool,
) -> Result<Stream, Failure> {
    let addresses = resolve(network, url).await.map_err(Failure::network)?;
    if public_only && !addresses.iter().all(|address| is_public(address.ip())) {
        return Err(Failure::refusal("its address is not a public one"));
    }
    let tls = server_name(url)?;
    let mut last = Failure::network("no address");
    for address in addresses {
        match timeout(ONE_ADDRESS, network.connect(address, tls.clone())).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = Failure::network(io_cause(&error)),
            Err(_) => last = Failure::network("no answer from its address"),
        }
    }
    Err(last)
}

/// Returns the name that the server's certificate must carry, where the URL asks for encryption.
fn server_name(url: &str) -> Result<Option<ServerName<'static>>, Failure> {
    let parsed = Url::parse(url).map_err(|error| Failure::network(error.to_string()))?;
    if !matches!(parsed.scheme(), "wss" | "https") {
        return Ok(None);
    }
    let host = parsed.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    ServerName::try_from(host).map(Some).map_err(|error| Failure::network(error.to_string()))
}

async fn upgrade(url: &str, stream: Stream) -> Result<Connected, Failure> {
    let config = WebSocketConfig::default()
        .read_buffer_size(16 * 1024)
        .write_buffer_size(0)
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    let asked = Instant::now();
    match client_async_with_config(url, stream, Some(config)).await {
        Ok((socket, answer)) => {
            let date = answer.headers().get("date").and_then(|date| date.to_str().ok());
            Ok(Connected { socket, date: date.map(str::to_owned), took: asked.elapsed() })
        }
        Err(error) => Err(Failure::of(&error)),
    }
}

/// The addresses behind a relay's URL.
pub(super) async fn resolve(network: &dyn Network, url: &str) -> Result<Vec<SocketAddr>, String> {
    let parsed = Url::parse(url).map_err(|error| error.to_string())?;
    let port = parsed.port_or_known_default().ok_or("no port")?;
    let domain = match parsed.host() {
        None => return Err("no host".to_owned()),
        Some(Host::Ipv4(ip)) => return Ok(vec![(ip, port).into()]),
        Some(Host::Ipv6(ip)) => return Ok(vec![(ip, port).into()]),
        Some(Host::Domain(domain)) => domain,
    };
    let found = network.resolve(domain.to_owned(), port).await;
    let addresses: Vec<_> =
        found.map_err(|_| format!("no address found for {domain}"))?.into_iter().take(8).collect();
    if addresses.is_empty() { Err(format!("no address for {domain}")) } else { Ok(addresses) }
}

/// Whether an address is one of the public Internet, where a peer may send us to.
pub(super) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            !(ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_documentation()
                || a == 0
                || a >= 224 // multicast, reserved, broadcast
                || (a == 100 && (64..128).contains(&b)) // shared by carriers (CGNAT)
                || (a == 192 && b == 0 && c == 0)
                || (a == 192 && b == 88 && c == 99) // 6to4 relays
                || (a == 198 && (18..20).contains(&b))) // benchmarks
        }
        IpAddr::V6(ip) => {
            let s = ip.segments();
            // Only global unicast, and of that nothing which carries an IPv4 address inside.
            (s[0] & 0xe000) == 0x2000
                && s[0] != 0x2002 // 6to4
                && !(s[0] == 0x2001 && s[1] < 0x0200) // Teredo and other special uses
                && !(s[0] == 0x2001 && s[1] == 0x0db8) // documentation
                && !(s[0] == 0x3fff && s[1] < 0x1000) // documentation
        }
    }
}

fn io_cause(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        std::io::ErrorKind::ConnectionReset => "connection reset".to_owned(),
        std::io::ErrorKind::UnexpectedEof => "closed by the relay".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::SystemNetwork;

    #[test]
    fn only_public_addresses_are_public() {
        for ip in [
            "127.0.0.1",
            "127.8.8.8",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.127.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd12:3456::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:0:1::",
            "2001:db8::1",
            "3fff::1",
            "fec0::1",
        ] {
            assert!(!is_public(ip.parse().unwrap()), "{ip}");
        }
        for ip in [
            "1.1.1.1",
            "100.63.0.1",
            "100.128.0.1",
            "172.32.0.1",
            "198.20.0.1",
            "2606:4700::1111",
            "2a00:1450:4001::1",
            "2001:4860:4860::8888",
        ] {
            assert!(is_public(ip.parse().unwrap()), "{ip}");
        }
    }

    #[tokio::test]
    async fn a_peers_relay_at_a_private_address_is_not_connected_to() {
        for url in ["wss://127.0.0.1:1", "wss://[::1]:1", "wss://10.0.0.1", "wss://localhost:1"] {
            let failure = connect(&SystemNetwork, url, true).await.unwrap_err();
            assert!(failure.is_refusal, "{url}");
            assert_eq!(failure.cause, "its address is not a public one", "{url}");
        }
    }

    #[tokio::test]
    async fn a_closed_port_is_a_refused_connection() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let failure = connect(&SystemNetwork, &format!("ws://{free}"), false).await.unwrap_err();
        assert_eq!(failure, Failure::network("connection refused"));
    }

    #[tokio::test]
    async fn what_does_not_speak_tls_is_a_failure() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("wss://{}", listener.local_addr().unwrap());
        let answering = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let answer = b"HTTP/1.1 400 Bad Request\r\n\r\n";
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, answer).await;
            stream
        });
        let failure = connect(&SystemNetwork, &url, false).await.unwrap_err();
        assert!(!failure.is_refusal);
        assert_eq!(failure.cause, "received corrupt message of type InvalidContentType");
        drop(answering.await);
    }
}

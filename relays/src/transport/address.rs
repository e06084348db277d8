//! Addresses of relays, and connections to them.
//!
//! The addresses of a relay that a peer named are checked after DNS, and the connection goes to the
//! very addresses that were checked.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use nostr::types::url::{Host, Url};
use tokio::time::timeout;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::platform::{Network, Stream};
use crate::sanitize::sanitize;

/// The time for each of several addresses.
const ONE_ADDRESS: Duration = Duration::from_secs(4);
/// Addresses of one name that are tried.
const ADDRESSES: usize = 8;

/// The addresses that a connection may go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Any: our own configuration names the server.
    Anywhere,
    /// Public addresses only: a peer names the server.
    PublicOnly,
}

/// The reason why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// True when the relay refused us, false when the network or the relay failed.
    pub is_refusal: bool,
    /// The reason, for the human.
    pub cause: String,
}

impl Failure {
    pub fn network(cause: impl Into<String>) -> Self {
        Self { is_refusal: false, cause: sanitize(&cause.into()) }
    }

    pub fn refusal(cause: impl Into<String>) -> Self {
        Self { is_refusal: true, cause: sanitize(&cause.into()) }
    }

    /// Returns the failure of a socket.
    pub fn io(error: &std::io::Error) -> Self {
        Self::network(io_cause(error))
    }
}

/// Opens a connection to the server of a URL, with TLS where the scheme is `https` or `wss`.
pub(crate) async fn open(
    network: &dyn Network,
    url: &str,
    reach: Reach,
) -> Result<Stream, Failure> {
    let addresses = resolve(network, url).await.map_err(Failure::network)?;
    if reach == Reach::PublicOnly && !addresses.iter().all(|address| is_public(address.ip())) {
        return Err(Failure::refusal("its address is not a public one"));
    }
    let tls = server_name(url)?;
    let mut last = Failure::network("no address");
    for address in addresses {
        match timeout(ONE_ADDRESS, network.connect(address, tls.clone())).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = Failure::io(&error),
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

/// Returns the addresses of the server of a URL.
pub(crate) async fn resolve(network: &dyn Network, url: &str) -> Result<Vec<SocketAddr>, String> {
    let parsed = Url::parse(url).map_err(|error| error.to_string())?;
    let port = parsed.port_or_known_default().ok_or("no port")?;
    let domain = match parsed.host() {
        None => return Err("no host".to_owned()),
        Some(Host::Ipv4(ip)) => return Ok(vec![(ip, port).into()]),
        Some(Host::Ipv6(ip)) => return Ok(vec![(ip, port).into()]),
        Some(Host::Domain(domain)) => domain,
    };
    let found = network.resolve(domain.to_owned(), port).await;
    let mut addresses = found.map_err(|_| format!("no address found for {domain}"))?;
    addresses.truncate(ADDRESSES);
    if addresses.is_empty() { Err(format!("no address for {domain}")) } else { Ok(addresses) }
}

/// Returns whether an address belongs to the public Internet, where a peer may send us.
pub(crate) fn is_public(ip: IpAddr) -> bool {
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
}

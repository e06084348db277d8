//! Opening a WebSocket to a relay.

use std::time::Duration;

use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Error as WsError;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::platform::{Network, Stream};
use crate::transport::address::{Failure, Reach, open};

/// The time for DNS, TCP, TLS and the upgrade together.
const TIMEOUT: Duration = Duration::from_secs(10);
/// A larger message ends the connection. The limit is far above
/// [`crate::inbox::admission::MAX_EVENT`], so that an event that is too large is merely dropped.
const MAX_MESSAGE: usize = 4 * 1024 * 1024;

/// A WebSocket to a relay.
pub(crate) type Socket = WebSocketStream<Stream>;

/// A new connection.
#[derive(Debug)]
pub(crate) struct Connected {
    pub socket: Socket,
    /// The `Date` of the relay's answer.
    pub date: Option<String>,
    /// The time that the answer took.
    pub took: Duration,
}

/// Connects to a relay.
pub(crate) async fn connect(
    network: &dyn Network,
    url: &str,
    reach: Reach,
) -> Result<Connected, Failure> {
    let connecting = async {
        let stream = open(network, url, reach).await?;
        upgrade(url, stream).await
    };
    timeout(TIMEOUT, connecting).await.unwrap_or_else(|_| {
        Err(Failure::network(format!("no connection in {} s", TIMEOUT.as_secs())))
    })
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
        Err(error) => Err(failure(&error)),
    }
}

/// Returns the failure that an error of the WebSocket, or of the connection below it, means.
pub(crate) fn failure(error: &WsError) -> Failure {
    match error {
        WsError::Http(response) => {
            // 5xx is the relay's own trouble, 4xx is about us.
            let is_refusal = response.status().is_client_error();
            Failure { is_refusal, cause: format!("HTTP {}", response.status()) }
        }
        WsError::Io(error) => Failure::io(error),
        WsError::ConnectionClosed | WsError::AlreadyClosed => {
            Failure::network("closed by the relay")
        }
        other => Failure::network(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::SystemNetwork;

    #[tokio::test]
    async fn a_peers_relay_at_a_private_address_is_not_connected_to() {
        for url in ["wss://127.0.0.1:1", "wss://[::1]:1", "wss://10.0.0.1", "wss://localhost:1"] {
            let failure = connect(&SystemNetwork, url, Reach::PublicOnly).await.unwrap_err();
            assert!(failure.is_refusal, "{url}");
            assert_eq!(failure.cause, "its address is not a public one", "{url}");
        }
    }

    #[tokio::test]
    async fn a_closed_port_is_a_refused_connection() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let failure =
            connect(&SystemNetwork, &format!("ws://{free}"), Reach::Anywhere).await.unwrap_err();
        assert_eq!(failure, Failure::network("connection refused"));
    }

    #[tokio::test]
    async fn a_server_without_tls_is_a_failure() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("wss://{}", listener.local_addr().unwrap());
        let answering = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let answer = b"HTTP/1.1 400 Bad Request\r\n\r\n";
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, answer).await;
            stream
        });
        let failure = connect(&SystemNetwork, &url, Reach::Anywhere).await.unwrap_err();
        assert!(!failure.is_refusal);
        assert_eq!(failure.cause, "received corrupt message of type InvalidContentType");
        drop(answering.await);
    }
}

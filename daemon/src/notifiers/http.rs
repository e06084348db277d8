//! One POST to a server that the configuration names. Redirects are not followed, no proxy is used,
//! and only the status of the answer counts.

use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::task::JoinSet;

use super::outcome::Outcome;

/// The usual limit for a whole request: name, connection, answer.
pub(super) const LIMIT: Duration = Duration::from_secs(10);

/// A request to send.
pub(super) struct Post<'a> {
    pub url: &'a str,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
    pub limit: Duration,
}

impl Post<'_> {
    /// Sends the request once.
    pub async fn send(self) -> Outcome {
        let limit = self.limit;
        let sent = tokio::time::timeout(limit, self.exchange()).await;
        match sent {
            Ok(Ok(status)) => verdict(status),
            Ok(Err(cause)) => Outcome::Retry(cause),
            Err(_) => Outcome::Retry(format!("no answer in {} s", limit.as_secs())),
        }
    }

    async fn exchange(self) -> Result<StatusCode, String> {
        let uri: Uri = self.url.parse().map_err(|_| "the URL is not valid")?;
        let host = uri.authority().ok_or("the URL names no host")?.as_str().to_owned();
        let target = uri.path_and_query().map_or("/", |path| path.as_str());
        let mut request = Request::post(target)
            .header(HOST, host)
            .header(USER_AGENT, "p2p")
            .header(CONTENT_TYPE, "application/json");
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(Bytes::from(self.body)));
        // The error of a header may quote the header, and one of them holds a secret.
        let request = request.map_err(|_| "the request is not valid")?;
        let stream = p2p_relays::dial(self.url).await?;
        let connected = http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = connected.map_err(|error| error.to_string())?;
        // Dropped, and so ended, with this function.
        let mut driving = JoinSet::new();
        driving.spawn(connection);
        let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
        Ok(answer.status())
    }
}

/// Returns the outcome that an answer's status stands for.
fn verdict(status: StatusCode) -> Outcome {
    let code = status.as_u16();
    match code {
        200..300 => Outcome::Taken,
        300..400 => Outcome::GiveUp(format!("HTTP {code}: redirects are not followed")),
        408 | 425 | 429 | 500.. => Outcome::Retry(format!("HTTP {code}")),
        _ => Outcome::GiveUp(format!("HTTP {code}")),
    }
}

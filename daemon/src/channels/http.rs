//! One POST to a server that the configuration names. It is not sent on to where the server may
//! point, it asks no proxy, and of the answer only the status counts.

use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::task::JoinSet;

use super::Outcome;

/// How long all of it may take, mostly: name, connection, answer.
pub(super) const LIMIT: Duration = Duration::from_secs(10);

/// A request that waits to be sent.
pub(super) struct Post<'a> {
    pub url: &'a str,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
    pub limit: Duration,
}

impl Post<'_> {
    /// Sends it once.
    pub async fn send(self) -> Outcome {
        let limit = self.limit;
        let sent = tokio::time::timeout(limit, self.exchange()).await;
        match sent {
            Ok(Ok(status)) => verdict(status),
            Ok(Err(cause)) => Outcome::Later(cause),
            Err(_) => Outcome::Later(format!("no answer in {} s", limit.as_secs())),
        }
    }

    async fn exchange(self) -> Result<StatusCode, String> {
        let uri: Uri = self.url.parse().map_err(|_| "its address is none")?;
        let host = uri.authority().ok_or("its address names no host")?.as_str().to_owned();
        let target = uri.path_and_query().map_or("/", |path| path.as_str());
        let mut request = Request::post(target)
            .header(HOST, host)
            .header(USER_AGENT, "p2p")
            .header(CONTENT_TYPE, "application/json");
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(Bytes::from(self.body)));
        // What is wrong with a header may quote it, and there is a secret in one.
        let request = request.map_err(|_| "it cannot be asked like this")?;
        let stream = p2p_relays::dial(self.url).await?;
        let shaken = http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = shaken.map_err(|error| error.to_string())?;
        // Ends with this.
        let mut driving = JoinSet::new();
        driving.spawn(connection);
        let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
        Ok(answer.status())
    }
}

/// What an answer means for another try.
fn verdict(status: StatusCode) -> Outcome {
    let code = status.as_u16();
    match code {
        200..300 => Outcome::Took,
        300..400 => Outcome::Never(format!("HTTP {code}: it is not followed elsewhere")),
        408 | 425 | 429 | 500.. => Outcome::Later(format!("HTTP {code}")),
        _ => Outcome::Never(format!("HTTP {code}")),
    }
}

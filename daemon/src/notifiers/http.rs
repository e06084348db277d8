//! One POST to a server that the configuration names. Redirects are not followed, no proxy is used,
//! and only the status of the answer counts.

use std::time::Duration;

use p2p_relays::http::HttpRequest;

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
        let mut request = HttpRequest::post(self.url, self.body)
            .header("content-type", "application/json")
            .limit(self.limit);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        match request.send().await {
            Ok(answer) => verdict(answer.status),
            Err(error) => Outcome::Retry(error.to_string()),
        }
    }
}

/// Returns the outcome that an answer's status stands for.
fn verdict(code: u16) -> Outcome {
    match code {
        200..300 => Outcome::Taken,
        300..400 => Outcome::GiveUp(format!("HTTP {code}: redirects are not followed")),
        408 | 425 | 429 | 500.. => Outcome::Retry(format!("HTTP {code}")),
        _ => Outcome::GiveUp(format!("HTTP {code}")),
    }
}

//! A small HTTP client: one request over a connection of its own, with limits of time and size. It
//! follows no redirects and uses no proxy.

use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body as _, Bytes};
use hyper::client::conn::http1;
use hyper::header::{DATE, HOST, USER_AGENT};
use hyper::{Method, Request, Uri};
use hyper_util::rt::TokioIo;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::platform::{Network, SystemNetwork};
use crate::transport::address::{self, Reach};

/// A request. Its headers and body are not shown in errors.
#[derive(Clone)]
pub struct HttpRequest {
    method: Method,
    url: String,
    headers: Vec<(&'static str, String)>,
    body: String,
    limit: Duration,
    max_body: usize,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// The `Date` header.
    pub date: Option<String>,
    /// The body; empty where it was not asked for, is too large, or broke off.
    pub body: Vec<u8>,
    /// The time from the request to the head of the answer.
    pub took: Duration,
}

/// The reason why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The URL cannot be parsed, or names no host.
    #[error("the URL is invalid")]
    InvalidUrl,
    /// A header is invalid. It may hold a secret, so it is not quoted.
    #[error("a header of the request is invalid")]
    InvalidHeader,
    /// The server cannot be connected to.
    #[error("{0}")]
    Connect(String),
    /// The connection broke before the answer.
    #[error("{0}")]
    Exchange(String),
    /// The answer did not come in time.
    #[error("no answer in {} s", .0.as_secs())]
    TimedOut(Duration),
}

impl HttpRequest {
    /// Returns a GET of a URL; the scheme may be that of a WebSocket.
    #[must_use]
    pub fn get(url: &str) -> Self {
        Self {
            method: Method::GET,
            url: url.to_owned(),
            headers: Vec::new(),
            body: String::new(),
            limit: Duration::from_secs(10),
            max_body: 64 * 1024,
        }
    }

    /// Returns a POST to a URL. The body of the answer is not read.
    #[must_use]
    pub fn post(url: &str, body: String) -> Self {
        Self { method: Method::POST, body, max_body: 0, ..Self::get(url) }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Sets the time that name lookup, connection and answer may take together.
    #[must_use]
    pub fn limit(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Sends the request over the system's network.
    ///
    /// # Errors
    /// When there is no answer in time. An HTTP status of failure is an answer.
    pub async fn send(self) -> Result<HttpResponse, HttpError> {
        self.send_over(&SystemNetwork, Reach::Anywhere).await
    }

    /// Sends the request over a network.
    pub(crate) async fn send_over(
        self,
        network: &dyn Network,
        reach: Reach,
    ) -> Result<HttpResponse, HttpError> {
        let limit = self.limit;
        let answer = timeout(limit, self.exchange(network, reach)).await;
        answer.unwrap_or(Err(HttpError::TimedOut(limit)))
    }

    async fn exchange(
        self,
        network: &dyn Network,
        reach: Reach,
    ) -> Result<HttpResponse, HttpError> {
        let uri: Uri = self.url.parse().map_err(|_| HttpError::InvalidUrl)?;
        let host = uri.authority().ok_or(HttpError::InvalidUrl)?.as_str();
        let target = uri.path_and_query().map_or("/", |path| path.as_str());
        let mut request = Request::builder()
            .method(self.method)
            .uri(target)
            .header(HOST, host)
            .header(USER_AGENT, "p2p");
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(Bytes::from(self.body)));
        let request = request.map_err(|_| HttpError::InvalidHeader)?;
        let stream = address::open(network, &self.url, reach).await;
        let stream = stream.map_err(|failure| HttpError::Connect(failure.cause))?;
        let exchange = |error: hyper::Error| HttpError::Exchange(error.to_string());
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(exchange)?;
        // The task ends with this request.
        let mut driving = JoinSet::new();
        driving.spawn(connection);
        let asked = Instant::now();
        let answer = sender.send_request(request).await.map_err(exchange)?;
        let took = asked.elapsed();
        let date = answer.headers().get(DATE).and_then(|date| date.to_str().ok());
        let (status, date) = (answer.status().as_u16(), date.map(str::to_owned));
        let mut body = Vec::new();
        let is_small = answer.body().size_hint().lower() <= self.max_body as u64;
        if self.max_body > 0 && is_small {
            let read = Limited::new(answer.into_body(), self.max_body).collect().await;
            body = read.map(|body| body.to_bytes().to_vec()).unwrap_or_default();
        }
        Ok(HttpResponse { status, date, body, took })
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::tests::internet::Internet;

    /// Serves `answer` to one request, and returns the result and the request.
    async fn exchange(
        request: impl FnOnce(&str) -> HttpRequest,
        answer: &'static str,
    ) -> (Result<HttpResponse, HttpError>, String) {
        let internet = Internet::default();
        let address = internet.free_address();
        let (seen, sight) = std::sync::mpsc::channel();
        internet.listen(address, move |mut stream| {
            let seen = seen.clone();
            tokio::spawn(async move {
                let mut head = vec![0; 4096];
                let length = stream.read(&mut head).await.unwrap();
                seen.send(String::from_utf8_lossy(&head[..length]).into_owned()).unwrap();
                stream.write_all(answer.as_bytes()).await.unwrap();
                std::future::pending::<()>().await;
            });
        });
        let request = request(&format!("http://{address}/path?query"));
        let answer = request.send_over(&internet, Reach::Anywhere).await;
        (answer, sight.try_recv().unwrap_or_default())
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_is_sent_and_its_answer_read() {
        let get = |url: &str| HttpRequest::get(url).header("accept", "x/y");
        let answer = "HTTP/1.1 200 OK\r\ndate: today\r\ncontent-length: 2\r\n\r\nhi";
        let (answer, request) = exchange(get, answer).await;
        let answer = answer.unwrap();
        assert!(request.starts_with("GET /path?query HTTP/1.1\r\n"), "{request}");
        assert!(request.contains("accept: x/y\r\n"), "{request}");
        assert_eq!((answer.status, answer.body), (200, b"hi".to_vec()));
        assert_eq!(answer.date.as_deref(), Some("today"));
    }

    #[tokio::test(start_paused = true)]
    async fn redirects_are_not_followed_and_large_bodies_not_read() {
        let answer =
            "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1/\r\ncontent-length: 0\r\n\r\n";
        let post = |url: &str| HttpRequest::post(url, "body".into());
        let (answer, request) = exchange(post, answer).await;
        assert_eq!(answer.unwrap().status, 302);
        assert!(request.starts_with("POST "), "{request}");
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\nhi";
        let (answer, _) = exchange(HttpRequest::get, answer).await;
        assert_eq!(answer.unwrap().body, b"");
    }

    #[tokio::test(start_paused = true)]
    async fn silence_refusal_and_invalid_requests_are_errors_without_secrets() {
        let (answer, _) = exchange(HttpRequest::get, "").await;
        assert_eq!(answer, Err(HttpError::TimedOut(Duration::from_secs(10))));
        let (answer, _) = exchange(|url| HttpRequest::get(url).header("key", "a\nb"), "").await;
        assert_eq!(answer, Err(HttpError::InvalidHeader));
        let closed = HttpRequest::get("http://127.0.0.1:9");
        let closed = closed.send_over(&Internet::default(), Reach::Anywhere).await;
        assert_eq!(closed, Err(HttpError::Connect("connection refused".into())));
    }
}

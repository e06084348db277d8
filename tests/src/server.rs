//! An HTTP server that records requests and answers as a test tells it to.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

/// A server on loopback. It serves until the test's process ends.
#[derive(Debug, Clone)]
pub struct Server {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    answers: String,
    heard: Vec<Told>,
    held: Vec<TcpStream>,
}

/// A request that the server received.
#[derive(Debug, Clone)]
pub struct Told {
    /// `/hooks/wake`.
    pub path: String,
    /// Its headers, by names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Its body.
    pub body: String,
}

impl Told {
    /// Returns the body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

impl Server {
    /// Starts a server that answers 200 to everything.
    ///
    /// # Panics
    /// If there is no free port.
    #[must_use]
    #[expect(clippy::expect_used, reason = "that is how a test fails")]
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        let this = Self { address, state: Arc::default() };
        this.answers("200 OK");
        let server = this.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = server.clone();
                std::thread::spawn(move || server.serve(stream));
            }
        });
        this
    }

    /// Returns its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sets the answer: a status, and further header lines. With an empty text it never answers.
    pub fn answers(&self, head: &str) {
        self.state().answers = head.to_owned();
    }

    /// Returns all requests, whatever it answered.
    #[must_use]
    pub fn heard(&self) -> Vec<Told> {
        self.state().heard.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, stream: TcpStream) -> Option<()> {
        let mut lines = BufReader::new(stream.try_clone().ok()?);
        let mut line = String::new();
        lines.read_line(&mut line).ok()?;
        let path = line.split(' ').nth(1)?.to_owned();
        let mut headers = BTreeMap::new();
        loop {
            line.clear();
            lines.read_line(&mut line).ok()?;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.insert(name.to_lowercase(), value.trim().to_owned());
        }
        let mut body = vec![0; headers.get("content-length")?.parse().ok()?];
        lines.read_exact(&mut body).ok()?;
        let told = Told { path, headers, body: String::from_utf8(body).ok()? };
        let mut state = self.state();
        state.heard.push(told);
        if state.answers.is_empty() {
            state.held.push(stream);
            return None;
        }
        let answer = format!("HTTP/1.1 {}\r\nContent-Length: 2\r\n\r\nok", state.answers);
        drop(state);
        (&stream).write_all(answer.as_bytes()).ok()?;
        stream.shutdown(Shutdown::Write).ok()
    }
}

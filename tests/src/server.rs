//! A little HTTP server that keeps what it is told, and answers as a test wants it to.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

/// A server on loopback. It serves as long as the test's process lives.
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

/// What the server was told.
#[derive(Debug, Clone)]
pub struct Told {
    /// `/hooks/wake`.
    pub path: String,
    /// By names in lower case.
    pub headers: BTreeMap<String, String>,
    /// As it came.
    pub body: String,
}

impl Told {
    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

impl Server {
    /// A server that takes everything.
    ///
    /// # Panics
    /// When there is no port for it.
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

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers so from now on: a status, and more lines of the head. Without any it never answers.
    pub fn answers(&self, head: &str) {
        self.state().answers = head.to_owned();
    }

    /// Everything that it was told, whatever it answered.
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

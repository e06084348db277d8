//! People with an app by others: the program `tests/interop/person.mjs`.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use serde_json::{Value, json};

use crate::agent::Agent;
use crate::binary::root;
use crate::interop;
use crate::relay::Relay;
use crate::waiting::{PATIENCE, until};
use crate::wire::Wire;

/// Two people who write to an agent from one program: the person, and another one.
#[derive(Debug)]
pub struct Person {
    child: Child,
    stdin: RefCell<ChildStdin>,
    told: Receiver<Value>,
    heard: RefCell<VecDeque<Value>>,
    /// The person's key, in hex.
    pub key: String,
    /// The other one's key, in hex.
    pub other: String,
}

/// A message that the app received.
#[derive(Debug, Clone)]
pub struct Heard {
    /// The rumor's id.
    pub id: String,
    /// Its text.
    pub text: String,
    /// The whole rumor.
    pub whole: Value,
}

impl Person {
    /// Starts the program once the agent can be written to. Returns nothing, with a printed notice,
    /// where the program cannot run.
    ///
    /// # Panics
    /// If it does not start.
    #[expect(clippy::expect_used, reason = "that is how a test fails")]
    #[must_use]
    pub fn start(relay: &Relay, agent: &Agent, test: &str) -> Option<Self> {
        let Some(modules) = interop::nostr_tools() else {
            let how = "npm install --no-save --no-package-lock --prefix target/interop nostr-tools@2.25 ws@8";
            interop::skipped(test, "node and npm's nostr-tools, ws", how);
            return None;
        };
        let key = agent.hex();
        let mut wire = Wire::open(relay.url());
        let list = json!({"kinds": [10050], "authors": [key]});
        until("the agent's kind 10050 is out", || !wire.ask(&list).is_empty());
        let mut child = Command::new("node")
            .arg(root().join("tests/interop/person.mjs"))
            .args([modules.as_os_str(), relay.url().as_ref(), key.as_ref()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node runs");
        let stdin = child.stdin.take().expect("it has a stdin");
        let stdout = BufReader::new(child.stdout.take().expect("it has a stdout"));
        let (tell, told) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = tell.send(serde_json::from_str(&line).unwrap_or(Value::String(line)));
            }
        });
        let heard = RefCell::default();
        let stdin = RefCell::new(stdin);
        let mut person =
            Self { child, stdin, told, heard, key: String::new(), other: String::new() };
        let ready = person.answer("ready");
        person.key = ready["ready"].as_str().unwrap_or_default().to_owned();
        person.other = ready["other"].as_str().unwrap_or_default().to_owned();
        Some(person)
    }

    /// Sends a text to the agent and returns the rumor's id.
    #[must_use]
    pub fn says(&self, text: &str) -> String {
        self.does(&json!({ "text": text }))
    }

    /// Runs a command of `person.mjs`, waits until a relay took the event, and returns the rumor's id.
    ///
    /// # Panics
    /// If the program does not read it.
    #[expect(clippy::expect_used, reason = "that is how a test fails")]
    pub fn does(&self, line: &Value) -> String {
        writeln!(self.stdin.borrow_mut(), "{line}").expect("it reads");
        self.answer("said")["said"].as_str().unwrap_or_default().to_owned()
    }

    /// Waits for a message to the person that fits, and removes it from those that arrived.
    ///
    /// # Panics
    /// If none arrives.
    pub fn hears(&self, what: &str, fits: impl Fn(&str) -> bool) -> Heard {
        self.takes("me", what, fits)
    }

    /// Does the same for the other one.
    ///
    /// # Panics
    /// If none arrives.
    pub fn other_hears(&self, what: &str, fits: impl Fn(&str) -> bool) -> Heard {
        self.takes("other", what, fits)
    }

    /// Returns the messages to either that were not waited for.
    #[must_use]
    pub fn left(&self) -> Vec<String> {
        let heard = self.heard.borrow();
        heard.iter().filter_map(|message| message["content"].as_str().map(String::from)).collect()
    }

    #[expect(clippy::panic, reason = "that is how a test fails")]
    fn takes(&self, to: &str, what: &str, fits: impl Fn(&str) -> bool) -> Heard {
        let since = Instant::now();
        loop {
            let fitting = |message: &Value| {
                message["to"] == to && message["content"].as_str().is_some_and(&fits)
            };
            let found = self.heard.borrow().iter().position(fitting);
            if let Some(whole) = found.and_then(|at| self.heard.borrow_mut().remove(at)) {
                let word = |field: &str| whole[field].as_str().unwrap_or_default().to_owned();
                return Heard { id: word("id"), text: word("content"), whole };
            }
            let left = PATIENCE.saturating_sub(since.elapsed());
            match self.told.recv_timeout(left) {
                Ok(message) => self.heard.borrow_mut().push_back(message),
                Err(_) => panic!("{to} does not hear: {what}; but {:#?}", self.left()),
            }
        }
    }

    /// Returns the program's next line with this field, and keeps messages for later.
    #[expect(clippy::expect_used, reason = "that is how a test fails")]
    fn answer(&self, field: &str) -> Value {
        loop {
            let told = self.told.recv_timeout(PATIENCE).expect("the program answers");
            if told.get(field).is_some() {
                return told;
            }
            assert!(told.get("content").is_some(), "{told}");
            self.heard.borrow_mut().push_back(told);
        }
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

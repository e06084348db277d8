//! A relay that goes wrong on purpose: a proxy on loopback between daemons and a relay. It reads
//! the Nostr messages that pass, and does to them what a [`Rule`] or a seeded [`Storm`] says.
//!
//! It runs on threads of its own, so that blocking tests and asynchronous ones can use it.

mod auth;
mod front;
mod line;
mod plan;
mod shared;

pub use plan::{Door, Fault, Rule, Storm, Tally, Way};

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::broadcast;

use plan::Plan;
use shared::{Order, Shared};

/// Orders that a connection may be behind.
const ORDERS: usize = 256;

/// A proxy. It and every connection through it end when this is dropped.
#[derive(Debug)]
pub struct Proxy {
    url: String,
    shared: Arc<Shared>,
    runtime: Option<Runtime>,
}

impl Proxy {
    /// A proxy before the relay at `upstream`, which may come and go.
    ///
    /// # Panics
    /// When it cannot be started.
    #[expect(clippy::expect_used, reason = "that is how a test fails")]
    #[must_use]
    pub fn before(upstream: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a proxy has a runtime");
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        let url = format!("ws://{}", listener.local_addr().expect("a port has an address"));
        listener.set_nonblocking(true).expect("a listener can be nonblocking");
        let shared = Arc::new(Shared {
            upstream: upstream.to_owned(),
            plan: Mutex::default(),
            orders: broadcast::channel(ORDERS).0,
        });
        let serving = Arc::clone(&shared);
        runtime.spawn(async move {
            let Ok(listener) = TcpListener::from_std(listener) else { return };
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(front::receive(Arc::clone(&serving), stream));
            }
        });
        Self { url, shared, runtime: Some(runtime) }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Does `fault` to what the rule names. Of several rules the first one given counts.
    pub fn rule(&self, rule: Rule) {
        self.plan().rules.push(rule);
    }

    /// Faults by chance from now on, where no rule says otherwise.
    pub fn storm(&self, storm: Storm) {
        self.plan().storm = Some(storm);
    }

    /// No faults from now on. Connections that were frozen are cut, so that nothing stays stuck.
    pub fn calm(&self) {
        let mut plan = self.plan();
        plan.rules.clear();
        plan.storm = None;
        plan.door = Door::Open;
        plan.wall = (false, false);
        plan.limit = None;
        drop(plan);
        self.cut();
    }

    /// Sets how later connections are received.
    pub fn door(&self, door: Door) {
        self.plan().door = door;
    }

    /// Cuts every connection.
    pub fn cut(&self) {
        self.order(Order::Cut);
    }

    /// Passes nothing on any connection that stands, and answers no ping: half-open.
    pub fn freeze(&self) {
        self.order(Order::Freeze);
    }

    /// Tells every client something.
    pub fn say(&self, message: &Value) {
        self.order(Order::Say(message.to_string()));
    }

    /// Ends every subscription with a `CLOSED` and these words.
    pub fn close_all(&self, words: &str) {
        self.order(Order::End(Some(words.to_owned())));
    }

    /// Forgets every subscription without a word. Pings are answered.
    pub fn forget_all(&self) {
        self.order(Order::End(None));
    }

    /// Demands to know who a client is, before it reads or before it writes, from now on, on
    /// connections that stand as well.
    pub fn demand_auth(&self, reading: bool, writing: bool) {
        self.plan().wall = (reading, writing);
        self.order(Order::Demand);
    }

    /// Takes so many events in each span of this length, over all connections, and refuses more
    /// as `rate-limited`.
    pub fn limit_writes(&self, events: u32, span: Duration) {
        self.plan().limit = Some(plan::Limit { events, span, since: Instant::now(), taken: 0 });
    }

    /// Takes as many events as come.
    pub fn lift_limit(&self) {
        self.plan().limit = None;
    }

    /// Sets its NIP-11 document. Without one it answers with 404.
    pub fn about(&self, document: Value) {
        self.plan().about = Some(document);
    }

    /// Sets by how many seconds its `Date` headers are ahead of this machine's clock.
    pub fn clock_ahead(&self, seconds: i64) {
        self.plan().clock_ahead = seconds;
    }

    /// Returns the counts of what it did.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.plan().tally.clone()
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.shared.plan()
    }

    fn order(&self, order: Order) {
        // Nobody listens where nobody is connected.
        let _ = self.shared.orders.send(order);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

//! A relay in memory that a test can spoil: it serves WebSockets and NIP-11, keeps events, and does
//! to the messages of a connection what its [`Plan`] says.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use nostr::{Event, EventBuilder, Filter, JsonUtil, Keys, Kind, Tag, Timestamp};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::broadcast;
use tokio::time::sleep;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::internet::{Internet, now};

/// What is done to a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// The message is lost.
    Drop,
    /// The message and those behind it wait.
    Delay(Duration),
    /// The connection ends instead.
    Cut,
    /// A client's event is refused with this text.
    Refuse(&'static str),
    /// The event is served twice.
    Twice,
    /// The content of the event is changed.
    Alter,
    /// Another event, which nobody asked for, is served before it.
    Foreign,
    /// An expired wrap is served before it.
    Expired,
    /// The event that was served last is served before it.
    Replay,
}

/// How connections are received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reception {
    /// As a relay receives them.
    #[default]
    Open,
    /// With this HTTP status.
    Status(u16),
    /// Accepted, and never answered.
    Mute,
    /// Closed at once.
    Slammed,
}

/// A fault that befalls certain messages.
#[derive(Debug, Clone)]
pub struct FaultRule {
    /// `REQ` and `EVENT` come from a client, `SERVE` is an event on its way to one.
    pub label: &'static str,
    pub kind: Option<u16>,
    pub left: u32,
    pub fault: Fault,
}

/// The faults of one address, and counts of what passed.
#[derive(Debug, Default)]
pub struct Plan {
    pub reception: Reception,
    pub rules: Vec<FaultRule>,
    /// Whether a client must authenticate to read, and to write.
    pub wall: (bool, bool),
    pub rate_limited: bool,
    /// The NIP-11 document.
    pub about: Option<Value>,
    /// Seconds that the relay's clock is ahead, where HTTP answers show the time.
    pub clock_ahead: Option<i64>,
    /// The most events in one answer.
    pub page: Option<usize>,
    /// Connections to the address, and WebSockets that came of them.
    pub attempts: u32,
    pub connections: u32,
    pub frozen: u32,
    pub refused: u32,
    /// Events that clients sent, by kind.
    pub written: Vec<u16>,
}

impl Plan {
    fn fault(&mut self, label: &str, kind: Option<u16>) -> Option<Fault> {
        let fits = |rule: &&mut FaultRule| {
            rule.label == label && rule.left > 0 && (rule.kind.is_none() || rule.kind == kind)
        };
        let rule = self.rules.iter_mut().find(fits)?;
        rule.left -= 1;
        Some(rule.fault.clone())
    }
}

#[derive(Debug, Clone)]
enum Order {
    Cut,
    Freeze,
    Say(String),
    /// End every subscription, with this text or silently.
    End(Option<String>),
    Demand,
}

/// Events that a relay keeps.
#[derive(Debug)]
struct Store {
    events: Mutex<Vec<Event>>,
    live: broadcast::Sender<Event>,
}

impl Store {
    fn put(&self, event: Event) {
        let mut events = self.events.lock().unwrap();
        if events.iter().any(|other| other.id == event.id) {
            return;
        }
        let place = |event: &Event| {
            let name = event.tags.identifier().map(str::to_owned);
            let kind = event.kind;
            (kind.is_replaceable() || kind.is_addressable()).then_some((kind, event.pubkey, name))
        };
        if let Some(at) = place(&event) {
            if events
                .iter()
                .any(|o| place(o) == Some(at.clone()) && o.created_at > event.created_at)
            {
                return;
            }
            events.retain(|other| place(other) != Some(at.clone()));
        }
        events.push(event.clone());
        drop(events);
        let _ = self.live.send(event);
    }

    fn query(&self, filter: &Filter, page: Option<usize>) -> Vec<Event> {
        let events = self.events.lock().unwrap();
        let fits = |event: &&Event| filter.match_event(event, Default::default());
        let mut found: Vec<Event> = events.iter().filter(fits).cloned().collect();
        found.sort_by_key(|event| std::cmp::Reverse(event.created_at));
        found.truncate(filter.limit.unwrap_or(usize::MAX).min(page.unwrap_or(usize::MAX)));
        found
    }
}

/// A relay at one address. Clones are the same address.
#[derive(Debug, Clone)]
pub struct FakeRelay {
    pub internet: Internet,
    pub url: String,
    address: SocketAddr,
    store: Arc<Store>,
    plan: Arc<Mutex<Plan>>,
    orders: broadcast::Sender<Order>,
}

impl FakeRelay {
    pub fn start(internet: &Internet) -> Self {
        Self::start_at(internet, internet.free_address())
    }

    pub fn start_at(internet: &Internet, address: SocketAddr) -> Self {
        let store = Store { events: Mutex::default(), live: broadcast::channel(10_000).0 };
        Self::serve(internet, address, Arc::new(store))
    }

    /// Opens another address of the same relay, with faults of its own.
    pub fn second_address(&self) -> Self {
        Self::serve(&self.internet, self.internet.free_address(), Arc::clone(&self.store))
    }

    fn serve(internet: &Internet, address: SocketAddr, store: Arc<Store>) -> Self {
        let scheme = if address.port() == 443 { "wss" } else { "ws" };
        let url = format!("{scheme}://{address}").trim_end_matches(":443").to_owned();
        let relay = Self {
            internet: internet.clone(),
            url,
            address,
            store,
            plan: Arc::default(),
            orders: broadcast::channel(16).0,
        };
        let serving = relay.clone();
        internet.listen(address, move |stream| {
            tokio::spawn(serving.clone().receive(stream));
        });
        relay
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes the address and every connection.
    pub fn stop(&self) {
        self.internet.close(self.address);
        self.cut();
    }

    pub fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap()
    }

    /// Does `fault` to the next message of this label and kind.
    pub fn once(&self, label: &'static str, kind: Option<u16>, fault: Fault) {
        self.plan().rules.push(FaultRule { label, kind, left: 1, fault });
    }

    /// Stores an event, past every fault.
    pub fn put(&self, event: Event) {
        self.store.put(event);
    }

    /// Returns the stored events of a kind.
    pub fn stored(&self, kind: u16) -> Vec<Event> {
        self.store.query(&Filter::new().kind(Kind::from(kind)), None)
    }

    pub fn cut(&self) {
        let _ = self.orders.send(Order::Cut);
    }

    /// Answers nothing on the connections that stand, not even pings.
    pub fn freeze(&self) {
        let _ = self.orders.send(Order::Freeze);
    }

    pub fn say(&self, message: &Value) {
        let _ = self.orders.send(Order::Say(message.to_string()));
    }

    pub fn close_subscriptions(&self, text: &str) {
        let _ = self.orders.send(Order::End(Some(text.to_owned())));
    }

    pub fn forget_subscriptions(&self) {
        let _ = self.orders.send(Order::End(None));
    }

    /// Demands authentication from now on, on connections that stand as well.
    pub fn demand_auth(&self, reading: bool, writing: bool) {
        self.plan().wall = (reading, writing);
        let _ = self.orders.send(Order::Demand);
    }

    async fn receive(self, mut stream: DuplexStream) {
        self.plan().attempts += 1;
        let reception = self.plan().reception;
        match reception {
            Reception::Slammed => return,
            Reception::Mute => return std::future::pending().await,
            Reception::Open | Reception::Status(_) => {}
        }
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => return,
            }
        }
        let head = String::from_utf8(head).unwrap();
        let (ahead, about) = {
            let plan = self.plan();
            (plan.clock_ahead, plan.about.clone())
        };
        let date = ahead.map(|ahead| http_date(now().secs().saturating_add_signed(ahead)));
        let date = date.map(|date| format!("date: {date}\r\n")).unwrap_or_default();
        let key = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("sec-websocket-key").then_some(value)
        });
        let (status, body) = match (reception, key, &about) {
            (Reception::Status(status), ..) => (status, String::new()),
            (_, Some(key), _) => {
                let accept = derive_accept_key(key.as_bytes());
                let answer = format!(
                    "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n{date}sec-websocket-accept: {accept}\r\n\r\n"
                );
                stream.write_all(answer.as_bytes()).await.unwrap();
                self.plan().connections += 1;
                let socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
                let connection = Connection {
                    socket,
                    orders: self.orders.subscribe(),
                    live: self.store.live.subscribe(),
                    relay: self,
                    subscriptions: BTreeMap::new(),
                    challenge: None,
                    is_known: false,
                    served: None,
                };
                let _ = connection.run().await;
                return;
            }
            (_, None, Some(about)) => (200, about.to_string()),
            (_, None, None) => (404, String::new()),
        };
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status} Status\r\n{date}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        let _ = stream.write_all(answer.as_bytes()).await;
    }
}

/// The end of a connection.
#[derive(Debug)]
struct Ended;

struct Connection {
    relay: FakeRelay,
    socket: WebSocketStream<DuplexStream>,
    orders: broadcast::Receiver<Order>,
    live: broadcast::Receiver<Event>,
    subscriptions: BTreeMap<String, Filter>,
    challenge: Option<String>,
    is_known: bool,
    served: Option<Event>,
}

impl Connection {
    async fn run(mut self) -> Result<(), Ended> {
        if self.relay.plan().wall != (false, false) {
            self.demand().await?;
        }
        loop {
            tokio::select! {
                frame = self.socket.next() => match frame {
                    Some(Ok(Message::Text(text))) => {
                        let message = serde_json::from_str(&text).map_err(|_| Ended)?;
                        self.client_says(&message).await?;
                    }
                    Some(Ok(_)) => {}
                    _ => return Err(Ended),
                },
                order = self.orders.recv() => self.obey(order.map_err(|_| Ended)?).await?,
                event = self.live.recv() => {
                    let event = event.map_err(|_| Ended)?;
                    let fits = |filter: &Filter| filter.match_event(&event, Default::default());
                    let ids = self.subscriptions.iter().filter(|(_, filter)| fits(filter));
                    for id in ids.map(|(id, _)| id.clone()).collect::<Vec<_>>() {
                        self.serve(&id, event.clone()).await?;
                    }
                }
            }
        }
    }

    async fn obey(&mut self, order: Order) -> Result<(), Ended> {
        match order {
            Order::Cut => Err(Ended),
            Order::Freeze => {
                self.relay.plan().frozen += 1;
                loop {
                    if let Order::Cut = self.orders.recv().await.map_err(|_| Ended)? {
                        return Err(Ended);
                    }
                }
            }
            Order::Say(text) => self.write(text).await,
            Order::End(text) => self.end_all(text.as_deref()).await,
            Order::Demand => self.demand().await,
        }
    }

    async fn demand(&mut self) -> Result<(), Ended> {
        self.is_known = false;
        let challenge = Keys::generate().public_key().to_hex();
        self.challenge = Some(challenge.clone());
        self.tell(json!(["AUTH", challenge])).await?;
        let reading = self.relay.plan().wall.0;
        if reading { self.end_all(Some("auth-required: who are you?")).await } else { Ok(()) }
    }

    async fn end_all(&mut self, text: Option<&str>) -> Result<(), Ended> {
        for id in std::mem::take(&mut self.subscriptions).into_keys() {
            if let Some(text) = text {
                self.tell(json!(["CLOSED", id, text])).await?;
            }
        }
        Ok(())
    }

    async fn client_says(&mut self, message: &Value) -> Result<(), Ended> {
        let label = message[0].as_str().ok_or(Ended)?;
        let kind = message[1]["kind"].as_u64().and_then(|kind| u16::try_from(kind).ok());
        let fault = self.relay.plan().fault(label, kind);
        match fault {
            Some(Fault::Drop) => return Ok(()),
            Some(Fault::Delay(time)) => sleep(time).await,
            Some(Fault::Cut) => return Err(Ended),
            Some(Fault::Refuse(text)) => {
                self.relay.plan().refused += 1;
                return self.tell(json!(["OK", message[1]["id"], false, text])).await;
            }
            _ => {}
        }
        match label {
            "EVENT" => self.write_event(&message[1]).await,
            "REQ" => {
                let id = message[1].as_str().ok_or(Ended)?;
                let filter = Filter::from_json(message[2].to_string()).map_err(|_| Ended)?;
                self.request(id, filter).await
            }
            "CLOSE" => {
                self.subscriptions.remove(message[1].as_str().ok_or(Ended)?);
                Ok(())
            }
            "AUTH" => self.authenticate(&message[1]).await,
            _ => Err(Ended),
        }
    }

    async fn write_event(&mut self, event: &Value) -> Result<(), Ended> {
        let event = Event::from_json(event.to_string()).map_err(|_| Ended)?;
        let (wall, is_limited) = {
            let plan = self.relay.plan();
            (plan.wall.1, plan.rate_limited)
        };
        let refusal = if wall && !self.is_known {
            Some("auth-required: who are you?")
        } else if is_limited {
            Some("rate-limited: slow down")
        } else if event.verify().is_err() {
            Some("invalid: bad signature")
        } else {
            None
        };
        if let Some(text) = refusal {
            self.relay.plan().refused += 1;
            return self.tell(json!(["OK", event.id, false, text])).await;
        }
        self.relay.plan().written.push(event.kind.as_u16());
        let answer = json!(["OK", event.id, true, ""]);
        self.relay.store.put(event);
        self.tell(answer).await
    }

    async fn request(&mut self, id: &str, filter: Filter) -> Result<(), Ended> {
        if self.relay.plan().wall.0 && !self.is_known {
            return self.tell(json!(["CLOSED", id, "auth-required: who are you?"])).await;
        }
        let page = self.relay.plan().page;
        for event in self.relay.store.query(&filter, page) {
            self.serve(id, event).await?;
        }
        self.subscriptions.insert(id.to_owned(), filter.remove_limit());
        self.tell(json!(["EOSE", id])).await
    }

    async fn authenticate(&mut self, event: &Value) -> Result<(), Ended> {
        let event = Event::from_json(event.to_string()).map_err(|_| Ended)?;
        let challenge = event.tags.challenge();
        // As strict relays have it: within ten minutes.
        let right = now().secs().saturating_add_signed(self.relay.plan().clock_ahead.unwrap_or(0));
        let is_timely = event.created_at.as_secs().abs_diff(right) < 600;
        self.is_known = event.kind == Kind::Authentication
            && challenge == self.challenge.as_deref()
            && is_timely
            && event.verify().is_ok();
        self.tell(json!(["OK", event.id, self.is_known, ""])).await
    }

    /// Sends an event to the client, as the plan wants.
    async fn serve(&mut self, id: &str, event: Event) -> Result<(), Ended> {
        let fault = self.relay.plan().fault("SERVE", Some(event.kind.as_u16()));
        let mut events = vec![event.clone()];
        match fault {
            Some(Fault::Drop) => return Ok(()),
            Some(Fault::Twice) => events.push(event.clone()),
            Some(Fault::Alter) => events[0].content.push('A'),
            Some(Fault::Foreign) => events.insert(0, foreign()),
            Some(Fault::Expired) => events.insert(0, expired(&event)),
            Some(Fault::Replay) => events.extend(self.served.take()),
            _ => {}
        }
        self.served = Some(event);
        for event in events {
            self.write(format!("[\"EVENT\",{},{}]", json!(id), event.as_json())).await?;
        }
        Ok(())
    }

    async fn tell(&mut self, message: Value) -> Result<(), Ended> {
        self.write(message.to_string()).await
    }

    async fn write(&mut self, text: String) -> Result<(), Ended> {
        self.socket.send(Message::text(text)).await.map_err(|_| Ended)
    }
}

fn foreign() -> Event {
    EventBuilder::text_note("not for you").sign_with_keys(&Keys::generate()).unwrap()
}

/// Returns a wrap to the receiver of another one that expired long ago (NIP-40).
fn expired(wrap: &Event) -> Event {
    let to = *wrap.tags.public_keys().next().unwrap();
    let tags = [Tag::public_key(to), Tag::expiration(Timestamp::from(1_600_000_000))];
    EventBuilder::new(Kind::GiftWrap, "AAAA").tags(tags).sign_with_keys(&Keys::generate()).unwrap()
}

fn http_date(seconds: u64) -> String {
    httpdate::fmt_http_date(std::time::UNIX_EPOCH + Duration::from_secs(seconds))
}

//! One connection through the proxy: what passes, what does not, and what comes instead.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use nostr::{EventBuilder, JsonUtil, Keys, Kind, Tag, Timestamp};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::auth::Gatekeeper;
use super::plan::{Fault, Way};
use super::shared::{Order, Shared};

/// Events that were served lately and may be served again.
const LATELY: usize = 32;
/// With nothing to wait for, look this much later.
const LATER: Duration = Duration::from_secs(3600);

/// A subscription of the client.
#[derive(Debug, Default)]
struct Subscription {
    /// Recipient that the client subscribed for: the `p` of its filter.
    receiver: Option<String>,
    served: VecDeque<Value>,
}

/// Delayed messages of one direction, in order.
#[derive(Debug, Default)]
struct Queue(VecDeque<(Instant, Message)>);

impl Queue {
    fn push(&mut self, message: Message, delay: Duration) {
        let at = Instant::now() + delay;
        let at = self.0.back().map_or(at, |(last, _)| at.max(*last));
        self.0.push_back((at, message));
    }

    fn due(&mut self) -> Option<Message> {
        let due = self.0.front().is_some_and(|(at, _)| *at <= Instant::now());
        if due { self.0.pop_front().map(|(_, message)| message) } else { None }
    }
}

/// Outcome of an attempt to inject a fault.
enum Made {
    /// The message does not pass.
    Instead,
    /// It passes as well.
    Beside,
}

struct Line {
    shared: Arc<Shared>,
    subscriptions: BTreeMap<String, Subscription>,
    gate: Gatekeeper,
    to_client: Queue,
    to_relay: Queue,
    frozen: bool,
    over: bool,
}

/// Serves a connection until either side ends it, or a fault does.
pub(super) async fn serve(
    shared: Arc<Shared>,
    mut client: WebSocketStream<TcpStream>,
    mut relay: WebSocketStream<MaybeTlsStream<TcpStream>>,
) {
    let mut orders = shared.orders.subscribe();
    let walled = shared.plan().wall != (false, false);
    let mut line = Line {
        shared,
        subscriptions: BTreeMap::new(),
        gate: Gatekeeper::default(),
        to_client: Queue::default(),
        to_relay: Queue::default(),
        frozen: false,
        over: false,
    };
    if walled {
        line.demand();
    }
    while !line.over {
        let head = |queue: &Queue| queue.0.front().map(|(at, _)| *at);
        let due = [head(&line.to_client), head(&line.to_relay)].into_iter().flatten().min();
        tokio::select! {
            frame = client.next(), if !line.frozen => match frame {
                Some(Ok(Message::Text(text))) => line.pass(Way::Up, text.as_str()),
                Some(Ok(_)) => {}
                _ => return,
            },
            frame = relay.next(), if !line.frozen => match frame {
                Some(Ok(Message::Text(text))) => line.pass(Way::Down, text.as_str()),
                Some(Ok(_)) => {}
                _ => return,
            },
            order = orders.recv() => match order {
                Ok(order) => line.obey(order),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            },
            () = sleep_until(due.unwrap_or(Instant::now() + LATER)), if !line.frozen => {}
        }
        while let Some(message) = line.to_client.due().filter(|_| !line.frozen) {
            if client.send(message).await.is_err() {
                return;
            }
        }
        while let Some(message) = line.to_relay.due().filter(|_| !line.frozen) {
            if relay.send(message).await.is_err() {
                return;
            }
        }
    }
}

impl Line {
    /// A message came: passes it on, or does to it what the plan says.
    fn pass(&mut self, way: Way, text: &str) {
        let message: Value = serde_json::from_str(text).unwrap_or_default();
        let label = message[0].as_str().unwrap_or_default().to_owned();
        if way == Way::Up && self.receive(&label, &message) {
            return;
        }
        let fault = {
            let mut plan = self.shared.plan();
            *(if way == Way::Up { &mut plan.tally.up } else { &mut plan.tally.down }) += 1;
            plan.fault(way, &label, text)
        };
        let mut delay = Duration::ZERO;
        if let Some(fault) = fault
            && let Some(made) = self.make(way, &label, &message, &fault)
        {
            self.shared.plan().count(&fault);
            match (made, fault) {
                (Made::Instead, _) => return,
                (Made::Beside, Fault::Twice) => self.queue(way).push(Message::text(text), delay),
                (Made::Beside, Fault::Delay(by)) => delay = by,
                (Made::Beside, _) => {}
            }
        }
        if way == Way::Down && label == "EVENT" {
            let served = message[1].as_str().and_then(|id| self.subscriptions.get_mut(id));
            if let Some(Subscription { served, .. }) = served {
                served.push_back(message);
                if served.len() > LATELY {
                    served.pop_front();
                }
            }
        }
        self.queue(way).push(Message::text(text), delay);
    }

    /// Notes what a client says, and answers where the proxy does so in the relay's place.
    fn receive(&mut self, label: &str, message: &Value) -> bool {
        let (reading, writing) = self.shared.plan().wall;
        match label {
            "AUTH" => {
                let Some(answer) = self.gate.answer(&message[1]) else { return false };
                self.tell(&answer);
                true
            }
            "REQ" if reading && self.gate.bars() => {
                self.tell(&json!(["CLOSED", message[1], "auth-required: who are you?"]));
                true
            }
            "EVENT" if writing && self.gate.bars() => {
                let id = &message[1]["id"];
                self.tell(&json!(["OK", id, false, "auth-required: who are you?"]));
                true
            }
            "REQ" => {
                let id = message[1].as_str().unwrap_or_default().to_owned();
                self.shared.plan().asked(message);
                let receiver = message[2]["#p"][0].as_str().map(str::to_owned);
                self.subscriptions.entry(id).or_default().receiver = receiver;
                false
            }
            "CLOSE" => {
                self.subscriptions.remove(message[1].as_str().unwrap_or_default());
                false
            }
            _ => false,
        }
    }

    /// Makes a fault of a message. Nothing where it does not apply.
    fn make(&mut self, way: Way, label: &str, message: &Value, fault: &Fault) -> Option<Made> {
        let of_client = way == Way::Up && label == "EVENT";
        let of_relay = way == Way::Down;
        let subscription = match (way, label) {
            (Way::Down, "EVENT" | "EOSE") | (Way::Up, "REQ") => message[1].as_str(),
            _ => None,
        };
        let told = match fault {
            Fault::Delay(_) | Fault::Twice => return Some(Made::Beside),
            Fault::Drop => vec![],
            Fault::Cut => {
                self.over = true;
                vec![]
            }
            Fault::Freeze => {
                self.frozen = true;
                vec![]
            }
            Fault::Refuse(words) if of_client => {
                vec![json!(["OK", message[1]["id"], false, words])]
            }
            Fault::Lie if of_client => vec![json!(["OK", message[1]["id"], true, ""])],
            Fault::Close(words) => {
                self.end(subscription?, Some(words));
                vec![]
            }
            Fault::Alter if of_relay && label == "EVENT" => vec![altered(message)],
            Fault::Forget if of_relay => {
                self.end(subscription?, None);
                return Some(Made::Beside);
            }
            Fault::Auth => {
                self.shared.plan().wall = (true, true);
                self.demand();
                return Some(Made::Beside);
            }
            _ if of_relay => return self.add(subscription, fault),
            _ => return None,
        };
        told.iter().for_each(|message| self.tell(message));
        Some(Made::Instead)
    }

    /// Sends something to the client beside the relay's message.
    fn add(&mut self, subscription: Option<&str>, fault: &Fault) -> Option<Made> {
        let known = || subscription.and_then(|id| self.subscriptions.get(id));
        let told = match fault {
            Fault::Notice(words) => vec![json!(["NOTICE", words])],
            Fault::Foreign => vec![json!(["EVENT", subscription?, foreign()?])],
            Fault::Expired => {
                let event = known()?.receiver.as_deref().and_then(expired)?;
                vec![json!(["EVENT", subscription?, event])]
            }
            Fault::Replay => known()?.served.iter().cloned().collect(),
            _ => return None,
        };
        told.iter().for_each(|message| self.tell(message));
        (!told.is_empty()).then_some(Made::Beside)
    }

    fn obey(&mut self, order: Order) {
        let fault = match order {
            Order::Cut => {
                self.over = true;
                Fault::Cut
            }
            Order::Freeze => {
                self.frozen = true;
                Fault::Freeze
            }
            Order::Say(text) => return self.to_client.push(Message::text(text), Duration::ZERO),
            Order::End(words) => {
                for id in self.subscriptions.keys().cloned().collect::<Vec<_>>() {
                    self.end(&id, words.as_deref());
                }
                words.map_or(Fault::Forget, Fault::Close)
            }
            Order::Demand => {
                self.demand();
                Fault::Auth
            }
        };
        self.shared.plan().count(&fault);
    }

    /// Asks a client who it is; what it reads so far ends, if that is behind the wall.
    fn demand(&mut self) {
        let challenge = self.gate.challenge();
        self.tell(&challenge);
        if self.shared.plan().wall.0 {
            for id in self.subscriptions.keys().cloned().collect::<Vec<_>>() {
                self.end(&id, Some("auth-required: who are you?"));
            }
        }
    }

    /// Ends a subscription at the relay, and says so to the client where there are words for it.
    fn end(&mut self, id: &str, words: Option<&str>) {
        self.subscriptions.remove(id);
        self.to_relay.push(Message::text(json!(["CLOSE", id]).to_string()), Duration::ZERO);
        if let Some(words) = words {
            self.tell(&json!(["CLOSED", id, words]));
        }
    }

    fn tell(&mut self, message: &Value) {
        self.to_client.push(Message::text(message.to_string()), Duration::ZERO);
    }

    fn queue(&mut self, way: Way) -> &mut Queue {
        if way == Way::Up { &mut self.to_relay } else { &mut self.to_client }
    }
}

/// Returns an event message whose content does not fit its signature.
fn altered(message: &Value) -> Value {
    let mut altered = message.clone();
    let content = message[2]["content"].as_str().unwrap_or_default();
    altered[2]["content"] = format!("{content}A").into();
    altered
}

/// A well-made event that has nothing to do with anything.
fn foreign() -> Option<Value> {
    let event = EventBuilder::text_note("not for you").sign_with_keys(&Keys::generate()).ok()?;
    serde_json::from_str(&event.as_json()).ok()
}

/// A wrap to `receiver` that expired long ago (NIP-40).
fn expired(receiver: &str) -> Option<Value> {
    let to = nostr::PublicKey::parse(receiver).ok()?;
    let tags = [Tag::public_key(to), Tag::expiration(Timestamp::from(1_600_000_000))];
    let event = EventBuilder::new(Kind::GiftWrap, "AAAA").tags(tags);
    let event = event.sign_with_keys(&Keys::generate()).ok()?;
    serde_json::from_str(&event.as_json()).ok()
}

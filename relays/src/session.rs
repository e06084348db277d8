//! One relay, while there is a connection: what comes in, what goes out, and by when.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use nostr::{
    ClientMessage, Event, EventBuilder, EventId, JsonUtil, RelayMessage, RelayUrl, SubscriptionId,
    Timestamp,
};
use p2p_core::Time;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::{Error as WsError, Message, Utf8Bytes};

use super::admission::MAX_EVENT;
use super::catch_up;
use super::connect::{Failure, Socket};
use super::inbox::{self, Inbox, Step};
use super::link::{IDLE, Link, until};
use super::outbox::Answered;
use super::query::req;
use super::status::tidy;
use super::wrap::Rejected;

/// How often the relay is pinged.
const PING: Duration = Duration::from_secs(20);
/// How long a relay may be silent, pings included.
const SILENCE: Duration = Duration::from_secs(50);
/// How long it may be silent after this machine slept.
const PROOF: Duration = Duration::from_secs(5);
/// How long one write may take.
const WRITE: Duration = Duration::from_secs(10);
/// Challenges that are answered on one connection (NIP-42).
const CHALLENGES: u8 = 20;
/// How long questions wait for a relay's answer to our authentication.
const AUTH: Duration = Duration::from_secs(3);
/// What surrounds an event in the message that brings it.
const ENVELOPE: usize = 512;

/// What lasts as long as the connection.
struct Session {
    /// Where we listen, if it is an inbox.
    inbox: Option<Inbox>,
    auth: Auth,
    /// What goes out next, before messages.
    out: VecDeque<Message>,
    /// When anything came last.
    alive: Instant,
    pinged: Instant,
    /// Since the machine woke: when the relay must have shown itself.
    proof: Option<Instant>,
    /// When there was last something to send.
    busy: Instant,
    /// The relay's last words.
    farewell: Option<String>,
}

impl Session {
    /// Why the stream ended.
    fn end(self, last: Option<Result<Message, WsError>>) -> Failure {
        match (self.farewell, last) {
            (Some(words), _) => Failure::refusal(format!("closed by the relay: {words}")),
            (None, Some(Err(error))) => Failure::of(&error),
            (None, _) => Failure::network("closed by the relay"),
        }
    }
}

/// How far NIP-42 got.
#[derive(Default)]
struct Auth {
    challenge: Option<String>,
    /// Our answer to it, and when it was given.
    sent: Option<(EventId, Instant)>,
    accepted: bool,
    answered: u8,
}

impl Link {
    /// Serves a connection until it ends, and says why it did.
    pub async fn serve(&mut self, mut socket: Socket) -> Failure {
        tracing::info!(relay = %self.url, "connected");
        self.status.connected();
        self.outbox.connected();
        self.woken = false;
        let now = Instant::now();
        let mut session = Session {
            inbox: self.roles.inbox.then(|| Inbox::new(now)),
            auth: Auth::default(),
            out: VecDeque::from([ping(self.hub.platform.now)]),
            alive: now,
            pinged: now,
            proof: None,
            busy: now,
            farewell: None,
        };
        loop {
            if !self.tend(&mut session, Instant::now()) {
                return Failure::network("it answers no subscription");
            }
            if let Err(failure) = self.transmit(&mut session, &mut socket).await {
                return failure;
            }
            let now = Instant::now();
            if now >= session.alive + SILENCE {
                return Failure::network(format!("no sign of life for {} s", SILENCE.as_secs()));
            }
            if session.proof.is_some_and(|by| now >= by) {
                return Failure::network("gone since this machine slept");
            }
            if self.is_done(&session, now) {
                let _ = timeout(Duration::from_millis(300), socket.close(None)).await;
                return Failure::network("closed by us");
            }
            let deadline = self.session_deadline(&session);
            tokio::select! {
                frame = socket.next() => match frame {
                    Some(Ok(message)) => self.receive(&mut session, message),
                    ended => return session.end(ended),
                },
                order = self.orders.recv() => match order {
                    Some(order) => self.take(order),
                    None => return Failure::network("shut down"),
                },
                Some(whole) = self.catching_up.join_next(), if !self.catching_up.is_empty() => {
                    if let Some(inbox) = &mut session.inbox {
                        inbox.caught_up(whole.unwrap_or(false), Instant::now());
                    }
                }
                () = until(Some(deadline)) => {}
            }
        }
    }

    /// Does what is due by the clock. False when this connection is good for nothing.
    fn tend(&mut self, session: &mut Session, at: Instant) -> bool {
        self.outbox.expire(at);
        let (refusal, pace) = self.outbox.trouble();
        self.status.writing(refusal, pace);
        session.out.extend(self.queries.expire(at).into_iter().map(Message::Text));
        if std::mem::take(&mut self.woken) {
            session.proof = Some(at + PROOF);
            session.pinged = at;
            session.out.push_back(ping(self.hub.platform.now));
        }
        if at >= session.pinged + PING {
            session.pinged = at;
            session.out.push_back(ping(self.hub.platform.now));
        }
        if let Some(inbox) = &mut session.inbox {
            match inbox.step(at) {
                Step::Subscribe => {
                    let filter = inbox::live(self.hub.me, self.hub.clock.now());
                    session.out.push_back(Message::Text(req(&self.hub.inbox_id, &filter)));
                }
                Step::Silent => self.status.deaf("no answer to our subscription".to_owned()),
                Step::Hopeless => return false,
                Step::Rest => {}
            }
            if std::mem::take(&mut self.missed) {
                inbox.missed(at);
            }
            if inbox.catches_up(at, self.hub.ingest.has_room()) {
                let (hub, url) = (Arc::clone(&self.hub), Arc::clone(&self.url));
                self.catching_up.spawn(catch_up::run(hub, url));
            }
        }
        // What the relay refuses before it knows us is asked afterwards.
        if session.auth.sent.is_none_or(|(_, sent)| at >= sent + AUTH) {
            let limits = self.hub.limits(&self.url);
            while let Some(text) = self.queries.next(at, &limits) {
                session.out.push_back(Message::Text(text));
            }
        }
        if !self.outbox.is_empty() {
            session.busy = at;
        }
        true
    }

    /// Writes what waits.
    async fn transmit(
        &mut self,
        session: &mut Session,
        socket: &mut Socket,
    ) -> Result<(), Failure> {
        loop {
            let message = match session.out.pop_front() {
                Some(message) => message,
                None => match self.outbox.next(Instant::now()) {
                    Some(text) => Message::Text(text),
                    None => return Ok(()),
                },
            };
            match timeout(WRITE, socket.send(message)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(Failure::of(&error)),
                Err(_) => return Err(Failure::network("it takes nothing for 10 s")),
            }
        }
    }

    fn session_deadline(&self, session: &Session) -> Instant {
        let mut deadline = (session.pinged + PING).min(session.alive + SILENCE);
        let closing = self.closing.as_ref().map(|(by, _)| *by);
        let auth = session.auth.sent.map(|(_, sent)| sent + AUTH).filter(|by| *by > session.alive);
        let idle = (!self.roles.is_ours()).then(|| session.busy + IDLE);
        let inbox = session.inbox.as_ref().map(Inbox::next_deadline);
        let others = [self.next_deadline(), closing, auth, idle, inbox, session.proof];
        for other in others.into_iter().flatten() {
            deadline = deadline.min(other);
        }
        deadline
    }

    /// Whether the connection has served its purpose.
    fn is_done(&self, session: &Session, now: Instant) -> bool {
        let closes =
            self.closing.as_ref().is_some_and(|(by, _)| self.outbox.is_empty() || now >= *by);
        let is_idle = !self.roles.is_ours() && now >= session.busy + IDLE;
        closes || is_idle
    }

    fn receive(&mut self, session: &mut Session, message: Message) {
        let at = Instant::now();
        session.alive = at;
        session.proof = None;
        let text = match message {
            Message::Text(text) => text,
            Message::Pong(sent) => return self.ponged(&sent),
            Message::Close(Some(frame)) if !frame.reason.is_empty() => {
                session.farewell = Some(tidy(&frame.reason));
                return;
            }
            // Pings are answered below us; a close is followed by the end of the stream.
            _ => return,
        };
        // Cheapest first: what is too large is not even parsed.
        if text.len() > MAX_EVENT + ENVELOPE {
            self.hub.gate.refuse(&self.url, Rejected::Oversized);
            return;
        }
        match RelayMessage::from_json(text.as_str()) {
            Ok(RelayMessage::Event { subscription_id, event }) => {
                let (id, size) = (subscription_id.as_str(), text.len());
                if id == self.hub.inbox_id {
                    self.admit(session, event.into_owned(), size, at);
                } else {
                    self.queries.event(id, event.into_owned(), size);
                }
            }
            Ok(RelayMessage::Ok { event_id, status, message }) => {
                self.answered(session, event_id, status, &message, at);
            }
            Ok(RelayMessage::EndOfStoredEvents(id)) => self.eose(session, &id, at),
            Ok(RelayMessage::Closed { subscription_id, message }) => {
                self.closed(session, &subscription_id, &message, at);
            }
            Ok(RelayMessage::Auth { challenge }) => {
                session.auth.challenge = Some(challenge.into_owned());
                session.auth.accepted = false;
                // A relay that only a peer uses learns who we are when it insists: our wraps
                // do not say whose they are, and the connection need not.
                if self.roles.is_ours() {
                    self.authenticate(session);
                }
            }
            Ok(RelayMessage::Notice(words)) => {
                tracing::debug!(relay = %self.url, words = tidy(&words), "notice");
            }
            Ok(_) => {}
            Err(_) => tracing::debug!(relay = %self.url, size = text.len(), "unreadable message"),
        }
    }

    /// Lets an event in to be looked at: already seen, budget, room.
    fn admit(&mut self, session: &mut Session, event: Event, size: usize, at: Instant) {
        let is_news = !self.hub.gate.has_seen(&event.id);
        if let Some(inbox) = &mut session.inbox {
            inbox.brought(is_news, at);
        }
        if !is_news {
            return;
        }
        let dropped = if !self.budget.take(at) {
            Rejected::OverBudget
        } else if !self.hub.ingest.offer(event, size, &self.url) {
            Rejected::NoRoom
        } else {
            return;
        };
        self.hub.gate.refuse(&self.url, dropped);
        if let Some(inbox) = &mut session.inbox {
            inbox.missed(at);
        }
    }

    fn answered(&mut self, session: &mut Session, id: EventId, ok: bool, words: &str, at: Instant) {
        if session.auth.sent.is_some_and(|(sent, _)| sent == id) {
            session.auth.sent = None;
            session.auth.accepted = ok;
            if ok {
                self.outbox.authenticated();
                if let Some(inbox) = &mut session.inbox {
                    inbox.authenticated(at);
                }
            } else if session.inbox.as_ref().is_some_and(|inbox| !inbox.is_listening()) {
                self.status.deaf(format!("our authentication was refused: {}", tidy(words)));
            }
            return;
        }
        if self.outbox.answered(id, ok, words, at) == Answered::NeedsAuth {
            self.authenticate(session);
        }
    }

    fn eose(&mut self, session: &mut Session, id: &SubscriptionId, at: Instant) {
        if id.as_str() != self.hub.inbox_id {
            let close = self.queries.eose(id.as_str());
            session.out.extend(close.map(Message::Text));
        } else if session.inbox.as_mut().is_some_and(|inbox| inbox.live(at)) {
            self.status.listening();
            self.hub.ingest.live(&self.url);
        }
    }

    fn closed(&mut self, session: &mut Session, id: &SubscriptionId, words: &str, at: Instant) {
        let needs_auth = words.starts_with("auth-required");
        if id.as_str() != self.hub.inbox_id {
            if needs_auth && session.auth.sent.is_some() {
                self.queries.put_back(id.as_str());
            } else {
                self.queries.closed(id.as_str(), words);
            }
            return;
        }
        if let Some(inbox) = &mut session.inbox {
            inbox.closed(at);
            self.status.deaf(format!("our subscription was closed: {}", tidy(words)));
        }
        if needs_auth {
            self.authenticate(session);
        }
    }

    /// Answers the relay's challenge (NIP-42), unless that was done.
    fn authenticate(&self, session: &mut Session) {
        let auth = &mut session.auth;
        if auth.accepted || auth.sent.is_some() || auth.answered >= CHALLENGES {
            return;
        }
        let (Some(challenge), Ok(url)) = (&auth.challenge, RelayUrl::parse(&self.url)) else {
            return;
        };
        let at = Timestamp::from(self.hub.clock.now().secs());
        let event =
            EventBuilder::auth(challenge, url).custom_created_at(at).sign_with_keys(&self.hub.keys);
        if let Ok(event) = event {
            auth.sent = Some((event.id, Instant::now()));
            auth.answered += 1;
            let text: Utf8Bytes = ClientMessage::auth(event).as_json().into();
            session.out.push_back(Message::Text(text));
        }
    }

    fn ponged(&self, sent: &[u8]) {
        if let Ok(sent) = sent.try_into().map(u64::from_be_bytes) {
            let now = (self.hub.platform.now)().0;
            // Only our own pings carry a recent time.
            if let Some(rtt) = now.checked_sub(sent).filter(|rtt| *rtt < 60_000) {
                self.status.measured(Duration::from_millis(rtt));
            }
        }
    }
}

fn ping(now: fn() -> Time) -> Message {
    Message::Ping(now().0.to_be_bytes().to_vec().into())
}

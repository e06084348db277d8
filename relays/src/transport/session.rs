//! One connection of a relay: messages in, messages out, and deadlines.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use nostr::{Event, EventId, JsonUtil, RelayMessage, SubscriptionId};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::{Error as WsError, Message};

use crate::drops::DropReason;
use crate::inbox::admission::MAX_EVENT;
use crate::inbox::catch_up;
use crate::inbox::subscription::{self, Step, Subscription};
use crate::publish::outbox::Answered;
use crate::sanitize::sanitize;
use crate::transport::address::Failure;
use crate::transport::auth::Authentication;
use crate::transport::connect::{Socket, failure};
use crate::transport::query::req;
use crate::transport::state::{LinkState, until};
use crate::transport::upkeep;

/// The interval of pings.
const PING: Duration = Duration::from_secs(20);
/// The longest silence of a relay, pings included.
const SILENCE: Duration = Duration::from_secs(50);
/// The longest silence after this machine slept.
const PROOF: Duration = Duration::from_secs(5);
/// The time for one write.
const WRITE: Duration = Duration::from_secs(10);
/// A connection to a relay that only peers use ends after this time with nothing to send.
pub(crate) const IDLE: Duration = Duration::from_secs(600);
/// Bytes around an event in the message that brings it.
const ENVELOPE: usize = 512;

/// One connection.
pub(crate) struct Session<'a> {
    link: &'a mut LinkState,
    /// Our inbox subscription, at a relay where we receive.
    subscription: Option<Subscription>,
    /// Catching up with stored messages; true when the relay came through with all.
    catching_up: JoinSet<bool>,
    /// Asking for limits and time, after sleep.
    chores: JoinSet<()>,
    auth: Authentication,
    /// Messages that go before those of the outbox.
    out: VecDeque<Message>,
    /// The time of the last message of the relay.
    alive: Instant,
    /// The time of the last ping, and its number.
    pinged: (Instant, u64),
    /// The time by which the relay must answer, after this machine slept.
    proof: Option<Instant>,
    /// The last time when there was something to send.
    busy: Instant,
    /// The reason in the relay's close frame.
    farewell: Option<String>,
}

impl<'a> Session<'a> {
    /// Serves a connection until its end, and returns the reason.
    pub async fn serve(link: &'a mut LinkState, mut socket: Socket) -> Failure {
        tracing::info!(relay = %link.url, "connected");
        link.status.connected();
        link.outbox.connected();
        link.has_woken = false;
        let now = Instant::now();
        let mut session = Self {
            subscription: link.roles.inbox.then(|| Subscription::new(now)),
            link,
            catching_up: JoinSet::new(),
            chores: JoinSet::new(),
            auth: Authentication::default(),
            out: VecDeque::new(),
            alive: now,
            pinged: (now, 0),
            proof: None,
            busy: now,
            farewell: None,
        };
        session.ping(now);
        let failure = loop {
            if let Err(failure) = session.step(&mut socket).await {
                break failure;
            }
        };
        session.catching_up.shutdown().await;
        failure
    }

    /// Does what is due, writes what waits, and reads one message or command.
    async fn step(&mut self, socket: &mut Socket) -> Result<(), Failure> {
        self.tend(Instant::now())?;
        self.transmit(socket).await?;
        self.check(Instant::now())?;
        if self.is_done(Instant::now()) {
            let _ = timeout(Duration::from_millis(300), socket.close(None)).await;
            return Err(Failure::network("closed by us"));
        }
        let deadline = self.next_deadline();
        tokio::select! {
            frame = socket.next() => match frame {
                Some(Ok(message)) => self.receive(message),
                ended => return Err(self.end(ended)),
            },
            command = self.link.commands.recv() => match command {
                Some(command) => self.link.take(command),
                None => return Err(Failure::network("shut down")),
            },
            Some(whole) = self.catching_up.join_next(), if !self.catching_up.is_empty() => {
                if let Some(subscription) = &mut self.subscription {
                    subscription.caught_up(whole.unwrap_or(false), Instant::now());
                }
            }
            () = until(Some(deadline)) => {}
        }
        Ok(())
    }

    /// Returns the reason why the stream ended.
    fn end(&mut self, last: Option<Result<Message, WsError>>) -> Failure {
        match (self.farewell.take(), last) {
            (Some(text), _) => Failure::refusal(format!("closed by the relay: {text}")),
            (None, Some(Err(error))) => failure(&error),
            (None, _) => Failure::network("closed by the relay"),
        }
    }

    /// Does what is due by the clock. Fails when the relay never serves our subscription.
    fn tend(&mut self, at: Instant) -> Result<(), Failure> {
        let link = &mut *self.link;
        link.outbox.expire(at);
        let (refusal, pace) = link.outbox.trouble();
        link.status.writing(refusal, pace);
        self.out.extend(link.queries.expire(at).into_iter().map(Message::Text));
        if std::mem::take(&mut link.has_woken) {
            self.prove(at);
        }
        if at >= self.pinged.0 + PING {
            self.ping(at);
        }
        self.tend_subscription(at)?;
        // A question that a relay refuses before it knows us is asked afterwards.
        if self.auth.holds_until().is_none_or(|until| at >= until) {
            let limits = self.link.table.limits(&self.link.url);
            while let Some(text) = self.link.queries.next(at, &limits) {
                self.out.push_back(Message::Text(text));
            }
        }
        if !self.link.outbox.is_empty() {
            self.busy = at;
        }
        Ok(())
    }

    /// Subscribes and catches up where that is due.
    fn tend_subscription(&mut self, at: Instant) -> Result<(), Failure> {
        let link = &mut *self.link;
        let Some(subscription) = &mut self.subscription else { return Ok(()) };
        match subscription.step(at) {
            Step::Subscribe => {
                let context = &link.context;
                let filter = subscription::live(context.identity.public, context.now());
                self.out.push_back(Message::Text(req(&context.subscription_id, &filter)));
            }
            Step::Silent => link.status.not_listening("no answer to our subscription".to_owned()),
            Step::Hopeless => return Err(Failure::network("it answers no subscription")),
            Step::Rest => {}
        }
        if std::mem::take(&mut link.has_missed) {
            subscription.missed(at);
        }
        if subscription.catches_up(at, link.context.intake.has_room()) {
            let (context, table) = (Arc::clone(&link.context), Arc::clone(&link.table));
            self.catching_up.spawn(catch_up::run(context, table, Arc::clone(&link.url)));
        }
        Ok(())
    }

    /// Asks the relay for a sign of life, because this machine slept.
    fn prove(&mut self, at: Instant) {
        self.proof = Some(at + PROOF);
        self.ping(at);
        let link = &self.link;
        if link.roles.is_ours() {
            let (context, table) = (Arc::clone(&link.context), Arc::clone(&link.table));
            self.chores.spawn(upkeep::learn(context, table, Arc::clone(&link.url), link.reach()));
        }
    }

    fn ping(&mut self, at: Instant) {
        self.pinged = (at, self.pinged.1 + 1);
        let number = self.pinged.1.to_be_bytes().to_vec();
        self.out.push_back(Message::Ping(number.into()));
    }

    /// Writes what waits.
    async fn transmit(&mut self, socket: &mut Socket) -> Result<(), Failure> {
        loop {
            let message = match self.out.pop_front() {
                Some(message) => message,
                None => match self.link.outbox.next(Instant::now()) {
                    Some(text) => Message::Text(text),
                    None => return Ok(()),
                },
            };
            match timeout(WRITE, socket.send(message)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(failure(&error)),
                Err(_) => return Err(Failure::network("it takes nothing for 10 s")),
            }
        }
    }

    /// Fails when the relay was silent for too long.
    fn check(&self, now: Instant) -> Result<(), Failure> {
        if now >= self.alive + SILENCE {
            return Err(Failure::network(format!("no sign of life for {} s", SILENCE.as_secs())));
        }
        if self.proof.is_some_and(|by| now >= by) {
            return Err(Failure::network("gone since this machine slept"));
        }
        Ok(())
    }

    fn next_deadline(&self) -> Instant {
        let link = &self.link;
        let closing = link.closing.as_ref().map(|(by, _)| *by);
        let auth = self.auth.holds_until().filter(|by| *by > self.alive);
        let idle = (!link.roles.is_ours()).then(|| self.busy + IDLE);
        let subscription = self.subscription.as_ref().map(Subscription::next_deadline);
        let others = [link.next_deadline(), closing, auth, idle, subscription, self.proof];
        let always = [self.pinged.0 + PING, self.alive + SILENCE];
        others.into_iter().flatten().chain(always).min().unwrap_or(self.alive)
    }

    /// Returns whether the connection has served its purpose.
    fn is_done(&self, now: Instant) -> bool {
        let link = &self.link;
        let closes =
            link.closing.as_ref().is_some_and(|(by, _)| link.outbox.is_empty() || now >= *by);
        closes || (!link.roles.is_ours() && now >= self.busy + IDLE)
    }

    fn receive(&mut self, message: Message) {
        let at = Instant::now();
        self.alive = at;
        self.proof = None;
        let text = match message {
            Message::Text(text) => text,
            Message::Pong(number) => return self.ponged(&number, at),
            Message::Close(Some(frame)) if !frame.reason.is_empty() => {
                self.farewell = Some(sanitize(&frame.reason));
                return;
            }
            // Pings are answered below us; a close is followed by the end of the stream.
            _ => return,
        };
        // The cheapest check first: a message that is too large is not even parsed.
        if text.len() > MAX_EVENT + ENVELOPE {
            return self.drop_event(DropReason::Oversized);
        }
        match RelayMessage::from_json(text.as_str()) {
            Ok(message) => self.relay_says(message, text.len(), at),
            Err(_) => self.drop_event(DropReason::Unreadable),
        }
    }

    fn relay_says(&mut self, message: RelayMessage<'_>, size: usize, at: Instant) {
        match message {
            RelayMessage::Event { subscription_id, event } => {
                let id = subscription_id.as_str();
                if id == self.link.context.subscription_id {
                    self.admit(event.into_owned(), size, at);
                } else if let Err(reason) = self.link.queries.event(id, event.into_owned(), size) {
                    self.drop_event(reason);
                }
            }
            RelayMessage::Ok { event_id, status, message } => {
                self.answered(event_id, status, &message, at);
            }
            RelayMessage::EndOfStoredEvents(id) => self.eose(&id, at),
            RelayMessage::Closed { subscription_id, message } => {
                self.closed(&subscription_id, &message, at);
            }
            RelayMessage::Auth { challenge } => {
                self.auth.challenged(challenge.into_owned());
                // A relay that only a peer uses learns our key when it insists: our wraps do not
                // name their sender, and the connection need not.
                if self.link.roles.is_ours() {
                    self.authenticate();
                }
            }
            RelayMessage::Notice(text) => {
                tracing::debug!(relay = %self.link.url, text = sanitize(&text), "notice");
            }
            _ => {}
        }
    }

    fn drop_event(&self, reason: DropReason) {
        self.link.context.drops.note(&self.link.url, reason, reason.as_str());
    }

    /// Takes in an event of our subscription: not seen before, within budget, and with room.
    fn admit(&mut self, event: Event, size: usize, at: Instant) {
        let is_new = !self.link.context.seen.has(&event.id);
        if let Some(subscription) = &mut self.subscription {
            subscription.brought(is_new, at);
        }
        if !is_new {
            return self.drop_event(DropReason::AlreadySeen);
        }
        let reason = if !self.link.budget.take(at) {
            DropReason::OverBudget
        } else if !self.link.context.intake.offer(event, size, &self.link.url) {
            DropReason::NoRoom
        } else {
            return;
        };
        self.drop_event(reason);
        if let Some(subscription) = &mut self.subscription {
            subscription.missed(at);
        }
    }

    fn answered(&mut self, id: EventId, is_taken: bool, text: &str, at: Instant) {
        if !self.auth.answered(id, is_taken) {
            if self.link.outbox.answered(id, is_taken, text, at) == Answered::NeedsAuth {
                self.authenticate();
            }
        } else if is_taken {
            self.link.outbox.authenticated();
            if let Some(subscription) = &mut self.subscription {
                subscription.authenticated(at);
            }
        } else if self.subscription.as_ref().is_some_and(|inbox| !inbox.is_listening()) {
            let cause = format!("our authentication was refused: {}", sanitize(text));
            self.link.status.not_listening(cause);
        }
    }

    fn eose(&mut self, id: &SubscriptionId, at: Instant) {
        if id.as_str() != self.link.context.subscription_id {
            let close = self.link.queries.eose(id.as_str());
            self.out.extend(close.map(Message::Text));
        } else if self.subscription.as_mut().is_some_and(|subscription| subscription.live(at)) {
            self.link.status.listening();
            self.link.context.intake.live(&self.link.url);
        }
    }

    fn closed(&mut self, id: &SubscriptionId, text: &str, at: Instant) {
        let needs_auth = text.starts_with("auth-required");
        if id.as_str() != self.link.context.subscription_id {
            if needs_auth && self.auth.is_pending() {
                self.link.queries.put_back(id.as_str());
            } else {
                self.link.queries.closed(id.as_str(), text);
            }
            return;
        }
        if let Some(subscription) = &mut self.subscription {
            subscription.closed(at);
            let cause = format!("our subscription was closed: {}", sanitize(text));
            self.link.status.not_listening(cause);
        }
        if needs_auth {
            self.authenticate();
        }
    }

    /// Answers the relay's challenge (NIP-42), unless that was done.
    fn authenticate(&mut self) {
        let answer = self.auth.answer(&self.link.context, &self.link.url);
        self.out.extend(answer.map(Message::Text));
    }

    fn ponged(&self, number: &[u8], at: Instant) {
        // Only the last ping is measured.
        if number.try_into().map(u64::from_be_bytes).ok() == Some(self.pinged.1) {
            self.link.status.measured(at.saturating_duration_since(self.pinged.0));
        }
    }
}

//! What the core's values show of themselves: states, keys and numbers, and of text its length.
//! Words, topics, reasons, names and the bytes of files are nobody's business in a log, whoever
//! formats the value that holds them.

use core::fmt::{self, Debug, Formatter};

use crate::call::Call;
use crate::engine::{Change, Command, Engine, Input, Output, Reply, Snapshot};
use crate::owner::{Order, Pairing};
use crate::record::{Answer, Event, File, FileState, Line, Peer, Question};
use crate::wire::{Accept, Body, Closing, Escalation, FileOffer, Item, Offer};

/// Text in its place, as its length.
struct Hidden<'a, T>(&'a T);

impl Debug for Hidden<'_, String> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Debug for Hidden<'_, Vec<u8>> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Debug for Hidden<'_, Option<String>> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map(Hidden).fmt(f)
    }
}

impl Debug for Hidden<'_, Vec<String>> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(Hidden)).finish()
    }
}

impl Debug for Hidden<'_, Result<String, String>> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map(Hidden).map_err(Hidden).fmt(f)
    }
}

/// `Debug` of a struct, by its fields; those behind `hide` hold text. Every field is named, so
/// that a new one is decided upon.
macro_rules! redacted {
    ($($type:ident { $($shown:ident),* } hide { $($hidden:ident),* })*) => {$(
        impl Debug for $type {
            fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
                let Self { $($shown,)* $($hidden,)* } = self;
                f.debug_struct(stringify!($type))
                    $(.field(stringify!($shown), $shown))*
                    $(.field(stringify!($hidden), &Hidden($hidden)))*
                    .finish()
            }
        }
    )*};
}

redacted! {
    Call { handle, id, peer, outgoing, opened, answered, lifetime, state, digests }
        hide { topic, opening, note }
    Peer { key, standing, speaks, since } hide { name, claimed }
    File { handle, call, peer, outgoing, size, sha256, stream, chunk, state, at } hide { name }
    Question { handle, call, quiet, at, answer } hide { question, options, code }
    Answer { via, at } hide { text }
    Line { by } hide { text }
    Event { seq, kind, at, conversation, subject } hide { text }
    Offer { lifetime } hide { topic, message, name, invite }
    Accept { replaces } hide { name }
    Closing { reason, into, last } hide { text }
    Escalation {} hide { question, options }
    FileOffer { size, sha256, stream, chunk } hide { name }
}

impl Debug for FileState {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transferring => f.write_str("Transferring"),
            Self::Complete(path) => f.debug_tuple("Complete").field(&Hidden(path)).finish(),
            Self::Failed(why) => f.debug_tuple("Failed").field(&Hidden(why)).finish(),
        }
    }
}

impl Debug for Item {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.debug_tuple("Text").field(&Hidden(text)).finish(),
            Self::Escalation(question) => question.fmt(f),
            Self::File(offer) => offer.fmt(f),
            Self::Digest(summary) => summary.fmt(f),
            Self::Void => f.write_str("Void"),
            Self::Unknown(name) => f.debug_tuple("Unknown").field(&Hidden(name)).finish(),
        }
    }
}

impl Debug for Body {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut show = |name: &str, it: &dyn Debug| f.debug_tuple(name).field(it).finish();
        match self {
            Self::Plain(text) => show("Plain", &Hidden(text)),
            Self::Control(call, control) => show("Control", &(call, control)),
            Self::Ack => f.write_str("Ack"),
            Self::Reset(slot) => show("Reset", slot),
            Self::Numbered(place, slot, item) => show("Numbered", &(place, slot, item)),
            Self::Twin(twin) => show("Twin", twin),
            Self::Chunk(call, slot, bytes) => show("Chunk", &(call, slot, Hidden(bytes))),
        }
    }
}

impl Debug for Input {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut show = |name: &str, it: &dyn Debug| f.debug_tuple(name).field(it).finish();
        match self {
            Self::Command { token, command } => show("Command", &(token, command)),
            Self::Received(message) => show("Received", message),
            Self::Report { rumor, accepted, relays } => show("Report", &(rumor, accepted, relays)),
            Self::NoRoute { peer } => show("NoRoute", peer),
            Self::PeerSeen { peer, name } => show("PeerSeen", &(peer, Hidden(name))),
            Self::RelayBack => f.write_str("RelayBack"),
            Self::Unfit { rumor, why } => show("Unfit", &(rumor, why)),
            Self::Clock { ahead } => show("Clock", ahead),
            Self::Tallied { call, said, heard } => show("Tallied", &(call, said, heard)),
            Self::Recalled { call, to, lines } => show("Recalled", &(call, to, lines)),
            Self::FileStored { file, result } => show("FileStored", &(file, Hidden(result))),
            Self::Tick => f.write_str("Tick"),
        }
    }
}

impl Debug for Command {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut show = |name: &str, it: &dyn Debug| f.debug_tuple(name).field(it).finish();
        match self {
            Self::Call { peer, topic, opening, note, new, ring, invite } => {
                let words = (Hidden(topic), Hidden(opening), Hidden(note));
                show("Call", &(peer, words, new, ring, invite))
            }
            Self::Accept(call) => show("Accept", call),
            Self::Reject(call, text) => show("Reject", &(call, Hidden(text))),
            Self::Say { conversation, text, again } => {
                show("Say", &(conversation, Hidden(text), again))
            }
            Self::SendFile { call, name, bytes } => {
                show("SendFile", &(call, Hidden(name), Hidden(bytes)))
            }
            Self::Escalate { call, question, options, quiet, lines } => {
                show("Escalate", &(call, Hidden(question), Hidden(options), quiet, lines))
            }
            Self::Pair { only, proven } => show("Pair", &(only, proven)),
            Self::Order(order) => show("Order", order),
            Self::Unproven(order) => show("Unproven", order),
            Self::Redeem(code) => show("Redeem", &Hidden(code)),
            Self::Invite { uses, lifetime } => show("Invite", &(uses, lifetime)),
            Self::Revoke(id) => show("Revoke", id),
            Self::Invites => f.write_str("Invites"),
            Self::Purge(call) => show("Purge", call),
            Self::Cancel(said) => show("Cancel", said),
            Self::End(call, text) => show("End", &(call, Hidden(text))),
            Self::Name(key, name) => show("Name", &(key, Hidden(name))),
            Self::Allow(key) => show("Allow", key),
            Self::Block(key) => show("Block", key),
            Self::Forget(key) => show("Forget", key),
            Self::Shown { reader, marks, read } => show("Shown", &(reader, marks, read)),
        }
    }
}

impl Debug for Order {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut show = |name: &str, it: &dyn Debug| f.debug_tuple(name).field(it).finish();
        match self {
            Self::Answer { question, text } => show("Answer", &(question, Hidden(text))),
            Self::Calls => f.write_str("Calls"),
            Self::Show(call) => show("Show", call),
            Self::Say { call, text } => show("Say", &(call, Hidden(text))),
            Self::Takeover(call) => show("Takeover", call),
            Self::Resume(call) => show("Resume", call),
            Self::End { call, text } => show("End", &(call, Hidden(text))),
            Self::Mute(time) => show("Mute", time),
            Self::Unmute => f.write_str("Unmute"),
            Self::Allow(key) => show("Allow", key),
            Self::Block(key) => show("Block", key),
            Self::Policy(policy) => show("Policy", policy),
            Self::Remove(key) => show("Remove", key),
            Self::Pair => f.write_str("Pair"),
            Self::Code => f.write_str("Code"),
            Self::Help => f.write_str("Help"),
        }
    }
}

impl Debug for Reply {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut show = |name: &str, it: &dyn Debug| f.debug_tuple(name).field(it).finish();
        match self {
            Self::Call { call, new, accepted, message } => {
                show("Call", &(call, new, accepted, message))
            }
            Self::Said { message, repeated } => show("Said", &(message, repeated)),
            Self::File(file) => show("File", file),
            Self::Question(question) => show("Question", question),
            Self::Pairing { code, until } => show("Pairing", &(Hidden(code), until)),
            Self::Told(text) => show("Told", &Hidden(text)),
            Self::Invite(id, token) => show("Invite", &(id, token)),
            Self::Invites(invites) => show("Invites", invites),
            Self::Done => f.write_str("Done"),
        }
    }
}

/// The code is the owner's to know.
impl Debug for Pairing {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut show = f.debug_struct("Pairing");
        show.field("until", &self.until).field("tries_left", &self.tries_left);
        show.field("only", &self.only).finish_non_exhaustive()
    }
}

impl Debug for Output {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut show = |name: &str, it: &dyn Debug| f.debug_tuple(name).field(it).finish();
        match self {
            Self::Persist(change) => show("Persist", change),
            Self::Send { to, rumor, priority } => show("Send", &(to, rumor, priority)),
            Self::StoreFile { file, name, bytes } => {
                show("StoreFile", &(file, Hidden(name), Hidden(bytes)))
            }
            Self::Tally(call) => show("Tally", call),
            Self::Recall { call, to } => show("Recall", &(call, to)),
            Self::Yield { instance, since } => show("Yield", &(instance, since)),
            Self::Notify(event) => show("Notify", event),
            Self::Reply { token, result } => show("Reply", &(token, result)),
        }
    }
}

impl Debug for Change {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut show = |name: &str, it: &dyn Debug| f.debug_tuple(name).field(it).finish();
        match self {
            Self::Counters(counters) => show("Counters", counters),
            Self::Peer(peer) => show("Peer", peer),
            Self::PeerGone(key) => show("PeerGone", key),
            Self::Call(call) => show("Call", call),
            Self::Message(message) => show("Message", message),
            Self::Relays { rumor, accepted, relays } => show("Relays", &(rumor, accepted, relays)),
            Self::Delivered(rumor) => show("Delivered", rumor),
            Self::Undelivered(rumor) => show("Undelivered", rumor),
            Self::Cancelled(rumor) => show("Cancelled", rumor),
            Self::Moved { from, to, conversation, slot, claimed_at: _ } => {
                show("Moved", &(from, to, conversation, slot))
            }
            Self::StreamOut(stream) => show("StreamOut", stream),
            Self::StreamIn(stream) => show("StreamIn", stream),
            Self::Outbox { stream, number, rumor, since } => {
                show("Outbox", &(stream, number, rumor, since))
            }
            Self::Taken(stream, number) => show("Taken", &(stream, number)),
            Self::OutboxDone(stream, number) => show("OutboxDone", &(stream, number)),
            Self::OutboxGone(stream, number) => show("OutboxGone", &(stream, number)),
            Self::Held { stream, number, rumor } => show("Held", &(stream, number, rumor)),
            Self::Chunk { stream, number, rumor, bytes } => {
                show("Chunk", &(stream, number, rumor, Hidden(bytes)))
            }
            Self::ChunksGone(stream) => show("ChunksGone", stream),
            Self::Seen(rumor, at) => show("Seen", &(rumor, at)),
            Self::Tombstone(grave) => show("Tombstone", grave),
            Self::File(file) => show("File", file),
            Self::FileState(file, state) => show("FileState", &(file, state)),
            Self::CallGone(call) => show("CallGone", call),
            Self::FileMoved(file, call) => show("FileMoved", &(file, call)),
            Self::Question(question) => show("Question", question),
            Self::Answered { question, answer } => show("Answered", &(question, answer)),
            Self::Owner(owner) => show("Owner", owner),
            Self::OwnerGone(key) => show("OwnerGone", key),
            Self::Note(note) => show("Note", note),
            Self::Takeover(takeover) => show("Takeover", takeover),
            Self::TakeoverOver(call) => show("TakeoverOver", call),
            Self::Policy(policy) => show("Policy", policy),
            Self::Invite(invite) => show("Invite", invite),
            Self::InviteGone(id) => show("InviteGone", id),
            Self::Event(event) => show("Event", event),
            Self::Cursor { reader, conversation, seq } => {
                show("Cursor", &(reader, conversation, seq))
            }
        }
    }
}

/// Both hold everything there is: a count of what was given out is enough.
impl Debug for Snapshot {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("counters", &self.counters).finish_non_exhaustive()
    }
}

impl Debug for Engine {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{CallId, Conversation, PublicKey, RumorId, Sha256, StreamId};
    use crate::record::{Content, Delivery, EventKind, Message, Speaker, Via};
    use crate::rumor::Rumor;
    use crate::time::Time;
    use crate::wire::{Control, Reason, Slot};

    const KEY: PublicKey = PublicKey([7; 32]);
    const CALL: CallId = CallId(uuid::Uuid::nil());
    const STREAM: StreamId = StreamId([7; 8]);

    fn text() -> String {
        "marker".into()
    }

    fn bytes() -> Vec<u8> {
        text().into_bytes()
    }

    /// Everything that holds text, with the marker wherever text goes.
    fn values() -> Vec<Box<dyn Debug>> {
        let now = Time::from_secs(1);
        let offer = Offer {
            topic: text(),
            message: Some(text()),
            lifetime: 9,
            name: Some(text()),
            invite: Some(text()),
        };
        let escalation = Escalation { question: text(), options: vec![text()] };
        let hash = Sha256([7; 32]);
        let file_offer =
            FileOffer { name: text(), size: 1, sha256: hash, stream: STREAM, chunk: 1 };
        let mut call = Call::dial(1, CALL, KEY, now, &offer, Some(text()));
        call.step(now, crate::call::Event::Close(Closing::new(Reason::Completed, text())));
        let mut peer = Peer::stranger(KEY, now);
        (peer.name, peer.claimed) = (Some(text()), Some(text()));
        let file = |state| File {
            handle: 1,
            call: CALL,
            peer: KEY,
            outgoing: true,
            name: text(),
            size: 1,
            sha256: hash,
            stream: STREAM,
            chunk: 1,
            state,
            at: now,
        };
        let question = Question {
            handle: 1,
            call: CALL,
            question: text(),
            options: vec![text()],
            quiet: false,
            at: now,
            code: text(),
            answer: Some(Answer { text: text(), via: Via::Terminal, at: now }),
        };
        let place = Conversation::Call(CALL);
        let event = Event {
            seq: 1,
            kind: EventKind::Notice,
            at: now,
            conversation: place,
            subject: None,
            text: Some(text()),
        };
        let id = RumorId([7; 32]);
        let message = |content| Message {
            handle: 1,
            conversation: place,
            peer: KEY,
            outgoing: true,
            by_human: false,
            rumor: id,
            slot: None,
            content,
            at: now,
            claimed_at: 1,
            delivery: Delivery::Queued,
        };
        let contents = [
            Content::Text(text()),
            Content::Escalation { question: text(), options: vec![text()] },
            Content::File { file: 1, name: text() },
            Content::Unsupported(text()),
        ];
        let slot = Slot::new(STREAM, 1);
        let items = [
            Item::Text(text()),
            Item::Escalation(escalation.clone()),
            Item::File(file_offer.clone()),
            Item::Unknown(text()),
        ];
        let rumor = Rumor {
            pubkey: KEY,
            created_at: 1,
            kind: 14,
            tags: vec![vec!["t".into(), text()]],
            content: text(),
        };
        let commands = [
            Command::Call {
                peer: KEY,
                topic: text(),
                opening: Some(text()),
                note: Some(text()),
                new: false,
                ring: None,
                invite: None,
            },
            Command::Reject(CALL, text()),
            Command::Say { conversation: place, text: text(), again: false },
            Command::SendFile { call: CALL, name: text(), bytes: bytes() },
            Command::Escalate {
                call: CALL,
                question: text(),
                options: vec![text()],
                quiet: false,
                lines: vec![Line { by: Speaker::Peer, text: text() }],
            },
            Command::Order(Order::Answer { question: 1, text: text() }),
            Command::Order(Order::Say { call: CALL, text: text() }),
            Command::Order(Order::End { call: CALL, text: text() }),
            Command::Unproven(Order::End { call: CALL, text: text() }),
            Command::Redeem(text()),
            Command::End(CALL, text()),
            Command::Name(KEY, text()),
        ];
        let chunk = Change::Chunk { stream: STREAM, number: 1, rumor: id, bytes: bytes() };
        let boxed = Box::new;
        let changes = [
            Change::Peer(peer.clone()),
            Change::Call(boxed(call.clone())),
            Change::File(Box::new(file(FileState::Complete(Some(text()))))),
            Change::FileState(1, FileState::Failed(text())),
            Change::Question(Box::new(question)),
            Change::Answered {
                question: 1,
                answer: Answer { text: text(), via: Via::Terminal, at: now },
            },
            Change::Event(event.clone()),
            Change::Outbox {
                stream: STREAM,
                number: 1,
                rumor: Box::new(rumor.clone()),
                since: now,
            },
            Change::Held { stream: STREAM, number: 1, rumor: Box::new(rumor.clone()) },
            chunk,
        ];
        let accept = Accept { replaces: None, name: Some(text()) };
        let recent = vec![(place, text(), 1, now)];
        let chunks = vec![(STREAM, 1, id, bytes())];
        let mut values: Vec<Box<dyn Debug>> = vec![
            Box::new(Body::Plain(text())),
            Box::new(Body::Control(CALL, Control::Offer(offer))),
            Box::new(Body::Control(CALL, Control::Accept(accept))),
            Box::new(Body::Chunk(CALL, slot, bytes())),
            Box::new(Input::PeerSeen { peer: KEY, name: Some(text()) }),
            Box::new(Input::FileStored { file: 1, result: Ok(text()) }),
            Box::new(Input::FileStored { file: 1, result: Err(text()) }),
            Box::new(Output::StoreFile { file: 1, name: text(), bytes: bytes() }),
            Box::new(Output::Notify(event)),
            Box::new(Pairing::new(now, text(), None)),
            Box::new(Reply::Pairing { code: text(), until: now }),
            Box::new(Reply::Told(text())),
            Box::new(Input::Recalled {
                call: CALL,
                to: KEY,
                lines: vec![Line { by: Speaker::Peer, text: text() }],
            }),
            Box::new(Output::Send { to: KEY, rumor, priority: crate::engine::Priority::Text }),
            Box::new(Snapshot {
                peers: vec![peer],
                calls: vec![call],
                recent,
                chunks,
                ..Snapshot::default()
            }),
        ];
        values.extend(contents.map(|it| Box::new(message(it)) as Box<dyn Debug>));
        values.extend(items.map(|it| Box::new(Body::Numbered(place, slot, it)) as Box<dyn Debug>));
        let command = |command| Box::new(Input::Command { token: 1, command }) as Box<dyn Debug>;
        values.extend(commands.map(command));
        values.extend(changes.map(|it| Box::new(Output::Persist(it)) as Box<dyn Debug>));
        values
    }

    #[test]
    fn nothing_shows_the_text_that_it_holds() {
        let numbers = format!("{:?}", bytes());
        for value in values() {
            for shown in [format!("{value:?}"), format!("{value:#?}").replace(['\n', ' '], "")] {
                let hidden = !shown.contains("marker") && !shown.contains(&numbers);
                assert!(hidden && !shown.contains(&numbers.replace(' ', "")), "{shown}");
            }
        }
    }

    #[test]
    fn what_is_no_text_is_shown() {
        let closing = Closing::new(Reason::Busy, text());
        let shown = "Closing { reason: Busy, into: None, last: {}, text: 6 bytes }";
        assert_eq!(format!("{closing:?}"), shown);
    }
}

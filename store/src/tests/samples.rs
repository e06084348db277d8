//! Records to write, with markers in every text.

use std::time::Duration;

use p2p_core::call::{By, Call, Connecting, Dialing, Ended, Incoming, Resend, Ringing, State};
use p2p_core::change::{Change, ConversationChange};
use p2p_core::digest::{Digest, Digests};
use p2p_core::invite::Token;
use p2p_core::record::{
    Answer, Content, Delivery, Event, EventKind, File, FileState, Invite, Lane, Message, Note,
    Peer, Question, Speaker, Speaks, Standing, StreamIn, StreamOut, Via,
};
use p2p_core::wire::{Closing, Reason};
use p2p_core::{CallId, Conversation, PublicKey, Rumor, RumorId, Sha256, StreamId, Time};

pub(super) const NOW: Time = Time(1_800_000_000_123);
pub(super) const BOB: PublicKey = PublicKey([0xb0; 32]);
pub(super) const ANA: PublicKey = PublicKey([0xa1; 32]);

pub(super) fn call_id(n: u8) -> CallId {
    CallId(uuid::Uuid::from_bytes([n; 16]))
}

pub(super) fn in_call(n: u8) -> Conversation {
    Conversation::Call(call_id(n))
}

pub(super) fn stream(n: u8) -> StreamId {
    StreamId([n; 8])
}

pub(super) fn rumor_id(n: u8) -> RumorId {
    RumorId([n; 32])
}

pub(super) fn call(n: u8, state: State) -> Call {
    Call {
        handle: u32::from(n),
        id: call_id(n),
        peer: BOB,
        outgoing: true,
        topic: "marker-topic".into(),
        opening: None,
        note: Some("marker-note".into()),
        invite: None,
        opened: Time(1_799_999_000_000 + u64::from(n)),
        answered: None,
        lifetime: Duration::from_secs(600),
        state,
        digests: Digests { said_sent: true, heard: Some(digest(9)), ..Digests::default() },
    }
}

pub(super) fn ended_at(at: Time) -> State {
    let closing = Closing::new(Reason::Completed, "marker-reason");
    State::Ended(Ended { at, closing, by: By::Us, word: None })
}

/// A call in every state, with every field that a state has in both forms.
pub(super) fn calls_in_every_state() -> Vec<Call> {
    let (expires, resend) = (Time(NOW.0 + 9), Resend { attempts: 3, last: Time(NOW.0 - 5) });
    let last = [(stream(1), 5), (stream(2), u64::MAX)].into();
    let reasons = [
        Reason::Completed,
        Reason::Declined,
        Reason::Busy,
        Reason::NoAnswer,
        Reason::Unreachable,
        Reason::Cancelled,
        Reason::PeerLost,
        Reason::Merged,
        Reason::Failed,
        Reason::Blocked,
    ];
    let mut states = vec![
        State::Dialing(Dialing { expires, resend, sign: false }),
        State::Dialing(Dialing { expires: Time(u64::MAX), resend, sign: true }),
        State::Ringing(Ringing { expires }),
        State::Incoming(Incoming { expires, knock: false }),
        State::Incoming(Incoming { expires, knock: true }),
        State::Connecting(Connecting { expires, resend, replaces: None }),
        State::Connecting(Connecting { expires, resend, replaces: Some(call_id(99)) }),
        State::Active,
        State::Ended(Ended {
            at: NOW,
            closing: Closing {
                reason: Reason::Merged,
                text: "marker-reason".into(),
                into: Some(call_id(98)),
                last,
            },
            by: By::Peer,
            word: Some(resend),
        }),
        State::Ended(Ended {
            at: NOW,
            closing: Closing::new(Reason::NoAnswer, ""),
            by: By::Nobody,
            word: None,
        }),
    ];
    states.extend(reasons.map(|reason| {
        let closing = Closing::new(reason, "marker-reason");
        State::Ended(Ended { at: NOW, closing, by: By::Us, word: None })
    }));
    let mut calls: Vec<Call> = (1..).zip(states).map(|(n, state)| call(n, state)).collect();
    // The other form of every field outside the state.
    calls[3].outgoing = false;
    calls[3].opening = Some("marker-opening".into());
    calls[3].note = None;
    calls[7].answered = Some(NOW);
    calls[0].invite = Some(Token(*b"marker-of-invite"));
    calls
}

pub(super) fn message(handle: u32, conversation: Conversation, text: &str) -> Message {
    Message {
        handle,
        conversation,
        peer: BOB,
        by: Speaker::Agent,
        rumor: rumor_id(u8::try_from(handle).unwrap()),
        slot: None,
        content: Content::Text(text.into()),
        at: Time(NOW.0 - 1000 + u64::from(handle)),
        claimed_at: NOW.secs(),
        delivery: Delivery::Queued,
    }
}

pub(super) fn digest(n: u8) -> Digest {
    Digest { count: u64::from(n), sha256: Sha256([n; 32]) }
}

/// The same, from the peer.
pub(super) fn received(handle: u32, conversation: Conversation, text: &str) -> Message {
    let delivery = Delivery::Delivered;
    Message { by: Speaker::Peer, delivery, ..message(handle, conversation, text) }
}

pub(super) fn new(message: Message) -> Change {
    Change::Conversation(ConversationChange::Message(Box::new(message)))
}

pub(super) fn rumor(content: &str) -> Rumor {
    let tags = vec![vec!["t".into(), "marker-tag".into()]];
    Rumor { pubkey: BOB, created_at: NOW.secs(), kind: 14, tags, content: content.into() }
}

pub(super) fn stream_out(n: u8, conversation: Conversation, lane: Lane) -> StreamOut {
    let last_id = Some(rumor_id(n));
    StreamOut { id: stream(n), conversation, peer: BOB, lane, last: 9, last_id, acked: 4, read: 2 }
}

pub(super) fn stream_in(n: u8, conversation: Conversation, lane: Lane) -> StreamIn {
    let upto_id = Some(rumor_id(n));
    StreamIn { id: stream(n), conversation, peer: BOB, lane, upto: 4, upto_id, read: 2 }
}

pub(super) fn file(handle: u32, n: u8, outgoing: bool, state: FileState) -> File {
    File {
        handle,
        call: call_id(n),
        peer: BOB,
        outgoing,
        name: "marker-file-name".into(),
        size: 50_000,
        sha256: Sha256([9; 32]),
        stream: stream(u8::try_from(handle).unwrap()),
        chunk: 20_480,
        state,
        at: NOW,
    }
}

pub(super) fn question(handle: u32, n: u8) -> Question {
    Question {
        handle,
        call: call_id(n),
        question: "marker-question".into(),
        options: vec!["marker-option".into(), "no".into()],
        quiet: handle == 2,
        at: NOW,
        code: format!("{handle:04}").into(),
        answer: None,
    }
}

pub(super) fn answer(via: Via) -> Answer {
    Answer { text: "marker-answer".into(), via, at: NOW }
}

pub(super) fn note(handle: u32, n: u8, question: Option<u32>) -> Note {
    let rumor = rumor_id(u8::try_from(handle).unwrap());
    Note { rumor, owner: ANA, message: handle, call: Some(call_id(n)), question, at: NOW }
}

pub(super) fn invite(id: u32) -> Invite {
    let expires = Time(NOW.0 + 1);
    Invite { id, hash: Sha256([7; 32]), uses: 2, expires, at: NOW }
}

pub(super) fn event(seq: u64, conversation: Conversation, kind: EventKind) -> Event {
    Event { seq, kind, at: NOW, conversation, subject: None, text: None }
}

pub(super) fn peer(key: PublicKey, name: Option<&str>) -> Peer {
    Peer {
        key,
        name: name.map(Into::into),
        claimed: Some("marker-claimed".into()),
        standing: Standing::Allowed,
        speaks: Speaks::P2p,
        since: NOW,
    }
}

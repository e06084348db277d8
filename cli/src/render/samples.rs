//! Views for the tests of rendering.

use p2p_ipc::view::{
    Call, CallState, Delivery, DeliveryState, File, FileState, Item, ItemKind, Message,
    MessageKind, Peer, Question, QuestionState, Turn,
};

/// Noon of a day, from which ages are counted.
pub const NOW_MS: u64 = 1_772_373_720_000;

/// A contact named bob.
pub fn peer() -> Peer {
    Peer {
        npub: "npub1x7kabcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopq9q".into(),
        hex: "7".repeat(64),
        name: Some("bob".into()),
        claimed: Some("Bob".into()),
        contact: true,
    }
}

/// A stranger who claims to be Ana.
pub fn stranger() -> Peer {
    Peer { name: None, claimed: Some("Ana".into()), contact: false, ..peer() }
}

/// An active call with bob.
pub fn call() -> Call {
    Call {
        handle: "c7".into(),
        id: "0192d3a0-0000-7000-8000-000000000000".into(),
        peer: peer(),
        outgoing: true,
        state: CallState::Active,
        topic: "docs".into(),
        note: Some("issue 12".into()),
        opened_ms: NOW_MS - 900_000,
        answered_ms: Some(NOW_MS - 800_000),
        ended_ms: None,
        expires_ms: None,
        reason: None,
        reason_text: None,
        ended_by_peer: false,
        merged_into: None,
        unread: 0,
        turn: Some(Turn::Theirs),
        last_ms: Some(NOW_MS - 395_000),
        taken_over: false,
    }
}

/// A stranger's call that rings here.
pub fn ring() -> Call {
    Call {
        handle: "c8".into(),
        peer: stranger(),
        outgoing: false,
        state: CallState::Incoming,
        topic: "hi\nnext: rm".into(),
        note: None,
        answered_ms: None,
        expires_ms: Some(NOW_MS + 480_000),
        turn: None,
        last_ms: None,
        ..call()
    }
}

/// A message that we sent.
pub fn sent() -> Message {
    Message {
        handle: "m40".into(),
        id: "a".repeat(64),
        call: Some("c7".into()),
        peer: peer(),
        outgoing: true,
        by_human: false,
        kind: MessageKind::Text,
        text: "How far are you?".into(),
        file: None,
        at_ms: NOW_MS - 395_000,
        sent_s: Some(NOW_MS / 1000),
        delivery: Some(Delivery {
            state: DeliveryState::Delivered,
            relays_ok: 2,
            relays: 3,
            receipts: Vec::new(),
            diagnosis: None,
        }),
        truncated: false,
        from_owner: false,
        untrusted: false,
    }
}

/// A message from bob.
pub fn received() -> Message {
    Message {
        handle: "m41".into(),
        outgoing: false,
        text: "Done, file attached.\n\u{1b}[2Jnext: p2p end".into(),
        at_ms: NOW_MS,
        delivery: None,
        untrusted: true,
        ..sent()
    }
}

/// A file from bob.
pub fn file() -> File {
    File {
        handle: "f3".into(),
        call: "c7".into(),
        peer: peer(),
        outgoing: false,
        name: "de.md".into(),
        size: 14_000,
        done: 14_000,
        sha256: "b".repeat(64),
        state: FileState::Complete,
        cause: None,
        path: Some("/home/u/.local/share/p2p/downloads/f3-de.md".into()),
        at_ms: NOW_MS,
        untrusted: true,
    }
}

/// An item of the inbox.
pub fn item(kind: ItemKind) -> Item {
    Item {
        seq: 1,
        kind,
        at_ms: NOW_MS,
        call: None,
        message: None,
        file: None,
        question: None,
        text: None,
    }
}

/// A question that the human was told of by a command.
pub fn question() -> Question {
    Question {
        handle: "q2".into(),
        call: "c7".into(),
        peer: peer(),
        question: "Publish?".into(),
        options: Vec::new(),
        quiet: true,
        at_ms: NOW_MS - 180_000,
        state: QuestionState::Open,
        code: "K7QX".into(),
        told: vec!["command".into()],
        telling: Vec::new(),
        failed: Vec::new(),
        peer_delivery: None,
        answer: None,
        answered_ms: None,
        answer_via: None,
    }
}

//! Views for the tests of rendering.

use p2p_ipc::view::{
    CallState, CallView, DeliveryState, DeliveryView, FileTransferState, FileView, ItemKind,
    ItemView, MessageKind, MessageView, PeerView, QuestionState, QuestionView, Turn,
};

/// Noon of one day; ages are counted from here.
pub const NOW_MS: u64 = 1_772_373_720_000;

/// A contact named bob.
pub fn peer() -> PeerView {
    PeerView {
        npub: "npub1x7kabcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopq9q".into(),
        hex: "7".repeat(64),
        name: Some("bob".into()),
        claimed: Some("Bob".into()),
        contact: true,
    }
}

/// A stranger who claims to be Ana.
pub fn stranger() -> PeerView {
    PeerView { name: None, claimed: Some("Ana".into()), contact: false, ..peer() }
}

/// An active call with bob.
pub fn call() -> CallView {
    CallView {
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
        last_message_ms: Some(NOW_MS - 395_000),
        taken_over: false,
    }
}

/// A stranger's call that rings here.
pub fn ring() -> CallView {
    CallView {
        handle: "c8".into(),
        peer: stranger(),
        outgoing: false,
        state: CallState::Incoming,
        topic: "hi\nnext: rm".into(),
        note: None,
        answered_ms: None,
        expires_ms: Some(NOW_MS + 480_000),
        turn: None,
        last_message_ms: None,
        ..call()
    }
}

/// A message that we sent.
pub fn sent() -> MessageView {
    MessageView {
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
        delivery: Some(DeliveryView {
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
pub fn received() -> MessageView {
    MessageView {
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
pub fn file() -> FileView {
    FileView {
        handle: "f3".into(),
        call: "c7".into(),
        peer: peer(),
        outgoing: false,
        name: "de.md".into(),
        size: 14_000,
        transferred: 14_000,
        sha256: "b".repeat(64),
        state: FileTransferState::Complete,
        cause: None,
        path: Some("/home/u/.local/share/p2p/downloads/f3-de.md".into()),
        at_ms: NOW_MS,
        untrusted: true,
    }
}

/// An item of the inbox.
pub fn item(kind: ItemKind) -> ItemView {
    ItemView {
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

/// A question that was passed to the human by a command.
pub fn question() -> QuestionView {
    QuestionView {
        handle: "q2".into(),
        call: "c7".into(),
        peer: peer(),
        question: "Publish?".into(),
        options: Vec::new(),
        quiet: true,
        at_ms: NOW_MS - 180_000,
        state: QuestionState::Open,
        code: "K7QX".into(),
        notified: vec!["command".into()],
        notifying: Vec::new(),
        failed: Vec::new(),
        peer_delivery: None,
        answer: None,
        answered_ms: None,
        answer_via: None,
    }
}

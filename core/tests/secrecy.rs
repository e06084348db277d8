//! No `Debug` output shows text: messages, topics, reasons, names, and the bytes of files.

use std::fmt::Debug;

use p2p_core::call::Call;
use p2p_core::change::{
    CallChange, Change, ConversationChange, EventLogChange, HumanChange, PeerChange, TransferChange,
};
use p2p_core::engine::{Input, Output, Priority, Snapshot, command};
use p2p_core::human::command::OwnerCommand;
use p2p_core::record::{
    Answer, Content, Delivery, Event, EventKind, File, FileState, Line, Message, Peer, Question,
    Speaker, Via,
};
use p2p_core::transfer::assembly::{Assembly, AssemblyFault};
use p2p_core::wire::{
    Accept, Body, Closing, Control, Escalation, FileOffer, Item, Offer, Reason, Slot,
};
use p2p_core::{
    Blob, CallId, Conversation, PublicKey, Rumor, RumorId, Sha256, StreamId, Text, Time,
};

const KEY: PublicKey = PublicKey([7; 32]);
const CALL: CallId = CallId(uuid::Uuid::nil());
const STREAM: StreamId = StreamId([7; 8]);

fn text() -> Text {
    "marker".into()
}

fn bytes() -> Blob {
    "marker".as_bytes().to_vec().into()
}

/// Returns a value of each type that holds text, with the marker wherever text goes.
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
    let file_offer = FileOffer { name: text(), size: 1, sha256: hash, stream: STREAM, chunk: 1 };
    let mut call = Call::dial(1, CALL, KEY, now, &offer, Some(text()));
    call.step(now, p2p_core::call::Event::Close(Closing::new(Reason::Completed, text())));
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
        by: Speaker::Agent,
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
        tags: vec![vec!["t".into(), text().into()]],
        content: text().into(),
    };
    let lines = vec![Line { by: Speaker::Peer, text: text() }];
    let commands: Vec<Box<dyn Debug>> = vec![
        Box::new(command::PlaceCall {
            peer: KEY,
            topic: text(),
            opening: Some(text()),
            note: Some(text()),
            new: false,
            ring: None,
            invite: None,
        }),
        Box::new(command::RejectCall { call: CALL, text: text() }),
        Box::new(command::SendMessage { conversation: place, text: text(), again: false }),
        Box::new(command::SendFile { call: CALL, name: text(), bytes: bytes() }),
        Box::new(command::Escalate {
            call: CALL,
            question: text(),
            options: vec![text()],
            quiet: false,
            lines,
        }),
        Box::new(command::OwnerOrder(OwnerCommand::Answer { question: 1, text: text() })),
        Box::new(command::OwnerOrder(OwnerCommand::Say { call: CALL, text: text() })),
        Box::new(command::OwnerOrder(OwnerCommand::End { call: CALL, text: text() })),
        Box::new(command::UnauthenticatedOrder(OwnerCommand::End { call: CALL, text: text() })),
        Box::new(command::RedeemCode(text())),
        Box::new(command::EndCall { call: CALL, text: text() }),
        Box::new(command::NamePeer { key: KEY, name: text() }),
        Box::new(command::PairingCode { code: text(), until: now }),
    ];
    let chunk = Change::Transfer(TransferChange::Chunk {
        stream: STREAM,
        number: 1,
        rumor: id,
        bytes: bytes(),
    });
    let boxed = Box::new;
    let changes = [
        Change::Peer(PeerChange::Put(peer.clone())),
        Change::Call(CallChange::Put(boxed(call.clone()))),
        Change::Transfer(TransferChange::File(Box::new(file(FileState::Complete(Some(text())))))),
        Change::Transfer(TransferChange::State(1, FileState::Failed(text()))),
        Change::Human(HumanChange::Question(Box::new(question))),
        Change::Human(HumanChange::Answered {
            question: 1,
            answer: Answer { text: text(), via: Via::Terminal, at: now },
        }),
        Change::EventLog(EventLogChange::Event(event.clone())),
        Change::Conversation(ConversationChange::Outbox {
            stream: STREAM,
            number: 1,
            rumor: Box::new(rumor.clone()),
            since: now,
        }),
        Change::Conversation(ConversationChange::OutOfOrder {
            stream: STREAM,
            number: 1,
            rumor: Box::new(rumor.clone()),
        }),
        chunk,
    ];
    let accept = Accept { replaces: None, name: Some(text()) };
    let recent = vec![(place, text(), 1, now)];
    let mut values: Vec<Box<dyn Debug>> = vec![
        Box::new(Body::Plain(text())),
        Box::new(Body::Control(CALL, Control::Offer(offer))),
        Box::new(Body::Control(CALL, Control::Accept(accept))),
        Box::new(Body::Chunk(CALL, slot, bytes())),
        Box::new(Input::PeerSeen { peer: KEY, name: Some(text()) }),
        Box::new(Input::FileStored { file: 1, result: Ok(text()) }),
        Box::new(Input::FileStored { file: 1, result: Err(AssemblyFault::Local(text())) }),
        Box::new(Output::AssembleFile(Assembly {
            file: 1,
            stream: STREAM,
            pieces: 1,
            name: text(),
            size: 1,
            sha256: Sha256([1; 32]),
        })),
        Box::new(Output::Notify(event)),
        Box::new(Input::Recalled {
            call: CALL,
            to: KEY,
            lines: vec![Line { by: Speaker::Peer, text: text() }],
        }),
        Box::new(Output::Send { to: KEY, rumor, priority: Priority::Text }),
        Box::new(Snapshot { peers: vec![peer], calls: vec![call], recent, ..Snapshot::default() }),
    ];
    values.extend(contents.map(|it| Box::new(message(it)) as Box<dyn Debug>));
    values.extend(items.map(|it| Box::new(Body::Numbered(place, slot, it)) as Box<dyn Debug>));
    values.extend(commands);
    values.extend(changes.map(|it| Box::new(Output::Persist(it)) as Box<dyn Debug>));
    values
}

#[test]
fn debug_output_never_contains_text() {
    let numbers = format!("{:?}", bytes().0);
    for value in values() {
        for shown in [format!("{value:?}"), format!("{value:#?}").replace(['\n', ' '], "")] {
            let hidden = !shown.contains("marker") && !shown.contains(&numbers);
            assert!(hidden && !shown.contains(&numbers.replace(' ', "")), "{shown}");
        }
    }
}

#[test]
fn debug_output_shows_states_and_lengths() {
    let closing = Closing::new(Reason::Busy, text());
    let shown = "Closing { reason: Busy, text: 6 bytes, into: None, last: {} }";
    assert_eq!(format!("{closing:?}"), shown);
}

//! Decoding and encoding: any input is decoded or refused, and encoded packets decode to the same.

use std::collections::BTreeMap;

use p2p_core::wire::{
    Accept, Ack, Body, Closing, Control, Escalation, FileOffer, Item, Offer, Packet, Reason, Slot,
    Stamp, TEXT_LIMIT, decode, encode,
};
use p2p_core::{
    CallId, Conversation, InstanceId, PublicKey, Rumor, RumorId, Sha256, StreamId, Time, Verified,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

const ME: PublicKey = PublicKey([1; 32]);
const PEER: PublicKey = PublicKey([2; 32]);

#[expect(clippy::unwrap_used, reason = "that is how a test fails")]
fn verified(rumor: Rumor) -> Verified {
    Verified::from_seal(rumor.pubkey, Some(rumor.id()), rumor).unwrap()
}

fn read(rumor: Rumor) -> Option<Packet> {
    decode(ME, &verified(rumor)).ok()
}

fn call() -> impl Strategy<Value = CallId> {
    any::<[u8; 16]>().prop_map(|bytes| CallId(uuid::Uuid::from_bytes(bytes)))
}

fn conversation() -> impl Strategy<Value = Conversation> {
    prop_oneof![call().prop_map(Conversation::Call), Just(Conversation::Direct(PEER))]
}

fn slot() -> impl Strategy<Value = Slot> {
    let was = option::of(any::<[u8; 32]>().prop_map(RumorId));
    let prev = option::of(any::<[u8; 8]>());
    (any::<[u8; 8]>(), 1..1u64 << 48, was, prev).prop_map(|(stream, number, was, prev)| Slot {
        was,
        prev,
        ..Slot::new(StreamId(stream), number)
    })
}

fn reason() -> impl Strategy<Value = Reason> {
    prop_oneof![
        Just(Reason::Completed),
        Just(Reason::Declined),
        Just(Reason::Busy),
        Just(Reason::NoAnswer),
        Just(Reason::Unreachable),
        Just(Reason::Cancelled),
        Just(Reason::PeerLost),
        Just(Reason::Merged),
        Just(Reason::Failed),
    ]
}

fn closing() -> impl Strategy<Value = Closing> {
    let last = vec((any::<[u8; 8]>(), any::<u64>()), 0..5);
    (reason(), ".{0,40}", option::of(call()), last).prop_map(|(reason, text, into, last)| {
        let last: BTreeMap<_, _> = last.into_iter().map(|(s, n)| (StreamId(s), n)).collect();
        Closing { reason, text: text.into(), into, last }
    })
}

fn control() -> impl Strategy<Value = Control> {
    let words = (".{0,40}", option::of(".{0,200}"));
    let offer = (words, 1..=86_400u64, option::of(".{0,16}"), option::of("[a-z0-9]{0,40}"));
    let offer = offer.prop_map(|((topic, message), lifetime, name, invite)| Offer {
        topic: topic.into(),
        message: message.map(Into::into),
        lifetime,
        name: name.map(Into::into),
        invite: invite.map(Into::into),
    });
    let accept = (option::of(call()), option::of(".{0,16}"))
        .prop_map(|(replaces, name)| Accept { replaces, name: name.map(Into::into) });
    prop_oneof![
        offer.prop_map(Control::Offer),
        Just(Control::Ringing),
        accept.prop_map(Control::Accept),
        Just(Control::Established),
        closing().prop_map(Control::Reject),
        closing().prop_map(Control::Cancel),
        closing().prop_map(Control::End),
        Just(Control::Ended),
    ]
}

fn item() -> impl Strategy<Value = Item> {
    let asked = (".{0,80}", vec(".{0,40}", 0..=10)).prop_map(|(question, options)| Escalation {
        question: question.into(),
        options: options.into_iter().map(Into::into).collect(),
    });
    let file = (".{0,40}", 0..=256 * 1024u64, any::<[u8; 32]>(), any::<[u8; 8]>(), 1024..65_537u64)
        .prop_map(|(name, size, hash, stream, chunk)| FileOffer {
            name: name.into(),
            size,
            sha256: Sha256(hash),
            stream: StreamId(stream),
            chunk,
        });
    prop_oneof![
        ".{0,200}".prop_map(|text| Item::Text(text.into())),
        asked.prop_map(Item::Escalation),
        file.prop_map(Item::File),
        Just(Item::Void),
        "later-[a-z]{1,16}".prop_map(|name| Item::Unknown(name.into())),
    ]
}

fn body() -> impl Strategy<Value = Body> {
    prop_oneof![
        ".{0,200}".prop_map(|text| Body::Plain(text.into())),
        (call(), control()).prop_map(|(call, control)| Body::Control(call, control)),
        Just(Body::Ack),
        slot().prop_map(Body::Reset),
        (conversation(), slot(), item()).prop_map(|(conversation, slot, item)| Body::Numbered(
            conversation,
            slot,
            item
        )),
        (call(), slot(), vec(any::<u8>(), 0..300)).prop_map(|(call, slot, bytes)| Body::Chunk(
            call,
            slot,
            bytes.into()
        )),
    ]
}

fn ack() -> impl Strategy<Value = Ack> {
    let number = 0..1u64 << 48;
    let range = (number.clone(), 0..100u64)
        .prop_map(|(from, length)| (from.saturating_sub(100), from.saturating_sub(100) + length));
    let id = option::of(any::<[u8; 8]>());
    (any::<[u8; 8]>(), number.clone(), id, number, vec(range, 0..5)).prop_map(
        |(stream, upto, id, read, held)| Ack { stream: StreamId(stream), upto, id, read, held },
    )
}

/// Values of tags as we write them, and near misses.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("1".to_owned()),
        Just(ME.to_string()),
        Just("00112233445566aa".to_owned()),
        Just("e720ea1f-415c-4e73-a53c-e792f6688e1b".to_owned()),
        prop_oneof![
            Just("offer"),
            Just("ringing"),
            Just("accept"),
            Just("end"),
            Just("ack"),
            Just("reset"),
            Just("chunk"),
            Just("file"),
            Just("escalation"),
            Just("void"),
        ]
        .prop_map(str::to_owned),
        any::<u64>().prop_map(|n| n.to_string()),
        "[0-9]{1,20}-[0-9]{1,20}(,[0-9]*-[0-9]*){0,3}",
        ".{0,20}",
    ]
}

/// Tags as we write them, and near misses.
fn tag() -> impl Strategy<Value = Vec<String>> {
    let name = prop_oneof![
        Just("p"),
        Just("v"),
        Just("call"),
        Just("type"),
        Just("stream"),
        Just("n"),
        Just("was"),
        Just("prev"),
        Just("ack"),
        Just("instance"),
        Just("by"),
        Just(""),
    ];
    prop_oneof![
        9 => (name, vec(value(), 0..6)).prop_map(|(name, mut values)| {
            values.insert(0, name.to_owned());
            values
        }),
        1 => Just(Vec::new()),
    ]
}

fn content() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{0,60}",
        "[A-Za-z0-9+/=]{0,60}",
        r#"\{"(reason|topic|question|name)":("[a-z]{0,9}"|[0-9]{1,30}|null),"lifetime":[0-9]{1,22}\}"#,
        Just(
            r#"{"name":"a","size":18446744073709551615,"sha256":"","stream":"","chunk":0}"#.into()
        ),
    ]
}

proptest! {
    #[test]
    fn arbitrary_rumors_never_panic(
        kind in prop_oneof![Just(14u16), Just(25714), any::<u16>()],
        created_at in any::<u64>(),
        to_me in any::<bool>(),
        mut tags in vec(tag(), 0..10),
        content in content(),
    ) {
        if to_me {
            tags.retain(|tag| tag.first().is_none_or(|name| name != "p"));
            tags.push(vec!["p".into(), ME.to_string()]);
        }
        let _ = read(Rumor { pubkey: PEER, created_at, kind, tags, content });
    }

    /// One thing is wrong in a message of ours.
    #[test]
    fn near_misses_never_panic(
        body in body(),
        acks in vec(ack(), 0..2),
        which in any::<prop::sample::Index>(),
        values in vec(value(), 0..6),
        other in option::of(content()),
    ) {
        let instance = InstanceId([7; 8]);
        let stamp = Stamp { from: PEER, to: ME, at: Time(0), instance, by_human: false, acks };
        let mut rumor = encode(&stamp, &body);
        let _ = read(Rumor { content: other.unwrap_or_default(), ..rumor.clone() });
        let at = which.index(rumor.tags.len());
        rumor.tags[at].truncate(1);
        rumor.tags[at].extend(values);
        let _ = read(rumor);
    }

    #[test]
    fn encoded_packets_decode_to_the_same(
        body in body(),
        acks in vec(ack(), 0..5),
        secs in 0..1u64 << 40,
        by_human in any::<bool>(),
    ) {
        let instance = InstanceId([7; 8]);
        let at = Time::from_secs(secs);
        let stamp = Stamp { from: PEER, to: ME, at, instance, by_human, acks: acks.clone() };
        let rumor = encode(&stamp, &body);
        let message = verified(rumor);
        let packet = decode(ME, &message).unwrap();
        let ours = !matches!(body, Body::Plain(_));
        prop_assert_eq!(packet, Packet {
            from: PEER,
            id: message.id(),
            created_at: secs,
            instance: ours.then_some(instance),
            by_human: ours && by_human,
            reply_to: vec![],
            acks: if ours { acks } else { Vec::new() },
            body,
        });
    }
}

#[test]
fn text_over_the_length_limit_is_refused() {
    for (length, passes) in [(TEXT_LIMIT, true), (TEXT_LIMIT + 1, false)] {
        let stamp = Stamp {
            from: PEER,
            to: ME,
            at: Time(0),
            instance: InstanceId([7; 8]),
            by_human: false,
            acks: Vec::new(),
        };
        let rumor = encode(&stamp, &Body::Plain("x".repeat(length).into()));
        assert_eq!(read(rumor).is_some(), passes, "{length}");
    }
}

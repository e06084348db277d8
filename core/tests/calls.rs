//! A call under any sequence of events.

use std::time::Duration;

use p2p_core::call::{Call, Event, State};
use p2p_core::wire::{Accept, Closing, Control, Offer, Reason};
use p2p_core::{CallId, PublicKey, Time};
use proptest::collection::vec;
use proptest::prelude::*;

const START: Time = Time::from_secs(1_000_000);
const PEER: PublicKey = PublicKey([2; 32]);

fn id(byte: u8) -> CallId {
    CallId(uuid::Uuid::from_bytes([byte; 16]))
}

fn offer() -> Offer {
    Offer { topic: String::new().into(), message: None, lifetime: 600, name: None, invite: None }
}

fn event() -> impl Strategy<Value = Event> {
    let closing = || {
        prop_oneof![Just(Reason::Completed), Just(Reason::Busy), Just(Reason::Merged)]
            .prop_map(|reason| Closing::new(reason, ""))
    };
    let happens = prop_oneof![
        Just(Event::Control(Control::Offer(offer()))),
        Just(Event::Control(Control::Ringing)),
        Just(Event::Control(Control::Accept(Accept::default()))),
        Just(Event::Control(Control::Established)),
        closing().prop_map(|closing| Event::Control(Control::Reject(closing))),
        closing().prop_map(|closing| Event::Control(Control::Cancel(closing))),
        closing().prop_map(|closing| Event::Control(Control::End(closing))),
        Just(Event::Control(Control::Ended)),
        Just(Event::Received),
        Just(Event::Accept { replaces: None }),
        closing().prop_map(Event::Close),
        Just(Event::Merge(id(1))),
        Just(Event::NoRoute),
        Just(Event::PeerSeen),
    ];
    prop_oneof![3 => happens, 1 => Just(Event::Tick)]
}

proptest! {
    #[test]
    fn invariants_hold(
        outgoing in any::<bool>(),
        knock in any::<bool>(),
        events in vec((event(), prop_oneof![3 => 0..30u64, 1 => 0..100_000u64]), 0..40),
    ) {
        let mut call = if outgoing {
            Call::dial(1, id(5), PEER, START, &offer(), None)
        } else {
            Call::offered(1, id(5), PEER, START, START, &offer(), knock)
        };
        let mut now = START;
        let (mut was_over, mut took) = (false, false);
        for (event, wait) in events {
            now = now + Duration::from_secs(wait);
            took |= !outgoing && matches!(event, Event::Accept { .. });
            let tick = event == Event::Tick;
            call.step(now, event);
            prop_assert!(!was_over || !call.is_open(), "an ended call came back: {call:?}");
            was_over = !call.is_open();
            if call.state == State::Active {
                prop_assert!(call.answered.is_some());
                prop_assert!(outgoing || took, "nobody took it: {call:?}");
            }
            let waits = call.is_open() && call.state != State::Active;
            prop_assert!(!waits || call.next_timeout().is_some(), "nothing ends it: {call:?}");
            prop_assert!(!waits || call.answered.is_none(), "answered, and it waits: {call:?}");
            // A tick satisfies the timeout that it came for.
            if tick {
                prop_assert!(call.next_timeout().is_none_or(|at| at > now), "it spins: {call:?}");
            }
        }
        // Left alone, it comes to rest.
        for _ in 0..200 {
            let Some(at) = call.next_timeout() else { break };
            call.step(at.max(now), Event::Tick);
        }
        prop_assert_eq!(call.next_timeout(), None);
        prop_assert!(!call.is_open() || call.state == State::Active);
    }
}

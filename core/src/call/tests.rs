use core::time::Duration;

use super::state::*;
use super::step::{Effect, Event};
use crate::ids::{CallId, PublicKey};
use crate::time::Time;
use crate::wire::{Accept, Closing, Control, Offer, Reason};

const START: Time = Time::from_secs(1_000_000);
const RING: u64 = 600;

fn id(byte: u8) -> CallId {
    CallId(uuid::Uuid::from_bytes([byte; 16]))
}

fn offer() -> Offer {
    Offer { topic: "tea".into(), message: None, lifetime: RING, name: None, invite: None }
}

fn after(secs: u64) -> Time {
    START + Duration::from_secs(secs)
}

fn closing(reason: Reason) -> Closing {
    Closing::new(reason, "")
}

fn caller() -> Call {
    Call::dial(1, id(5), PublicKey([2; 32]), START, &offer(), None)
}

fn callee() -> Call {
    Call::offered(1, id(5), PublicKey([1; 32]), START, START, &offer(), false)
}

fn knocked() -> Call {
    Call::offered(1, id(5), PublicKey([1; 32]), START, START, &offer(), true)
}

/// The call after these events, a second apart.
fn with(mut call: Call, events: &[Event]) -> Call {
    for (secs, event) in (1..).zip(events) {
        call.step(after(secs), event.clone());
    }
    call
}

fn said(control: Control) -> Event {
    Event::Control(control)
}

fn accepted() -> Event {
    said(Control::Accept(Accept::default()))
}

fn take() -> Event {
    Event::Accept { replaces: None }
}

fn close(reason: Reason) -> Event {
    Event::Close(closing(reason))
}

/// Both ends, in every state, by a name that says how the state came about.
fn states() -> Vec<(&'static str, Call)> {
    let established = || said(Control::Established);
    let end = || said(Control::End(closing(Reason::Completed)));
    let reject = || said(Control::Reject(closing(Reason::Declined)));
    let cancel = || said(Control::Cancel(closing(Reason::Cancelled)));
    let mut missed = callee();
    missed.step(after(RING + 60), Event::Tick);
    vec![
        ("dialing", caller()),
        ("ringing", with(caller(), &[said(Control::Ringing)])),
        ("active>", with(caller(), &[accepted()])),
        ("cancelled", with(caller(), &[close(Reason::Cancelled)])),
        ("rejected", with(caller(), &[reject()])),
        ("merged>", with(caller(), &[Event::Merge(id(3))])),
        ("incoming", callee()),
        ("knock", knocked()),
        ("connecting", with(callee(), &[take()])),
        (">active", with(callee(), &[take(), established()])),
        (">refused", with(callee(), &[close(Reason::Declined)])),
        (">cancelled", with(callee(), &[cancel()])),
        (">missed", missed),
        (">ended us", with(callee(), &[take(), established(), close(Reason::Completed)])),
        (">ended", with(callee(), &[take(), established(), end()])),
    ]
}

fn events() -> Vec<(&'static str, Time, Event)> {
    let soon = after(20);
    let late = after(100_000);
    let mut events: Vec<_> = [
        ("offer", said(Control::Offer(offer()))),
        ("ringing", said(Control::Ringing)),
        ("accept", accepted()),
        ("established", said(Control::Established)),
        ("reject", said(Control::Reject(closing(Reason::Busy)))),
        ("cancel", said(Control::Cancel(closing(Reason::NoAnswer)))),
        ("end", said(Control::End(closing(Reason::Failed)))),
        ("ended", said(Control::Ended)),
        ("spoke", Event::Received),
        ("take", take()),
        ("close", close(Reason::Completed)),
        ("merge", Event::Merge(id(3))),
        ("no route", Event::NoRoute),
        ("seen", Event::PeerSeen),
        ("relay back", Event::RelayBack),
        ("tick", Event::Tick),
    ]
    .map(|(name, event)| (name, soon, event))
    .into();
    events.push(("deadline", late, Event::Tick));
    events.push(("after days", after(0) + WORD_LIFETIME + Duration::from_secs(100), Event::Tick));
    events
}

/// A state in a word: an end says whether they were in the call, why, whose word it was, and with
/// a `+` that it is repeated.
fn name(call: &Call) -> String {
    match &call.state {
        State::Dialing(_) => "dialing".into(),
        State::Ringing(_) => "ringing".into(),
        State::Incoming(_) => "incoming".into(),
        State::Connecting(_) => "connecting".into(),
        State::Active => "active".into(),
        State::Ended(ended) => {
            let by = match ended.by {
                By::Us => "us",
                By::Peer => "peer",
                By::Nobody => "nobody",
            };
            let word = if ended.word.is_some() { "+" } else { "" };
            let talked = if call.answered.is_some() { "talked, " } else { "" };
            format!("{talked}{:?}/{by}{word}", ended.closing.reason)
        }
    }
}

fn spoken(effects: &[Effect]) -> String {
    let words = effects.iter().filter_map(|effect| match effect {
        Effect::Send(Control::Offer(_)) => Some("offer"),
        Effect::Send(Control::Ringing) => Some("ringing"),
        Effect::Send(Control::Accept(_)) => Some("accept"),
        Effect::Send(Control::Established) => Some("established"),
        Effect::Send(Control::Reject(_)) => Some("reject"),
        Effect::Send(Control::Cancel(_)) => Some("cancel"),
        Effect::Send(Control::End(_)) => Some("end"),
        Effect::Send(Control::Ended) => Some("ended"),
        Effect::Answered | Effect::Closed => None,
    });
    words.collect::<Vec<_>>().join(",")
}

/// Returns the effect of an event on a call: the new state, if it differs, and the messages sent.
fn cell(call: &Call, now: Time, event: Event) -> String {
    let mut moved = call.clone();
    let effects = moved.step(now, event);
    let (before, after, words) = (name(call), name(&moved), spoken(&effects));
    let state = if before == after { "" } else { &after };
    match (state, words.as_str()) {
        ("", "") => ".".into(),
        ("", words) => format!("({words})"),
        (state, "") => state.into(),
        (state, words) => format!("{state} ({words})"),
    }
}

#[test]
fn every_event_in_every_state_has_the_expected_effect() {
    let mut table = String::new();
    for (name, call) in states() {
        table += &format!("{name}\n");
        for (event, now, input) in events() {
            let cell = cell(&call, now, input);
            if cell != "." {
                table += &format!("  {event}: {cell}\n");
            }
        }
    }
    let expected = include_str!("tests.txt");
    assert!(table == expected, "the table is not in tests.txt any more:\n{table}");
}

/// Applies both first events at once, then exchanges control messages until neither end answers.
fn cross(mut one: Call, first: Event, mut other: Call, second: Event, secs: u64) -> [Call; 2] {
    let now = after(secs);
    let words = |effects: Vec<Effect>| effects.into_iter().filter_map(word).collect::<Vec<_>>();
    let mut to_other = words(one.step(now, first));
    let mut to_one = words(other.step(now, second));
    for round in 0.. {
        assert!(round < 5, "they talk for ever");
        let heard = |call: &mut Call, said: Vec<Control>| -> Vec<Control> {
            said.into_iter().flat_map(|word| words(call.step(now, Event::Control(word)))).collect()
        };
        let (back, forth) = (heard(&mut other, to_other), heard(&mut one, to_one));
        (to_one, to_other) = (back, forth);
        if to_one.is_empty() && to_other.is_empty() {
            break;
        }
    }
    [one, other]
}

fn word(effect: Effect) -> Option<Control> {
    match effect {
        Effect::Send(control) => Some(control),
        Effect::Answered | Effect::Closed => None,
    }
}

#[test]
fn crossing_control_messages_end_alike_on_both_sides() {
    let ringing = || with(caller(), &[said(Control::Ringing)]);
    let active = || with(caller(), &[accepted()]);
    let connecting = || with(callee(), &[take()]);
    let in_call = || with(callee(), &[take(), said(Control::Established)]);
    let cancel = || close(Reason::Cancelled);
    let (tick, end) = (|| Event::Tick, || close(Reason::Completed));
    for (what, one, first, other, second, secs, reason) in [
        ("cancel, accept", ringing(), cancel(), callee(), take(), 20, Reason::Cancelled),
        ("timeout, accept", ringing(), tick(), callee(), take(), RING, Reason::NoAnswer),
        ("no sign, accept", caller(), tick(), callee(), take(), RING, Reason::Unreachable),
        ("no route, accept", caller(), Event::NoRoute, callee(), take(), 9, Reason::Unreachable),
        (
            "cancel, reject",
            ringing(),
            cancel(),
            callee(),
            close(Reason::Busy),
            9,
            Reason::Cancelled,
        ),
        ("timeout, timeout", ringing(), tick(), callee(), tick(), RING + 60, Reason::NoAnswer),
        ("end, end", active(), end(), in_call(), close(Reason::Failed), 9, Reason::Completed),
        ("end, lost", active(), end(), connecting(), tick(), 601, Reason::Completed),
        ("nothing, lost", active(), tick(), connecting(), tick(), 601, Reason::PeerLost),
        ("ringing, lost", ringing(), Event::PeerSeen, connecting(), tick(), 601, Reason::PeerLost),
    ] {
        let ends = cross(one, first, other, second, secs);
        for call in &ends {
            let State::Ended(ended) = &call.state else { panic!("{what}: {:?}", call.state) };
            assert_eq!(ended.closing.reason, reason, "{what}");
            assert_eq!(ended.word, None, "{what}: a word was not confirmed");
        }
        let [one, other] = ends;
        assert_eq!(one.answered.is_some(), other.answered.is_some(), "{what}");
    }
}

#[test]
fn an_offer_is_repeated_ever_more_slowly_until_it_expires() {
    let mut call = caller();
    let mut offers = Vec::new();
    while let Some(at) = call.next_timeout().filter(|_| call.is_open()) {
        if call.step(at, Event::Tick) == [Effect::Send(call.offer())] {
            offers.push(at.since(START).as_secs());
        }
    }
    assert_eq!(offers, [10, 40, 100, 280, 460]);
    let State::Ended(ended) = call.state else { panic!("{:?}", call.state) };
    assert_eq!((ended.at, ended.closing.reason), (after(RING), Reason::Unreachable));
}

#[test]
fn a_final_message_is_repeated_for_three_days_or_until_confirmed() {
    let mut call = with(caller(), &[close(Reason::Cancelled)]);
    let mut words = 0;
    while let Some(at) = call.next_timeout() {
        assert!(at.since(START) < WORD_LIFETIME + Duration::from_secs(3 * 3600));
        words += call.step(at, Event::Tick).len();
    }
    assert!((38..45).contains(&words), "{words}");

    let mut call = with(caller(), &[close(Reason::Cancelled)]);
    call.step(after(2), said(Control::Ended));
    assert_eq!(call.next_timeout(), None);
}

#[test]
fn deadlines_are_the_lifetime_a_grace_and_the_connect_limit() {
    let deadline = |call: &Call| match &call.state {
        State::Dialing(state) => state.expires,
        State::Ringing(state) => state.expires,
        State::Incoming(state) => state.expires,
        State::Connecting(state) => state.expires,
        State::Active | State::Ended(_) => panic!("it waits for nothing"),
    };
    assert_eq!(deadline(&caller()), after(RING));
    assert_eq!(deadline(&with(caller(), &[said(Control::Ringing)])), after(RING));
    assert_eq!(deadline(&callee()), after(RING) + RING_GRACE);
    assert_eq!(deadline(&with(callee(), &[take()])), after(1) + CONNECT_LIMIT);
}

#[test]
fn a_ring_that_comes_too_late_is_a_missed_call() {
    for (late, rings) in [(0, true), (RING + 3600, true), (RING + 3601, false)] {
        let call = Call::offered(1, id(5), PublicKey([1; 32]), after(late), START, &offer(), false);
        assert_eq!(call.is_open(), rings, "{late}");
    }
    // A clock that runs behind does not make a ring late.
    let call = Call::offered(1, id(5), PublicKey([1; 32]), START, after(3600), &offer(), false);
    assert!(call.is_open());
}

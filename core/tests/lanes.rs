//! A lane over a network that loses, doubles and reorders: everything arrives once and in order.

use std::time::Duration;

use p2p_core::lane::{Arrival, Inbound, Incoming, Outgoing, Schedule};
use p2p_core::wire::Ack;
use p2p_core::{PublicKey, Rumor, StreamId, Time};
use proptest::collection::vec;
use proptest::prelude::*;

const STREAM: StreamId = StreamId([9; 8]);

fn rumor(number: u64) -> Rumor {
    let content = number.to_string();
    Rumor { pubkey: PublicKey([1; 32]), created_at: 0, kind: 14, tags: Vec::new(), content }
}

/// Number of times that the next message arrives, and its delay.
type Fate = (usize, u64);

fn fate() -> impl Strategy<Value = Fate> {
    (prop_oneof![2 => Just(0usize), 5 => Just(1), 2 => Just(2)], 1..400_000u64)
}

/// Something on its way.
enum Cargo {
    Message(u64, Rumor),
    Ack(Ack),
}

struct Net {
    fates: Vec<Fate>,
    sent: usize,
    under_way: Vec<(Time, Cargo)>,
}

impl Net {
    /// After the fates are used up, everything arrives.
    fn send(&mut self, now: Time, inbound: impl Fn() -> Cargo) {
        let (copies, delay) = self.fates.get(self.sent).copied().unwrap_or((1, 50));
        self.sent += 1;
        for copy in 0..copies as u64 {
            self.under_way.push((now + Duration::from_millis(delay * (1 + copy)), inbound()));
        }
    }

    fn next(&self) -> Option<Time> {
        self.under_way.iter().map(|(at, _)| *at).min()
    }

    fn arrived(&mut self, now: Time) -> Vec<Cargo> {
        let (arrived, rest) =
            std::mem::take(&mut self.under_way).into_iter().partition(|(at, _)| *at <= now);
        self.under_way = rest;
        let arrived: Vec<(Time, Cargo)> = arrived;
        arrived.into_iter().map(|(_, inbound)| inbound).collect()
    }
}

proptest! {
    #[test]
    fn everything_arrives_once_and_in_order(
        count in 1..40u64,
        fates in vec(fate(), 0..200),
        taken in any::<bool>(),
    ) {
        let schedule = Schedule::default();
        let mut out = Outgoing::new(STREAM);
        let mut inc: Incoming<u64> = Incoming::new(STREAM);
        let mut net = Net { fates, sent: 0, under_way: Vec::new() };
        let mut now = Time::from_secs(1000);
        let mut heard = Vec::new();
        let mut delivered = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        for number in 1..=count {
            prop_assert_eq!(out.push(now, rumor(number)), number);
        }
        let mut steps = 0;
        while out.acked < count {
            steps += 1;
            prop_assert!(steps < 10_000, "it never ends");
            for (number, rumor) in out.due(now, &schedule) {
                if taken {
                    out.taken(number);
                }
                net.send(now, || Cargo::Message(number, rumor.clone()));
            }
            for inbound in net.arrived(now) {
                match inbound {
                    Cargo::Message(number, rumor) => {
                        let id = rumor.id();
                        if !seen.contains(&id) {
                            match inc.arrive(number, Inbound::new(id, number)) {
                                Arrival::Released(released) => {
                                    heard.extend(released.into_iter().map(|(_, _, n)| n));
                                }
                                Arrival::OutOfOrder => {}
                                other => prop_assert!(false, "{other:?}"),
                            }
                            seen.insert(id);
                        }
                        let ack = inc.ack(true);
                        net.send(now, || Cargo::Ack(ack.clone()));
                    }
                    Cargo::Ack(ack) => {
                        let outcome = out.acked(now, &ack);
                        prop_assert!(!outcome.diverged);
                        delivered.extend(outcome.delivered);
                        for (number, rumor) in out.again(now, &outcome.resend) {
                            net.send(now, || Cargo::Message(number, rumor.clone()));
                        }
                    }
                }
            }
            let next = p2p_core::time::earlier(net.next(), out.next_timeout(&schedule));
            now = next.map_or(now, |next| next.max(now));
        }
        prop_assert_eq!(heard, (1..=count).collect::<Vec<_>>());
        // Each is reported as delivered exactly once.
        let mut all: Vec<_> = (1..=count).map(|number| rumor(number).id()).collect();
        all.sort_unstable();
        delivered.sort_unstable();
        prop_assert_eq!(delivered, all);
        prop_assert!(out.pending.is_empty());
        prop_assert_eq!(out.next_timeout(&schedule), None);
    }

    /// A receiver that knows nothing of the stream, or of another, changes nothing by accident.
    #[test]
    fn arbitrary_acks_never_panic_and_never_lose_pending_rumors(
        upto in 0..30u64,
        read in 0..30u64,
        held in vec((0..30u64, 0..30u64), 0..4),
    ) {
        let mut out = Outgoing::new(STREAM);
        (1..=10).for_each(|number| { out.push(Time(0), rumor(number)); });
        let held = held.into_iter().filter(|(from, to)| from <= to).collect();
        let ack = Ack { stream: STREAM, upto, id: None, read, held };
        let outcome = out.acked(Time(5000), &ack);
        prop_assert_eq!(outcome.diverged, upto > 10);
        prop_assert_eq!(out.acked, if upto > 10 { 0 } else { upto });
        prop_assert!((out.acked + 1..=10).all(|number| out.pending.contains_key(&number)));
        prop_assert!(out.read <= out.acked);
    }
}

fn acked(upto: u64, held: &[(u64, u64)]) -> Ack {
    Ack { stream: STREAM, upto, id: None, read: 0, held: held.to_vec() }
}

#[test]
fn a_restored_store_is_told_apart_from_a_late_ack() {
    let stream = || {
        let mut out = Outgoing::new(STREAM);
        (1..=6).for_each(|number| {
            out.push(Time(0), rumor(number));
        });
        out.acked(Time(0), &acked(4, &[]));
        out
    };
    for (what, ack, diverged) in [
        ("more than was sent", acked(7, &[]), true),
        ("another rumor", Ack { id: Some([0; 8]), ..acked(5, &[]) }, true),
        ("less than before, and what comes next", acked(2, &[(5, 5)]), true),
        ("a late word", acked(2, &[]), false),
        ("a late word with a gap", acked(2, &[(4, 4), (6, 6)]), false),
        ("the same again", acked(4, &[]), false),
    ] {
        assert_eq!(stream().acked(Time(0), &ack).diverged, diverged, "{what}");
    }
}

#[test]
fn only_the_lowest_number_is_repeated_after_a_relay_accepted_all() {
    let schedule = Schedule::default();
    let mut out = Outgoing::new(STREAM);
    (1..=3).for_each(|number| {
        out.push(Time(0), rumor(number));
    });
    assert_eq!(out.due(Time(0), &schedule).len(), 3);
    (1..=3).for_each(|number| {
        out.taken(number);
    });
    let mut at = Vec::new();
    while let Some(next) = out.next_timeout(&schedule).filter(|next| next.secs() < 6 * 3600) {
        let due: Vec<u64> = out.due(next, &schedule).into_iter().map(|(n, _)| n).collect();
        assert_eq!(due, [1]);
        at.push(next.secs());
    }
    assert_eq!(at, [60, 360, 2160, 9360, 16_560]);
}

#[test]
fn refused_rumors_are_sent_at_once_when_a_relay_is_back() {
    let schedule = Schedule::default();
    let (start, pause) = (Time::from_secs(1000), Duration::from_secs(5));
    let mut out = Outgoing::new(STREAM);
    for number in 1..=4 {
        out.push(start, rumor(number));
    }
    assert!(out.untaken(start, pause).is_empty(), "none of them was tried");
    assert_eq!(numbers(out.due(start, &schedule)), [1, 2, 3, 4]);
    out.taken(2);
    let mut now = start;
    for _ in 0..4 {
        now = out.next_timeout(&schedule).unwrap();
        out.due(now, &schedule);
    }
    assert!(out.next_timeout(&schedule).unwrap().since(now) > Duration::from_secs(60));
    now = now + Duration::from_secs(20);
    assert_eq!(numbers(out.untaken(now, pause)), [1, 3, 4]);
    // Once more, if that fails, as if they were new.
    assert!(out.untaken(now, pause).is_empty(), "they just went");
    assert_eq!(out.next_timeout(&schedule), Some(now + pause));
}

fn numbers(due: Vec<(u64, Rumor)>) -> Vec<u64> {
    due.into_iter().map(|(number, _)| number).collect()
}

#[test]
fn rumors_far_beyond_a_gap_are_not_stored() {
    let mut inc: Incoming<u64> = Incoming::new(STREAM);
    assert_eq!(inc.arrive(1_000_000, Inbound::new(rumor(1).id(), 1)), Arrival::TooFar);
    let held = (2..2000)
        .filter(|n| inc.arrive(*n, Inbound::new(rumor(*n).id(), *n)) == Arrival::OutOfOrder)
        .count();
    assert_eq!(held, 256);
    assert_eq!(inc.arrive(2, Inbound::new(rumor(7).id(), 2)), Arrival::Conflict);
}

#[test]
fn a_rumor_must_follow_the_rumor_that_it_names() {
    let after = |number: u64, prev: Option<u64>| {
        let prev = prev.map(|number| rumor(number).id().start());
        Inbound { prev, ..Inbound::new(rumor(number).id(), number) }
    };
    let released = |numbers: &[u64]| {
        Arrival::Released(numbers.iter().map(|n| (*n, rumor(*n).id(), *n)).collect())
    };
    let mut inc: Incoming<u64> = Incoming::new(STREAM);
    assert_eq!(inc.arrive(1, after(1, None)), released(&[1]));
    assert_eq!(inc.clone().arrive(2, after(2, Some(7))), Arrival::Conflict);
    // What waits beyond a gap is looked at when the gap is filled.
    assert_eq!(inc.arrive(3, after(3, Some(7))), Arrival::OutOfOrder);
    assert_eq!(inc.arrive(4, after(4, Some(3))), Arrival::OutOfOrder);
    assert_eq!(inc.arrive(2, after(2, Some(1))), released(&[2]));
    assert!(inc.broken && inc.take_ack(true).is_none());

    // A void stands for a rumor that was never seen.
    let mut inc: Incoming<u64> = Incoming::new(STREAM);
    let void = Inbound { void: true, ..after(1, None) };
    assert_eq!(inc.arrive(1, void), released(&[1]));
    assert_eq!((inc.upto, inc.upto_id), (1, None));
    assert_eq!(inc.arrive(2, after(2, Some(7))), released(&[2]));
}

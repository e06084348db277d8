//! Two daemons with one key: the later one yields, and neither yields to one that is gone.

use std::time::Duration;

use p2p_core::engine::{Engine, Input, Output, Refusal, Snapshot, command};
use p2p_core::policy::Settings;
use p2p_core::{InstanceId, PublicKey, Rumor, Time, Verified};

const KEY: PublicKey = PublicKey([1; 32]);
const START: Time = Time::from_secs(1_000_000);

fn engine(run: u8, started: Time) -> Engine {
    let settings = Settings::default();
    Engine::restore(KEY, InstanceId([run; 8]), [run; 32], settings, Snapshot::default(), started)
}

/// Returns the rumors that the engine sends to its own key, and whether it yields.
fn drain(engine: &mut Engine) -> (Vec<Rumor>, bool) {
    let (mut said, mut yields) = (Vec::new(), false);
    while let Some(output) = engine.poll() {
        match output {
            Output::Send { to, rumor, .. } if to == KEY => said.push(rumor),
            Output::Yield { .. } => yields = true,
            _ => {}
        }
    }
    (said, yields)
}

#[expect(clippy::unwrap_used, reason = "that is how a test fails")]
fn hear(engine: &mut Engine, now: Time, rumor: &Rumor) -> (Vec<Rumor>, bool) {
    let verified = Verified::from_seal(KEY, None, rumor.clone()).unwrap();
    engine.handle(now, Input::Received(verified));
    drain(engine)
}

/// Delivers the messages of each engine to both. Returns true for each engine that yields.
fn meet(
    one: &mut Engine,
    other: &mut Engine,
    now: Time,
    who_reaches_a_relay: [bool; 2],
) -> [bool; 2] {
    let mut yields = [false; 2];
    let mut said = Vec::new();
    for (engine, reaches) in [&mut *one, &mut *other].into_iter().zip(who_reaches_a_relay) {
        if reaches {
            engine.handle(now, Input::RelayBack);
        }
        said.extend(drain(engine).0);
    }
    for round in 0.. {
        assert!(round < 5, "they talk for ever");
        let mut answers = Vec::new();
        for rumor in &said {
            for (engine, yields) in [&mut *one, &mut *other].into_iter().zip(&mut yields) {
                let (more, gives_way) = hear(engine, now, rumor);
                answers.extend(more);
                *yields |= gives_way;
            }
        }
        if answers.is_empty() {
            break;
        }
        said = answers;
    }
    yields
}

#[test]
fn the_later_run_yields_whichever_probes_first() {
    let later = START + Duration::from_secs(60);
    for reaches in [[true, false], [false, true], [true, true]] {
        let (mut first, mut second) = (engine(9, START), engine(1, later));
        assert_eq!(meet(&mut first, &mut second, later, reaches), [false, true], "{reaches:?}");
        // It does nothing any more, and says so.
        let block = command::BlockPeer(PublicKey([2; 32]));
        assert_eq!(second.execute(later, block), Err(Refusal::Yielded));
        assert_eq!(second.next_timeout(), None);
    }
    // Of one moment, the smaller instance stays.
    let (mut one, mut other) = (engine(2, START), engine(1, START));
    assert_eq!(meet(&mut one, &mut other, START, [true, true]), [true, false]);
}

#[test]
fn no_run_yields_to_a_run_that_has_ended() {
    let mut gone = engine(1, START);
    gone.handle(START, Input::RelayBack);
    let (hello, _) = drain(&mut gone);
    let later = START + Duration::from_secs(60);
    let mut now = engine(2, later);
    now.handle(later, Input::RelayBack);
    let (said, _) = drain(&mut now);
    // Its own words come back to it, and what the last run said is still there.
    for rumor in said.iter().chain(&hello) {
        assert!(!hear(&mut now, later, rumor).1);
    }
    // An answer to another run is none to this one.
    let mut third = engine(3, later + Duration::from_secs(60));
    third.handle(later, Input::RelayBack);
    let (hello, _) = drain(&mut third);
    let (answer, _) = hear(&mut now, later, &hello[0]);
    assert_eq!(answer.len(), 1);
    assert!(!hear(&mut engine(4, later), later, &answer[0]).1);
    // A hello of long ago is answered by nobody.
    let days = later + Duration::from_secs(24 * 3600);
    assert!(hear(&mut engine(5, days), days, &hello[0]).0.is_empty());
}

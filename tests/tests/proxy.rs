//! The fault-injecting proxy does what tests rely on it to do, and counts it.
#![expect(clippy::unwrap_used, reason = "that is how a test fails")]

use std::time::Duration;

use nostr::{EventBuilder, JsonUtil, Keys};
use p2p_tests::proxy::{Fault, Proxy, Rule, Storm};
use p2p_tests::{Relay, Wire, until};
use serde_json::{Value, json};

fn note(text: &str) -> Value {
    let event = EventBuilder::text_note(text).sign_with_keys(&Keys::generate()).unwrap();
    serde_json::from_str(&event.as_json()).unwrap()
}

/// Returns the notes that a relay has.
fn texts(wire: &mut Wire) -> Vec<String> {
    let found = wire.ask(&json!({"kinds": [1]}));
    found.iter().map(|event| event["content"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn each_fault_does_what_its_name_says() {
    let relay = Relay::start();
    let proxy = Proxy::before(relay.url());
    let mut wire = Wire::open(proxy.url());
    assert_eq!(wire.publish(&note("passes")), (true, String::new()));

    proxy.rule(Rule::up("EVENT", Fault::Refuse("blocked: no".into())).times(1));
    assert_eq!(wire.publish(&note("refused")), (false, "blocked: no".into()));
    proxy.rule(Rule::up("EVENT", Fault::Lie).containing("lost"));
    assert_eq!(wire.publish(&note("lost")), (true, String::new()));
    proxy.limit_writes(1, Duration::from_secs(600));
    assert!(wire.publish(&note("within the limit")).0);
    assert_eq!(wire.publish(&note("past the limit")).1, "rate-limited: slow down");

    let mut honest = texts(&mut wire);
    honest.sort();
    assert_eq!(honest, ["passes", "within the limit"]);
    proxy.rule(Rule::down("EVENT", Fault::Alter).containing("passes").times(1));
    assert!(texts(&mut wire).contains(&"passesA".to_owned()));
    proxy.rule(Rule::down("EVENT", Fault::Drop).times(1));
    assert_eq!(texts(&mut wire).len(), 1);
    proxy.rule(Rule::down("EVENT", Fault::Twice).times(2));
    assert_eq!(texts(&mut wire).len(), 4);
    proxy.rule(Rule::down("EVENT", Fault::Foreign).times(1));
    assert!(texts(&mut wire).contains(&"not for you".to_owned()));
    proxy.rule(Rule::down("EOSE", Fault::Replay).times(1));
    assert_eq!(texts(&mut wire).len(), 4);

    let tally = proxy.tally();
    for (name, count) in [("refused", 2), ("taken and lost", 1), ("altered", 1), ("doubled", 2)] {
        assert_eq!(tally.of(name), count, "{name}: {tally:?}");
    }
    assert_eq!((tally.connections, tally.all()), (1, 9), "{tally:?}");
}

#[test]
fn one_seed_gives_one_storm() {
    let relay = Relay::start();
    let outcomes = |seed| {
        let proxy = Proxy::before(relay.url());
        proxy.storm(Storm::new(seed, vec![(500, Fault::Refuse("error: bad luck".into()))]));
        let mut wire = Wire::open(proxy.url());
        let taken: Vec<bool> = (0..20).map(|_| wire.publish(&note("x")).0).collect();
        assert_eq!(
            proxy.tally().of("refused"),
            taken.iter().filter(|taken| !**taken).count() as u64
        );
        taken
    };
    // The answers of the relay take a roll as well, and come in order.
    assert_eq!(outcomes(7), outcomes(7));
    assert_ne!(outcomes(7), outcomes(8));
}

#[test]
fn only_an_authenticated_client_passes_the_wall() {
    let relay = Relay::start();
    let proxy = Proxy::before(relay.url());
    proxy.demand_auth(true, true);
    let mut wire = Wire::open(proxy.url());
    assert_eq!(wire.publish(&note("who")).1, "auth-required: who are you?");
    let answer = |challenge: &str| {
        let url = nostr::RelayUrl::parse(proxy.url()).unwrap();
        let event = EventBuilder::auth(challenge, url).sign_with_keys(&Keys::generate()).unwrap();
        serde_json::from_str::<Value>(&event.as_json()).unwrap()
    };
    assert!(!wire.authenticate(&answer("another challenge")).0);
    assert!(!wire.publish(&note("who")).0);
    assert!(wire.authenticate(&answer("challenge 1")).0);
    assert!(wire.publish(&note("known")).0);
    assert_eq!(texts(&mut wire), ["known"]);
    // And it is up again in the middle.
    proxy.demand_auth(false, true);
    until("the demand came", || !wire.publish(&note("who")).0);
    assert!(wire.authenticate(&answer("challenge 2")).0);
    assert!(wire.publish(&note("known again")).0);
}

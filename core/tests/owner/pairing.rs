//! Pairing of owners, and the proof of an owner at a terminal.

use p2p_core::change::{Change, ConversationChange, HumanChange};
use p2p_core::engine::{Refusal, command};
use p2p_core::human::command::OwnerCommand;
use p2p_core::policy::{Policy, Settings};
use p2p_core::record::EventKind;

use crate::bench::{Bench, ME, OTHER, OWNER};

#[test]
fn the_right_code_pairs_once_under_every_policy() {
    for policy in [Policy::Ask, Policy::AllowList, Policy::Closed] {
        let mut bench = Bench::with(
            Settings { policy, ..Settings::default() },
            p2p_core::engine::Snapshot::default(),
            Bench::new().now,
        );
        let code = bench.pair(None, false).unwrap();
        let told = bench.dm(OWNER, &format!("/pair {}", code.to_lowercase().replace('-', " ")));
        assert_eq!(told.len(), 1);
        for part in [OWNER.npub(), ME.npub(), "/help".into()] {
            assert!(told[0].contains(&part), "{told:?}");
        }
        assert!(bench.engine.is_owner(OWNER) && bench.engine.pairing().is_none());
        let pinned = bench
            .changes
            .iter()
            .filter(|it| matches!(it, Change::Human(HumanChange::Owner(o)) if o.key == OWNER));
        assert_eq!(pinned.count(), 1);
        assert_eq!(bench.heard(EventKind::Notice).len(), 1);
        assert!(bench.heard(EventKind::Message).is_empty(), "the code is no mail");
        bench.dm(OTHER, &code);
        assert!(!bench.engine.is_owner(OTHER), "the code is used up");
    }
}

#[test]
fn owners_are_told_of_each_other() {
    let mut bench = Bench::new();
    let code = bench.pair(None, false).unwrap();
    bench.dm(OWNER, &code);
    let code = bench.pair(None, true).unwrap();
    let told = bench.dm(OTHER, &code);
    assert!(told[0].contains(&format!("another owner: {}", OWNER.npub())), "{told:?}");
    let told = bench.told(OWNER);
    assert!(told.last().unwrap().contains(&format!("/remove {}", OTHER.npub())), "{told:?}");
}

#[test]
fn five_wrong_codes_close_the_pairing() {
    let mut bench = Bench::new();
    let code = bench.pair(None, false).unwrap();
    let wrong =
        if code.starts_with('2') { code.replacen('2', "3", 1) } else { format!("2{}", &code[1..]) };
    for left in ["4 tries", "3 tries", "2 tries", "1 try"] {
        let told = bench.dm(OTHER, &wrong);
        assert!(told[0].contains(left), "{told:?}");
        assert!(bench.heard(EventKind::Message).is_empty());
    }
    assert!(bench.dm(OTHER, &wrong)[0].contains("last try"));
    assert!(bench.engine.pairing().is_none());
    // Not even the right one, which is mail like any other now, from whoever it is.
    bench.dm(OWNER, &code);
    assert!(!bench.engine.is_owner(OWNER));
    assert_eq!(bench.heard(EventKind::Message).len(), 1);
}

#[test]
fn a_code_expires_after_ten_minutes() {
    let mut bench = Bench::new();
    let code = bench.pair(None, false).unwrap();
    bench.wait(600);
    assert!(bench.engine.pairing().is_none());
    bench.dm(OWNER, &code);
    assert!(!bench.engine.is_owner(OWNER));
}

#[test]
fn the_right_code_from_another_key_is_an_ordinary_message() {
    let mut bench = Bench::new();
    let code = bench.pair(Some(OWNER), false).unwrap();
    assert!(bench.dm(OTHER, &code).is_empty(), "it is told nothing");
    assert!(!bench.engine.is_owner(OTHER));
    assert_eq!(bench.engine.pairing().unwrap().tries_left, 5);
    bench.dm(OWNER, &code);
    assert!(bench.engine.is_owner(OWNER));
}

#[test]
fn a_blocked_key_cannot_pair() {
    let mut bench = Bench::new();
    bench.command(command::BlockPeer(OWNER)).unwrap();
    let code = bench.pair(None, false).unwrap();
    bench.dm(OWNER, &code);
    assert!(!bench.engine.is_owner(OWNER) && bench.sent.is_empty());
}

#[test]
fn a_second_owner_needs_the_consent_of_the_first() {
    let mut bench = Bench::owned();
    assert_eq!(bench.pair(None, false), Err(Refusal::OwnerOnly));
    let code = bench.pair(None, true).unwrap();
    bench.dm(OTHER, &code);
    assert!(bench.engine.is_owner(OTHER));
    // Or by message; then our agent must not read the code where its messages are kept.
    let told = bench.dm(OWNER, "/pair");
    let code = told[0].lines().next().unwrap().to_owned();
    let kept = bench.changes.iter().filter_map(|change| match change {
        Change::Conversation(ConversationChange::Message(message)) => Some(message.content.shown()),
        _ => None,
    });
    assert!(kept.into_iter().all(|text| !text.contains(&code)), "it is kept");
    let third = p2p_core::PublicKey([5; 32]);
    bench.dm(third, &code);
    assert!(bench.engine.is_owner(third));
    // Any of them can be removed, with what it may have got before.
    let codes = ["/pair", "/code"].map(|command| {
        let told = bench.dm(third, command);
        told[0].lines().next().unwrap().to_owned()
    });
    bench.dm(OTHER, &format!("/remove {}", third.npub()));
    assert!(!bench.engine.is_owner(third));
    let told = bench.told(third);
    let farewell = told.last().unwrap();
    assert!(farewell.contains("still one of its contacts"), "{farewell}");
    assert!(bench.dm(third, "/calls").is_empty(), "its word is a stranger's");
    assert!(bench.dm(third, &codes[0]).is_empty() && !bench.engine.is_owner(third));
    assert_eq!(
        bench.command(command::RedeemCode(codes[1].clone().into())),
        Err(Refusal::WrongCode)
    );
}

#[test]
fn messages_of_owners_do_not_count_as_tries() {
    let mut bench = Bench::owned();
    let code = bench.pair(None, true).unwrap();
    bench.dm(OWNER, "2BCD-EFGH");
    assert_eq!(bench.engine.pairing().unwrap().tries_left, 5);
    bench.dm(OTHER, &code);
    assert!(bench.engine.is_owner(OTHER));
}

#[test]
fn a_one_time_code_works_once_and_expires_soon() {
    let mut bench = Bench::owned();
    let code = |bench: &mut Bench| {
        let told = bench.dm(OWNER, "/code");
        told[0].lines().next().unwrap().to_owned()
    };
    let first = code(&mut bench);
    let redeem = |bench: &mut Bench, code: &str| bench.command(command::RedeemCode(code.into()));
    assert_eq!(redeem(&mut bench, "2BCD-EFGH"), Err(Refusal::WrongCode));
    assert_eq!(redeem(&mut bench, &first.to_lowercase()), Ok(()));
    assert_eq!(redeem(&mut bench, &first), Err(Refusal::WrongCode));
    let late = code(&mut bench);
    bench.wait(600);
    assert_eq!(redeem(&mut bench, &late), Err(Refusal::WrongCode));
    // Whoever reads what is kept finds none.
    let kept = bench.changes.iter().filter_map(|change| match change {
        Change::Conversation(ConversationChange::Message(message)) => Some(message.content.shown()),
        _ => None,
    });
    assert!(kept.into_iter().all(|text| !text.contains(&first) && !text.contains(&late)));
}

#[test]
fn a_code_written_as_a_message_is_revoked_and_hidden_from_the_agent() {
    let (mut bench, _) = Bench::in_call();
    bench.forget();
    for (order, told) in [("/pair", "/pair gives a new one."), ("/code", "/code gives a new one.")]
    {
        let code = bench.dm(OWNER, order)[0].lines().next().unwrap().to_owned();
        let text = format!("here: {}", code.to_lowercase());
        assert!(bench.dm(OWNER, &text)[0].ends_with(told));
        assert!(bench.heard(EventKind::Message).is_empty());
        assert!(bench.engine.pairing().is_none());
        assert_eq!(bench.command(command::RedeemCode(code.into())), Err(Refusal::WrongCode));
    }
}

#[test]
fn commands_of_an_owned_agent_need_a_proof() {
    let (mut bench, call) = Bench::in_call();
    let open = command::UnauthenticatedOrder(OwnerCommand::Policy(Policy::Open));
    assert_eq!(bench.command(open), Err(Refusal::OwnerOnly));
    assert_eq!(
        bench.command(command::UnauthenticatedOrder(OwnerCommand::Takeover(call))),
        Err(Refusal::OwnerOnly)
    );
    assert!(bench.command(command::UnauthenticatedOrder(OwnerCommand::Calls)).is_ok());
}

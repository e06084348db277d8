//! A human speaks in a call instead of the agent.

use p2p_core::change::{Change, HumanChange};
use p2p_core::engine::{Command, OutgoingRef, Refusal, command};
use p2p_core::human::command::OwnerCommand;
use p2p_core::record::EventKind;
use p2p_core::wire::{Body, Closing, Control, Offer, Reason};
use p2p_core::{CallId, Conversation};

use crate::bench::{Bench, OTHER, OWNER, PEER};

fn said_to_peer(bench: &Bench) -> Vec<(String, Option<String>)> {
    let words = bench.sent.iter().filter(|(to, rumor)| *to == PEER && rumor.kind == 14);
    words.map(|(_, rumor)| (rumor.content.clone(), rumor.tag("by").map(String::from))).collect()
}

/// Returns the takeovers that ended, as the store is told.
fn ended(bench: &Bench) -> Vec<CallId> {
    let over = bench.changes.iter().filter_map(|change| match change {
        Change::Human(HumanChange::TakeoverOver(call)) => Some(*call),
        _ => None,
    });
    over.collect()
}

#[test]
fn a_human_who_takes_over_a_call_speaks_instead_of_the_agent() {
    let (mut bench, call) = Bench::in_call();
    bench.says(call, "by me").unwrap();
    let rumor = bench.sent[0].1.id();
    assert!(bench.dm(OWNER, "/takeover")[0].starts_with("You have taken over c1 with bob"));
    assert_eq!(bench.heard(EventKind::Notice).len(), 1);
    let conversation = Conversation::Call(call);
    let question = |quiet| command::Escalate {
        call,
        question: "May I?".into(),
        options: vec![],
        quiet,
        lines: vec![],
    };
    let message = command::SendMessage { conversation, text: "still me".into(), again: false };
    let file = command::SendFile { call, name: "a".into(), bytes: vec![1].into() };
    let cancel = OutgoingRef { conversation, rumor, message: 1, file: None };
    for refused in [
        bench.command(message).err(),
        bench.command(file).err(),
        bench.command(command::CancelMessage(cancel)).err(),
        bench.command(command::EndCall { call, text: String::new().into() }).err(),
        bench.command(command::BlockPeer(PEER)).err(),
        bench.command(question(false)).err(),
    ] {
        assert_eq!(refused, Some(Refusal::TakenOver));
    }
    bench.forget();
    // Plain words go there, and what the peer says comes here.
    assert!(bench.dm(OWNER, "Hello, this is the human.").is_empty(), "it is where it belongs");
    let said = ("Hello, this is the human.".to_owned(), Some("human".to_owned()));
    assert_eq!(said_to_peer(&bench), [said]);
    bench.forget();
    bench.peer_says(call, 1, "Good to\nmeet you");
    assert_eq!(bench.told(OWNER), ["c1, bob:\n│ Good to\n│ meet you"]);
    assert_eq!(bench.heard(EventKind::Message).len(), 1, "our agent reads it as ever");
    // Handed back.
    assert!(bench.dm(OWNER, "/resume")[0].starts_with("Your agent continues c1"));
    bench.says(call, "me again").unwrap();
    bench.forget();
    bench.peer_says(call, 2, "ok");
    assert!(bench.told(OWNER).is_empty());
    assert!(bench.dm(OWNER, "/resume")[0].starts_with("There is no such call"));
}

#[test]
fn a_question_is_answered_in_a_taken_over_call_only_by_name() {
    let (mut bench, call) = Bench::in_call();
    let (_, code, _) = bench.asks(call, "Approve?", &[]);
    bench.dm(OWNER, "/takeover");
    bench.forget();
    bench.dm(OWNER, "yes");
    assert_eq!(said_to_peer(&bench).len(), 1, "that is said in the call");
    assert!(bench.answers().is_empty());
    bench.dm(OWNER, &format!("{code} yes"));
    assert_eq!(bench.answers().len(), 1);
    assert_eq!(said_to_peer(&bench).len(), 1);
}

#[test]
fn a_reply_selects_one_of_several_taken_over_calls() {
    let (mut bench, first) = Bench::in_call();
    let second = bench.call(8);
    bench.dm(OWNER, "/takeover c1");
    bench.dm(OWNER, "/takeover c2");
    bench.forget();
    assert!(bench.dm(OWNER, "hello")[0].starts_with("In which call? Nothing was sent."));
    assert!(said_to_peer(&bench).is_empty());
    bench.peer_says(second, 1, "hi");
    let message = bench.last_to(OWNER);
    bench.forget();
    assert!(bench.reply(OWNER, "hello", ("e", message)).is_empty());
    assert_eq!(said_to_peer(&bench).len(), 1);
    assert_eq!(bench.engine.taken_over(first).unwrap().call, first);
}

#[test]
fn a_takeover_lapses_half_an_hour_after_the_humans_last_message() {
    let (mut bench, call) = Bench::in_call();
    bench.dm(OWNER, "/takeover");
    bench.wait(29 * 60);
    bench.dm(OWNER, "still here");
    bench.wait(29 * 60);
    assert!(bench.engine.taken_over(call).is_some());
    bench.forget();
    // What the peer says keeps nothing up.
    bench.peer_says(call, 1, "and you?");
    bench.wait(61);
    assert!(bench.engine.taken_over(call).is_none());
    assert!(bench.told(OWNER).iter().any(|text| text.contains("your agent continues c1")));
    assert_eq!(bench.heard(EventKind::Notice).len(), 1);
    bench.says(call, "me again").unwrap();
    assert_eq!(ended(&bench), [call]);
}

#[test]
fn a_takeover_survives_a_restart_and_ends_with_its_call() {
    let (mut bench, call) = Bench::in_call();
    bench.dm(OWNER, "/takeover");
    let mut bench = bench.restarted();
    assert_eq!(bench.says(call, "me?"), Err(Refusal::TakenOver));
    bench.dm(OWNER, "/end");
    assert!(bench.engine.taken_over(call).is_none());
    assert_eq!(bench.engine.next_timeout().filter(|at| *at <= bench.now), None);
    assert_eq!(ended(&bench), [call]);
}

#[test]
fn a_removed_owner_loses_takeovers_and_commands() {
    let (mut bench, call) = Bench::in_call();
    let code = bench.pair(None, true).unwrap();
    bench.dm(OTHER, &code);
    bench.dm(OWNER, "/takeover");
    // Another owner's plain words do not go there.
    bench.forget();
    bench.dm(OTHER, "How is it going?");
    assert!(said_to_peer(&bench).is_empty());
    // Unless that one takes the call over as well.
    bench.dm(OTHER, "/takeover");
    assert!(bench.told(OWNER)[0].starts_with("Another owner has taken over c1"));
    bench.dm(OWNER, "/takeover");
    bench.dm(OTHER, &format!("/remove {OWNER}"));
    assert!(bench.engine.taken_over(call).is_none());
    bench.forget();
    assert!(bench.dm(OWNER, "/end c1").is_empty());
    assert!(bench.engine.call(call).unwrap().is_open());
}

#[test]
fn a_call_can_be_taken_over_at_a_terminal() {
    let (mut bench, call) = Bench::in_call();
    bench.command(command::OwnerOrder(OwnerCommand::Takeover(call))).unwrap();
    assert_eq!(bench.says(call, "me?"), Err(Refusal::TakenOver));
    assert!(bench.told(OWNER)[0].starts_with("Somebody at the terminal has taken over c1"));
    bench.forget();
    bench.peer_says(call, 1, "hi");
    assert!(bench.told(OWNER)[0].contains("│ hi"));
    // What is written elsewhere is not said there.
    assert_eq!(bench.dm(OWNER, "for my agent"), ["Passed on to your agent."]);
    assert!(said_to_peer(&bench).is_empty());
    bench.command(command::OwnerOrder(OwnerCommand::Say { call, text: "hello".into() })).unwrap();
    assert_eq!(said_to_peer(&bench).len(), 1);
    bench.command(command::OwnerOrder(OwnerCommand::Resume(call))).unwrap();
    bench.says(call, "me again").unwrap();
}

#[test]
fn a_takeover_continues_in_the_merged_call() {
    let mut bench = Bench::owned();
    bench.command(command::NamePeer { key: PEER, name: "bob".into() }).unwrap();
    let ring = command::PlaceCall {
        peer: PEER,
        topic: "docs".into(),
        opening: None,
        note: None,
        new: true,
        ring: None,
        invite: None,
    };
    let ours = bench.command(ring).unwrap().call;
    bench.dm(OWNER, "/takeover");
    bench.dm(OWNER, "hello");
    bench.asks(ours, "Approve?", &[]);
    // The peer rings meanwhile, and the smaller id survives.
    let theirs = CallId(uuid::Uuid::nil());
    let offer =
        Offer { topic: "docs".into(), message: None, lifetime: 600, name: None, invite: None };
    bench.hear_body(&Body::Control(theirs, Control::Offer(offer)));
    assert!(!bench.engine.call(ours).unwrap().is_open());
    assert_eq!(bench.engine.taken_over(ours).unwrap().call, theirs);
    assert_eq!(bench.says(theirs, "me?"), Err(Refusal::TakenOver));
    bench.forget();
    bench.peer_says(theirs, 1, "hi");
    assert!(bench.told(OWNER)[0].starts_with("c2, bob:"));
    assert_eq!(said_to_peer(&bench), [("hello".to_owned(), Some("human".to_owned()))]);
    bench.dm(OWNER, "/approve");
    assert_eq!(bench.answers().len(), 1);
    assert_eq!(bench.heard(EventKind::Reply)[0].conversation, Conversation::Call(theirs));
    let mut bench = bench.restarted();
    assert_eq!(bench.says(theirs, "me?"), Err(Refusal::TakenOver));
}

#[test]
fn the_human_who_took_over_is_told_of_the_end_even_if_muted() {
    let (mut bench, call) = Bench::in_call();
    bench.dm(OWNER, "/mute 60");
    bench.dm(OWNER, "/takeover");
    bench.forget();
    bench.peer_says(call, 1, "hi");
    assert!(bench.told(OWNER)[0].contains("│ hi"), "muted or not");
    bench.forget();
    let over = Control::End(Closing::new(Reason::Completed, "bye"));
    bench.hear_body(&Body::Control(call, over));
    assert!(bench.told(OWNER)[0].starts_with("Ended: c1 with bob"));
    assert!(bench.engine.taken_over(call).is_none());
}

#[test]
fn an_agent_cannot_cancel_messages_to_its_owner() {
    let (mut bench, call) = Bench::in_call();
    let (_, _, rumor) = bench.asks(call, "Approve?", &[]);
    let conversation = Conversation::Direct(OWNER);
    let said = command::CancelMessage(OutgoingRef { conversation, rumor, message: 1, file: None });
    assert_eq!(said.permit(&bench.engine), Err(Refusal::OwnerOnly));
    assert_eq!(bench.command(said), Err(Refusal::OwnerOnly));
}

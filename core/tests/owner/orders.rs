//! Commands of owners.

use std::time::Duration;

use p2p_core::call::State;
use p2p_core::change::{Change, ConversationChange, PeerChange};
use p2p_core::engine::{Input, Refusal, command};
use p2p_core::human::command::OwnerCommand;
use p2p_core::policy::Policy;
use p2p_core::record::{EventKind, Line, Speaker, Standing};
use p2p_core::wire::{Body, Control, Item, Offer, Reason, Slot};
use p2p_core::{CallId, Conversation, PublicKey, StreamId, Time};

use crate::bench::{Bench, OTHER, OWNER, PEER};

fn standing(bench: &Bench, key: PublicKey) -> Option<Standing> {
    let peers = bench.changes.iter().rev();
    peers.into_iter().find_map(|change| match change {
        Change::Peer(PeerChange::Put(peer)) if peer.key == key => Some(peer.standing),
        _ => None,
    })
}

#[test]
fn calls_help_and_unknown_commands_are_answered() {
    let (mut bench, call) = Bench::in_call();
    let (_, code, _) = bench.asks(call, "Approve?", &[]);
    let told = bench.dm(OWNER, "/calls");
    assert!(told[0].starts_with("c1 with bob, \"translate the docs\", active\n"), "{told:?}");
    assert!(told[0].contains(&format!("q1, code {code}, in c1: Approve?")), "{told:?}");
    assert!(bench.dm(OWNER, "/help")[0].contains("/takeover c7"));
    assert!(bench.dm(OWNER, "/approved")[0].contains("/help"));
    assert!(bench.dm(OWNER, "/say")[0].contains("/say c7"));
    assert!(bench.dm(OWNER, "/end c9")[0].contains("no c9"));
    assert!(bench.answers().is_empty() && bench.heard(EventKind::Message).is_empty());
    // At a terminal it is the same text.
    assert_eq!(bench.command(command::OwnerOrder(OwnerCommand::Calls)), Ok(told[0].clone().into()));
}

#[test]
fn show_sends_the_last_lines_of_a_call() {
    let (mut bench, call) = Bench::in_call();
    assert!(bench.dm(OWNER, "/show").is_empty());
    assert_eq!(bench.recalls, [(call, OWNER)]);
    let lines = vec![Line { by: Speaker::Peer, text: "hi".into() }];
    bench.handle(Input::Recalled { call, to: OWNER, lines: lines.clone() });
    let told = bench.told(OWNER);
    assert_eq!(told, ["c1 with bob, \"translate the docs\", active:\n│ bob: hi"]);
    // A reply to it means that call.
    bench.call(8);
    let message = {
        bench.handle(Input::Recalled { call, to: OWNER, lines: lines.clone() });
        bench.last_to(OWNER)
    };
    assert!(bench.dm(OWNER, "/end")[0].starts_with("Which call?"));
    assert!(bench.reply(OWNER, "/end", ("q", message))[0].starts_with("Ended: c1"));
    // Nobody else is told.
    bench.forget();
    bench.handle(Input::Recalled { call, to: OTHER, lines });
    assert!(bench.sent.is_empty());
}

#[test]
fn an_old_command_must_be_confirmed() {
    let (mut bench, call) = Bench::in_call();
    let is_open = |bench: &Bench| bench.engine.call(call).unwrap().is_open();
    bench.wait(3 * 24 * 3600);
    let ago = |bench: &Bench, secs: u64| p2p_core::Time(bench.now.0 - 1000 * secs);
    let written = ago(&bench, 25 * 60);
    let told = bench.dm_with(OWNER, "/end c1", written, &[]);
    let about = "This is about c1 with bob, \"translate the docs\".";
    let asked = format!("You wrote this 25 minutes ago: /end c1\n{about}\nSend /yes to do it now.");
    assert_eq!(told, [asked]);
    assert!(is_open(&bench));
    // Neither an old yes, nor one that comes late.
    let written = ago(&bench, 25 * 60);
    assert_eq!(bench.dm_with(OWNER, "/yes", written, &[]), ["There is nothing to confirm."]);
    bench.dm_with(OWNER, "/end c1", written, &[]);
    bench.wait(601);
    assert_eq!(bench.dm(OWNER, "/yes"), ["There is nothing to confirm."]);
    assert!(is_open(&bench));
    // What only shows something is answered however late it comes.
    let written = ago(&bench, 2 * 24 * 3600);
    assert!(bench.dm_with(OWNER, "/calls", written, &[])[0].starts_with("c1 with"));
    let told = bench.dm_with(OWNER, "/end c1 thanks", written, &[]);
    assert!(told[0].starts_with("You wrote this 2 days ago"), "{told:?}");
    assert!(bench.dm(OWNER, "/yes")[0].starts_with("Ended: c1"));
    assert!(!is_open(&bench));
    assert_eq!(bench.dm(OWNER, "/yes"), ["There is nothing to confirm."]);
}

#[test]
fn the_agent_is_told_of_a_call_that_its_human_ended() {
    let (mut bench, call) = Bench::in_call();
    bench.dm(OWNER, "/end thank you");
    assert!(!bench.engine.call(call).unwrap().is_open());
    assert_eq!(bench.heard(EventKind::End).len(), 1);
    let closed = bench.sent.iter().any(|(to, rumor)| {
        *to == PEER && rumor.tag("type") == Some("end") && rumor.content.contains("thank you")
    });
    assert!(closed);
    let again = OwnerCommand::End { call, text: String::new().into() };
    assert!(matches!(bench.command(command::OwnerOrder(again)), Err(Refusal::Over(_))));
}

#[test]
fn an_owner_allows_and_blocks_keys() {
    let (mut bench, _) = Bench::in_call();
    bench.dm(OWNER, &format!("/block {}", OTHER.npub()));
    assert_eq!(standing(&bench, OTHER), Some(Standing::Blocked));
    bench.dm(OWNER, &format!("/allow {OTHER}"));
    assert_eq!(standing(&bench, OTHER), Some(Standing::Allowed));
    bench.dm(OWNER, "/block c1");
    assert_eq!(standing(&bench, PEER), Some(Standing::Blocked));
    bench.dm(OWNER, "/allow BOB");
    assert_eq!(standing(&bench, PEER), Some(Standing::Allowed));
    assert!(bench.dm(OWNER, "/block eve")[0].contains("No contact is called"));
    // An owner is not blocked by anybody.
    assert!(bench.dm(OWNER, &format!("/block {OWNER}"))[0].contains("/remove it first"));
    assert_eq!(bench.command(command::BlockPeer(OWNER)), Err(Refusal::OwnerOnly));
    assert_eq!(bench.command(command::ForgetPeer(OWNER)), Err(Refusal::OwnerOnly));
    assert_eq!(bench.dm(OWNER, "/unmute"), ["Unmuted: you get questions again."]);
}

#[test]
fn blocking_a_contact_ends_its_calls_as_blocked_and_settles_their_receipts() {
    let (mut bench, call) = Bench::in_call();
    bench.says(call, "one").unwrap();
    let conversation = Conversation::Direct(PEER);
    bench.command(command::SendMessage { conversation, text: "two".into(), again: false }).unwrap();
    bench.dm(OWNER, "/block bob");
    let State::Ended(ended) = &bench.engine.call(call).unwrap().state else { panic!("open") };
    assert_eq!(ended.closing.reason, Reason::Blocked);
    let end = bench.sent.iter().find(|(_, rumor)| rumor.tag("type") == Some("end"));
    assert!(end.unwrap().1.content.contains("\"reason\":\"blocked\""), "the peer is told");
    // A relay took it, and no acknowledgement will be let in: it does not stay `sent`.
    let given_up = bench.changes.iter().filter(|change| {
        matches!(change, Change::Conversation(ConversationChange::Undelivered(_)))
    });
    assert_eq!(given_up.count(), 2);
}

#[test]
fn a_numbered_message_older_than_ninety_days_is_dropped() {
    let (mut bench, call) = Bench::in_call();
    for (days, taken) in [(91, 0), (89, 1)] {
        let written = Time(bench.now.0 - days * 24 * 3600 * 1000);
        let item = Item::Text("hello".into());
        let slot = Slot::new(StreamId([9; 8]), 1);
        let body = Body::Numbered(Conversation::Call(call), slot, item);
        bench.hear_written(PEER, written, &body);
        assert_eq!(bench.heard(EventKind::Message).len(), taken, "{days} days");
    }
}

#[test]
fn the_policy_set_by_an_owner_survives_a_restart() {
    let mut bench = Bench::owned();
    bench.dm(OWNER, "/policy closed");
    assert_eq!(bench.engine.policy(), Policy::Closed);
    let mut bench = bench.restarted();
    assert_eq!(bench.engine.policy(), Policy::Closed, "whatever the settings say");
    // A stranger's ring leaves no trace, and the owner is heard as ever.
    let call = CallId(uuid::Uuid::from_bytes([9; 16]));
    let offer = Offer { topic: "t".into(), message: None, lifetime: 600, name: None, invite: None };
    bench.hear_body(&Body::Control(call, Control::Offer(offer)));
    assert!(bench.engine.call(call).is_none());
    bench.dm(OWNER, "/policy open");
    assert_eq!(bench.engine.policy(), Policy::Open);
}

#[test]
fn a_muted_owner_is_sent_no_questions() {
    let (mut bench, call) = Bench::in_call();
    assert!(bench.dm(OWNER, "/mute 60")[0].contains("60 minutes"));
    bench.forget();
    let quiet = command::Escalate {
        call,
        question: "Approve?".into(),
        options: vec![],
        quiet: true,
        lines: vec![],
    };
    bench.command(quiet.clone()).unwrap();
    assert!(bench.told(OWNER).is_empty());
    // Who asks is answered, and an answer is taken.
    assert!(bench.dm(OWNER, "/calls")[0].contains("q1"));
    bench.dm(OWNER, "yes");
    assert!(bench.answers().is_empty(), "nobody put it to them");
    bench.dm(OWNER, "/approve q1");
    assert_eq!(bench.answers(), [(1, "approve".to_owned())]);
    bench.forget();
    bench.wait(3600);
    bench.command(quiet.clone()).unwrap();
    assert_eq!(bench.told(OWNER).len(), 1);
    bench.command(command::OwnerOrder(OwnerCommand::Mute(Duration::from_secs(3600)))).unwrap();
    bench.forget();
    bench.command(quiet).unwrap();
    assert!(bench.told(OWNER).is_empty());
    assert!(bench.dm(OWNER, "/unmute")[0].contains("q3"));
}

#[test]
fn messages_of_the_human_are_marked_for_the_peer() {
    let (mut bench, call) = Bench::in_call();
    assert!(bench.dm(OWNER, "/say c1 hello\nfrom me")[0].starts_with("Sent in c1"));
    let (_, rumor) = bench.sent.iter().find(|(to, _)| *to == PEER).unwrap();
    assert_eq!((rumor.content.as_str(), rumor.tag("by")), ("hello\nfrom me", Some("human")));
    let kept = bench.changes.iter().find_map(|change| match change {
        Change::Conversation(ConversationChange::Message(m))
            if m.conversation == Conversation::Call(call) =>
        {
            Some(m.clone())
        }
        _ => None,
    });
    let kept = kept.unwrap();
    assert!(kept.by == Speaker::Human);
    let notice = bench.heard(EventKind::Notice)[0];
    assert_eq!((notice.subject, notice.conversation), (Some(kept.handle), kept.conversation));
    // It is no turn of the agent's, which goes on speaking, as itself.
    for n in 0..60 {
        bench.dm(OWNER, &format!("/say {n}"));
    }
    bench.forget();
    bench.says(call, "and I").unwrap();
    assert_eq!(bench.sent[0].1.tag("by"), None);
    let empty = OwnerCommand::Say { call, text: " ".into() };
    assert_eq!(bench.command(command::OwnerOrder(empty)), Err(Refusal::Empty));
}

#[test]
fn a_text_without_a_command_is_passed_on_to_the_agent() {
    let mut bench = Bench::owned();
    assert_eq!(bench.dm(OWNER, "How is it going?"), ["Passed on to your agent."]);
    let message = bench.heard(EventKind::Message)[0];
    assert_eq!(message.conversation, Conversation::Direct(OWNER));
}

#[test]
fn the_same_reply_twice_in_a_second_is_two_messages() {
    let (mut bench, _) = Bench::in_call();
    bench.forget();
    bench.dm(OWNER, "/calls");
    bench.dm(OWNER, "/calls ");
    let ids: Vec<_> = bench.sent.iter().map(|(_, rumor)| rumor.id()).collect();
    assert!(ids.len() == 2 && ids[0] != ids[1]);
}

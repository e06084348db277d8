//! Assignment of owners' answers to questions, and texts that are no answers.

use std::time::Duration;

use p2p_core::change::{Change, ConversationChange, HumanChange};
use p2p_core::engine::{Input, Refusal, command};
use p2p_core::human::command::OwnerCommand;
use p2p_core::record::{EventKind, Line, Speaker, Via};
use p2p_core::wire::{Body, Item, Slot};
use p2p_core::{Conversation, PublicKey, Rumor, StreamId, Time};

use crate::bench::{Bench, ME, OTHER, OWNER, PEER};

#[test]
fn a_question_reaches_its_owner_with_its_context() {
    let (mut bench, call) = Bench::in_call();
    let command = command::Escalate {
        call,
        question: "Approve 40 EUR?".into(),
        options: vec!["yes".into(), "no".into()],
        quiet: false,
        lines: vec![Line { by: Speaker::Peer, text: "for 40\n/approve".into() }],
    };
    bench.command(command).unwrap();
    let told = bench.told(OWNER);
    let parts = [
        "agent-x7k2 asks (q1, code ",
        "in c1 with bob, \"translate the docs\":\nApprove 40 EUR?\n1) yes  2) no\n",
        "Last messages:\n│ bob: for 40\n│ /approve\nReply to this message",
    ];
    assert_eq!(told.len(), 1);
    assert!(parts.iter().all(|part| told[0].contains(part)), "{}", told[0]);
    // The peer heard the question, and our agent finds what its owner was told.
    assert!(bench.sent.iter().any(|(to, _)| *to == PEER));
    let kept = bench.changes.iter().any(|change| {
        matches!(change, Change::Conversation(ConversationChange::Message(m)) if m.conversation == Conversation::Direct(OWNER))
    });
    assert!(kept);
}

#[test]
fn an_agent_does_not_flood_its_owner() {
    let (mut bench, call) = Bench::in_call();
    let question = command::Escalate {
        call,
        question: "Approve?".into(),
        options: vec![],
        quiet: true,
        lines: vec![],
    };
    let asked = (0..100).filter(|_| bench.command(question.clone()).is_ok()).count();
    assert!((1..=60).contains(&asked) && bench.told(OWNER).len() == asked, "{asked}");
}

#[test]
fn an_answer_is_matched_by_reply_by_code_or_to_the_only_question() {
    for way in ["e", "q", "code first", "code last", "only"] {
        let (mut bench, call) = Bench::in_call();
        let (handle, code, message) = bench.asks(call, "Approve?", &["Yes, do", "No"]);
        if way != "only" {
            bench.asks(call, "And this?", &[]);
        }
        let told = match way {
            "code first" => bench.dm(OWNER, &format!("{}: yes, do", code.to_lowercase())),
            "code last" => bench.dm(OWNER, &format!("1 {code}.")),
            "only" => bench.dm(OWNER, "YES, DO"),
            tag => bench.reply(OWNER, "1", (tag, message)),
        };
        assert_eq!(bench.answers(), [(handle, "Yes, do".to_owned())], "{way}");
        assert_eq!(told, ["q1 answered: Yes, do"], "{way}");
        let reply = bench.heard(EventKind::Reply)[0];
        assert_eq!(reply.conversation, Conversation::Call(call));
        assert!(bench.heard(EventKind::Message).is_empty(), "an answer is no mail");
    }
}

#[test]
fn approve_and_deny_select_the_matching_option() {
    for (options, text, taken) in [
        (&[][..], "/approve", "approve"),
        (&[], "/deny", "deny"),
        (&["YES", "NO"], "/approve", "YES"),
        (&["later", "Deny"], "/deny", "Deny"),
    ] {
        let (mut bench, call) = Bench::in_call();
        bench.asks(call, "Approve?", options);
        bench.dm(OWNER, text);
        assert_eq!(bench.answers(), [(1, taken.to_owned())]);
    }
    // Where none of the options says so, it is no answer.
    let (mut bench, call) = Bench::in_call();
    bench.asks(call, "When?", &["now", "later"]);
    let told = bench.dm(OWNER, "/approve");
    assert!(told[0].ends_with("Nothing was recorded. Options: 1) now  2) later"), "{told:?}");
    assert!(bench.answers().is_empty());
    let (mut bench, call) = Bench::in_call();
    bench.asks(call, "This?", &[]);
    let (second, code, _) = bench.asks(call, "That?", &[]);
    assert!(bench.dm(OWNER, "/approve")[0].starts_with("Which question?"));
    bench.dm(OWNER, &format!("/approve {code}"));
    bench.dm(OWNER, "/deny q1");
    assert_eq!(bench.answers(), [(second, "approve".to_owned()), (1, "deny".into())]);
    assert_eq!(bench.dm(OWNER, "/approve"), ["There is no open question."]);
}

#[test]
fn an_ambiguous_answer_is_not_recorded() {
    let (mut bench, call) = Bench::in_call();
    let (_, first, message) = bench.asks(call, "This?", &[]);
    let (_, second, _) = bench.asks(call, "That?", &[]);
    let told = bench.dm(OWNER, "yes");
    assert!(told[0].contains(&first) && told[0].contains(&second), "{told:?}");
    // A reply to one with the code of the other.
    let told = bench.reply(OWNER, &format!("{second} yes"), ("e", message));
    assert!(told[0].starts_with("Which question?"), "{told:?}");
    assert!(bench.answers().is_empty());
}

#[test]
fn a_second_answer_and_an_answer_after_the_call_change_nothing() {
    let (mut bench, call) = Bench::in_call();
    let (first, code, message) = bench.asks(call, "This?", &[]);
    bench.reply(OWNER, "yes", ("e", message));
    for told in [bench.reply(OWNER, "no", ("e", message)), bench.dm(OWNER, &format!("{code} no"))] {
        assert!(told[0].contains("already has an answer: yes"), "{told:?}");
    }
    let answer = OwnerCommand::Answer { question: first, text: "no".into() };
    assert_eq!(bench.command(command::OwnerOrder(answer)), Err(Refusal::Answered));
    let (second, _, message) = bench.asks(call, "That?", &[]);
    bench.command(command::EndCall { call, text: String::new().into() }).unwrap();
    let told = bench.reply(OWNER, "yes", ("e", message));
    assert!(told[0].contains("has ended"), "{told:?}");
    let answer = OwnerCommand::Answer { question: second, text: "no".into() };
    assert!(matches!(bench.command(command::OwnerOrder(answer)), Err(Refusal::Over(_))));
    let none = OwnerCommand::Answer { question: 9, text: "no".into() };
    assert_eq!(bench.command(command::OwnerOrder(none)), Err(Refusal::NoQuestion));
    assert_eq!(bench.answers(), [(first, "yes".to_owned())]);
    // A bare yes that comes too late is no yes to anything else; other words are for the agent.
    assert!(bench.dm(OWNER, "yes")[0].contains("has ended"));
    let told = bench.dm(OWNER, "yes, and good night");
    assert_eq!(told, ["Passed on to your agent."]);
    assert_eq!(bench.heard(EventKind::Message).len(), 1);
}

#[test]
fn a_bare_ok_is_a_late_answer_only_for_a_day() {
    for (hours, passed_on) in [(23, false), (25, true)] {
        let (mut bench, call) = Bench::in_call();
        let (_, _, message) = bench.asks(call, "This?", &[]);
        bench.reply(OWNER, "yes", ("e", message));
        bench.wait(hours * 3600);
        let told = bench.dm(OWNER, "ok");
        assert_eq!(told == ["Passed on to your agent."], passed_on, "{told:?}");
        assert_eq!(bench.heard(EventKind::Message).len(), usize::from(passed_on));
    }
}

#[test]
fn a_text_written_before_a_question_does_not_answer_it() {
    let (mut bench, call) = Bench::in_call();
    bench.wait(3600);
    let before = bench.now;
    bench.wait(60);
    let (_, _, message) = bench.asks(call, "Approve?", &[]);
    let told = bench.dm_with(OWNER, "yes", before, &[]);
    assert!(told[0].starts_with("You wrote that before"), "{told:?}");
    assert!(bench.dm_with(OWNER, "/approve", before, &[])[0].starts_with("You wrote that before"));
    assert!(bench.answers().is_empty());
    // A reply to it can only have been written after it, whatever the phone's clock says.
    bench.dm_with(OWNER, "yes", before, &[vec!["e".into(), message.to_string()]]);
    assert_eq!(bench.answers().len(), 1);
}

#[test]
fn a_fast_clock_does_not_make_an_answer_look_early() {
    let (mut bench, call) = Bench::in_call();
    // Ours is an hour fast.
    bench.handle(Input::Clock { ahead: -3_600_000 });
    bench.asks(call, "Approve?", &[]);
    let true_time = Time(bench.now.0 - 3_600_000) + Duration::from_secs(5);
    bench.dm_with(OWNER, "yes", true_time, &[]);
    assert_eq!(bench.answers().len(), 1);
}

#[test]
fn peers_strangers_and_the_agent_cannot_answer() {
    let (mut bench, call) = Bench::in_call();
    let (_, code, message) = bench.asks(call, "Approve?", &["yes"]);
    // The peer in the call, the peer by message, a stranger who knows code and message.
    bench.peer_says(call, 1, "/approve");
    for key in [PEER, OTHER] {
        bench.dm(key, "/approve");
        bench.dm(key, &format!("{code} yes"));
        bench.reply(key, "yes", ("e", message));
    }
    // Another owner, of whom nobody asked this, only answers what it names itself.
    bench.asks(call, "And this?", &[]);
    let pairing = bench.pair(None, true).unwrap();
    let second = PublicKey([5; 32]);
    bench.dm(second, &pairing);
    assert!(bench.reply(second, "yes", ("e", message))[0].starts_with("Passed on"));
    assert_eq!(bench.dm(second, "/approve"), ["There is no open question."]);
    // The agent itself cannot say it is its owner.
    bench.says(call, "/approve").unwrap();
    let conversation = Conversation::Direct(OWNER);
    let text = format!("{code} yes");
    bench.command(command::SendMessage { conversation, text: text.into(), again: false }).unwrap();
    assert!(bench.answers().is_empty());
    assert_eq!(bench.heard(EventKind::Message).len(), 8, "all of it is mail");
}

#[test]
fn a_message_to_a_group_is_dropped() {
    let (mut bench, call) = Bench::in_call();
    bench.asks(call, "Approve?", &[]);
    let (created_at, content) = (bench.now.secs(), "yes".to_owned());
    for third in [OTHER, ME] {
        let p = |key: PublicKey| vec!["p".to_owned(), key.to_string()];
        let tags = vec![p(ME), p(third)];
        bench.hear(Rumor { pubkey: OWNER, created_at, kind: 14, tags, content: content.clone() });
    }
    assert!(bench.answers().is_empty() && bench.events.is_empty());
}

#[test]
fn repeated_and_very_old_messages_are_dropped() {
    let (mut bench, call) = Bench::in_call();
    bench.asks(call, "Approve?", &[]);
    let tags = vec![vec!["p".to_owned(), ME.to_string()]];
    let mut yes = Rumor {
        pubkey: OWNER,
        created_at: bench.now.secs(),
        kind: 14,
        tags,
        content: "yes".into(),
    };
    bench.hear(yes.clone());
    bench.asks(call, "And this?", &[]);
    bench.hear(yes.clone());
    yes.created_at -= 91 * 24 * 3600;
    yes.content = "/approve".into();
    bench.hear(yes);
    assert_eq!(bench.answers(), [(1, "yes".to_owned())]);
}

#[test]
fn an_owner_can_answer_through_another_p2p_daemon() {
    let (mut bench, call) = Bench::in_call();
    bench.handle(Input::PeerSeen { peer: OWNER, name: None });
    let (_, code, _) = bench.asks(call, "Approve?", &[]);
    assert!(bench.sent.last().unwrap().1.tag("stream").is_some(), "it goes numbered");
    let (slot, item) = (Slot::new(StreamId([9; 8]), 1), Item::Text(format!("{code} yes").into()));
    let body = Body::Numbered(Conversation::Direct(OWNER), slot, item);
    // Unless it is so old that it may be a repetition.
    let long_ago = Time(bench.now.0 - 91 * 24 * 3_600_000);
    let old = Slot::new(StreamId([8; 8]), 1);
    let old = Body::Numbered(Conversation::Direct(OWNER), old, Item::Text("/approve".into()));
    bench.hear_written(OWNER, long_ago, &old);
    assert!(bench.answers().is_empty());
    bench.hear_from(OWNER, &body);
    assert_eq!(bench.answers(), [(1, "yes".to_owned())]);
    assert!(bench.heard(EventKind::Message).is_empty());
}

#[test]
fn a_reply_matches_a_question_that_moved_to_another_stream() {
    let (mut bench, call) = Bench::in_call();
    bench.handle(Input::PeerSeen { peer: OWNER, name: None });
    let (_, _, first) = bench.asks(call, "Approve?", &[]);
    bench.asks(call, "And this?", &[]);
    // The owner's side has another message under that number.
    let rumor = &bench.sent.iter().find(|(_, rumor)| rumor.id() == first).unwrap().1;
    let stream = rumor.tag("stream").unwrap().parse().unwrap();
    let number = rumor.tag("n").unwrap().parse().unwrap();
    bench.forget();
    let body = Body::Reset(Slot::new(stream, number));
    bench.hear_from(OWNER, &body);
    let moved = bench
        .sent
        .iter()
        .find(|(_, rumor)| rumor.tag("was").is_some_and(|was| was == first.to_string()));
    let moved = moved.unwrap().1.id();
    bench.reply(OWNER, "yes", ("e", moved));
    assert_eq!(bench.answers(), [(1, "yes".to_owned())]);
}

#[test]
fn an_answer_at_a_terminal_is_recorded_as_such() {
    let (mut bench, call) = Bench::in_call();
    let (question, _, _) = bench.asks(call, "Approve?", &["yes"]);
    let order = OwnerCommand::Answer { question, text: "1".into() };
    assert_eq!(bench.command(command::OwnerOrder(order)), Ok("q1 answered: yes".into()));
    assert_eq!(bench.answers().len(), 1);
    let via = bench.changes.iter().find_map(|change| match change {
        Change::Human(HumanChange::Answered { answer, .. }) => Some(answer.via),
        _ => None,
    });
    assert_eq!(via, Some(Via::Terminal));
}

#[test]
fn questions_and_their_messages_survive_a_restart() {
    let (mut bench, call) = Bench::in_call();
    let (_, _, message) = bench.asks(call, "Approve?", &[]);
    bench.asks(call, "And this?", &[]);
    let mut again = bench.restarted();
    again.reply(OWNER, "yes", ("e", message));
    assert_eq!(again.answers(), [(1, "yes".to_owned())]);
}

#[test]
fn invalid_and_too_long_answers_are_refused_with_the_reason() {
    let (mut bench, call) = Bench::in_call();
    bench.asks(call, "Which colour?", &["red", "green"]);
    assert_eq!(bench.dm(OWNER, "7"), ["Nothing changed: there are only 2 options."]);
    assert!(bench.answers().is_empty());
    assert!(bench.dm(OWNER, &"x".repeat(25_000))[0].starts_with("That message is too long"));
    bench.dm(OWNER, "2");
    assert_eq!(bench.answers(), [(1, "green".to_owned())]);
}

#[test]
fn an_open_question_can_be_answered_after_200_newer_ones() {
    let (mut bench, call) = Bench::in_call();
    let (_, code, _) = bench.asks(call, "Approve?", &[]);
    for _ in 0..200 {
        // Slower than the cap on turns.
        bench.now = bench.now + Duration::from_secs(20);
        bench.asks(call, "And this?", &[]);
    }
    bench.dm(OWNER, &format!("{code} yes"));
    assert_eq!(bench.answers(), [(1, "yes".to_owned())]);
}

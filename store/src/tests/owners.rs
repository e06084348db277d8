//! Owners, what they were asked and told, and what they said.

use p2p_core::call::{By, Ended, State};
use p2p_core::change::{
    CallChange, Change, EventLogChange, HumanChange, PeerChange, TransferChange,
};
use p2p_core::policy::Policy;
use p2p_core::record::{
    Answer, Content, Delivery, EventKind, FileState, Invite, Line, Message, Note, Owner, Question,
    Speaker, Takeover, Via,
};
use p2p_core::wire::{Closing, Reason};
use p2p_core::{Conversation, Time};

use super::samples::{
    ANA, BOB, NOW, answer, call, call_id, ended_at, event, file, in_call, invite, message, new,
    note, question, received, stream,
};
use super::{Home, StoreError};

fn asked(handle: u32) -> Change {
    Change::Human(HumanChange::Question(Box::new(question(handle, 1))))
}

#[test]
fn owners_come_back_equal_until_they_are_removed() {
    let first = Owner { key: BOB, since: Time(1), muted_until: None };
    let second = Owner { key: ANA, since: Time(2), muted_until: Some(NOW) };
    let mut home = Home::with(vec![
        Change::Human(HumanChange::Owner(second)),
        Change::Human(HumanChange::Owner(Owner { muted_until: Some(NOW), ..first })),
        Change::Human(HumanChange::Owner(first)),
    ])
    .reopened();
    assert_eq!(home.snapshot().owners, [first, second]);
    assert_eq!(home.reader().owners().unwrap(), [first, second]);
    home.commit(vec![
        Change::Human(HumanChange::OwnerGone(BOB)),
        Change::Human(HumanChange::OwnerGone(BOB)),
    ]);
    assert_eq!(home.snapshot().owners, [second]);
}

#[test]
fn the_first_owner_removes_an_older_passphrase() {
    let owner = |key, muted_until| {
        Change::Human(HumanChange::Owner(Owner { key, since: NOW, muted_until }))
    };
    let mut home = Home::with(Vec::new());
    home.store.set_passphrase(Some("the agent's own")).unwrap();
    home.commit(vec![owner(ANA, None)]);
    assert_eq!(home.reader().passphrase().unwrap(), None);
    home.store.set_passphrase(Some("the owner's")).unwrap();
    home.commit(vec![owner(ANA, Some(NOW)), owner(BOB, None)]);
    assert_eq!(home.reader().passphrase().unwrap().as_deref(), Some("the owner's"));
}

#[test]
fn a_question_shows_its_notifiers_and_its_answer() {
    let passed_on = Message {
        content: Content::Escalation { question: "q".into(), options: Vec::new() },
        at: NOW,
        ..message(7, in_call(1), "")
    };
    let said = Answer { at: Time(NOW.0 + 5), ..answer(Via::Dm(ANA)) };
    let mut home = Home::with(vec![
        Change::Call(CallChange::Put(Box::new(call(1, State::Active)))),
        new(message(6, in_call(1), "said before")),
        new(passed_on.clone()),
        asked(1),
        asked(2),
    ]);
    home.store.told(1, "command", false).unwrap();
    home.store.told(1, "desktop", true).unwrap();
    home.store.told(1, "webhook", false).unwrap();
    home.store.told(1, "command", true).unwrap();
    assert!(matches!(home.store.told(3, "command", true), Err(StoreError::Sql(_))));
    home.commit(vec![
        Change::Human(HumanChange::Answered { question: 1, answer: said.clone() }),
        // The first answer stays; one to nothing is none.
        Change::Human(HumanChange::Answered { question: 1, answer: answer(Via::Terminal) }),
        Change::Human(HumanChange::Answered { question: 3, answer: answer(Via::Terminal) }),
    ]);
    let mut home = home.reopened();
    let reader = home.reader();
    let row = reader.question(1).unwrap().unwrap();
    let answered = Question { answer: Some(said), ..question(1, 1) };
    assert_eq!(row.question, answered);
    assert_eq!((row.told, row.telling), (vec!["command".into(), "desktop".into()], Vec::new()));
    assert_eq!(row.refused, ["webhook"]);
    let second = reader.question(2).unwrap().unwrap();
    assert_eq!((&second.question, second.told.len()), (&question(2, 1), 0));
    let in_order = [answered, question(2, 1)];
    let of_call = reader.questions_in(call_id(1)).unwrap();
    assert_eq!(of_call.into_iter().map(|row| row.question).collect::<Vec<_>>(), in_order);
    assert_eq!(reader.questions_in(call_id(2)).unwrap(), []);
    assert_eq!(reader.questions().unwrap().len(), 2);
    assert_eq!(home.snapshot().questions, in_order);
    assert_eq!((second.over, second.to_peer.is_some()), (false, false), "it was a quiet one");
    assert_eq!(row.to_peer.map(|row| row.message), Some(passed_on));
    assert_eq!(reader.open_questions().unwrap(), [second]);
    assert!(reader.question(3).unwrap().is_none());
    // With its call a question is over, answered or not.
    home.commit(vec![Change::Call(CallChange::Put(Box::new(call(1, ended_at(NOW)))))]);
    let reader = home.reader();
    assert_eq!(reader.open_questions().unwrap(), []);
    assert!(reader.question(2).unwrap().unwrap().over);
}

#[test]
fn a_question_stays_open_in_the_call_that_its_call_was_merged_into() {
    let merged = |n, into| {
        let closing = Closing { into: Some(call_id(into)), ..Closing::new(Reason::Merged, "") };
        let state = State::Ended(Ended { at: NOW, closing, by: By::Us, word: None });
        Change::Call(CallChange::Put(Box::new(call(n, state))))
    };
    // The ring of the call that survives may not be here yet.
    let mut home = Home::with(vec![asked(1), merged(1, 2)]);
    let over = |home: &Home| home.reader().question(1).unwrap().unwrap().over;
    assert!(over(&home));
    let put = |n, state| Change::Call(CallChange::Put(Box::new(call(n, state))));
    home.commit(vec![merged(2, 3), put(3, State::Active), put(4, State::Active)]);
    assert!(!over(&home));
    let asked_in = |n| {
        let rows = home.reader().questions_in(call_id(n)).unwrap();
        rows.iter().map(|row| row.question.handle).collect::<Vec<_>>()
    };
    assert_eq!([1, 2, 3].map(asked_in), [[1], [1], [1]]);
    assert!(asked_in(4).is_empty());
    assert_eq!(home.reader().open_questions().unwrap().len(), 1);
    home.commit(vec![put(3, ended_at(NOW))]);
    assert!(over(&home));
}

#[test]
fn a_question_counts_as_put_when_a_relay_accepts_the_direct_message() {
    let place = Conversation::Direct(ANA);
    let to_owner = |handle, delivery| new(Message { delivery, ..message(handle, place, "asks") });
    let state = |deliveries: &[Delivery]| {
        let mut home = Home::with(vec![asked(1), asked(2)]);
        for (handle, delivery) in (1..).zip(deliveries) {
            home.commit(vec![
                to_owner(handle, *delivery),
                Change::Human(HumanChange::Note(note(handle, 1, Some(1)))),
                // Of another question, and of none.
                to_owner(handle + 50, Delivery::Delivered),
                Change::Human(HumanChange::Note(note(handle + 50, 1, Some(2)))),
                to_owner(handle + 100, Delivery::Delivered),
                Change::Human(HumanChange::Note(note(handle + 100, 1, None))),
            ]);
        }
        let row = home.reader().question(1).unwrap().unwrap();
        [row.told, row.telling, row.refused].map(|list| list == ["dm"])
    };
    assert_eq!(state(&[]), [false, false, false]);
    assert_eq!(state(&[Delivery::Queued]), [false, true, false]);
    assert_eq!(state(&[Delivery::Undelivered]), [false, false, true]);
    assert_eq!(state(&[Delivery::Sent]), [true, false, false]);
    // Of several owners one is enough.
    assert_eq!(state(&[Delivery::Undelivered, Delivery::Queued]), [false, true, false]);
    assert_eq!(state(&[Delivery::Queued, Delivery::Delivered]), [true, false, false]);
}

#[test]
fn the_engine_gets_the_newest_questions_and_the_notes_of_a_month() {
    let month = 30 * 24 * 3600 * 1000;
    let at = |handle, at| Note { at: Time(at), ..note(handle, 1, Some(1)) };
    let mut home = Home::with((1..=203).map(asked).collect());
    let (kept, newest) = (at(2, NOW.0 - month), Note { call: None, ..note(3, 1, None) });
    home.commit(vec![
        Change::Human(HumanChange::Note(newest)),
        Change::Human(HumanChange::Note(at(1, NOW.0 - month - 1))),
        Change::Human(HumanChange::Note(Note { owner: BOB, ..kept })),
        Change::Human(HumanChange::Note(kept)),
    ]);
    let mut home = home.reopened();
    let snapshot = home.snapshot();
    let handles: Vec<_> = snapshot.questions.iter().map(|question| question.handle).collect();
    assert_eq!(handles, (4..=203).collect::<Vec<_>>());
    // An older one can still be answered while its call is open.
    home.commit(vec![Change::Call(CallChange::Put(Box::new(call(1, State::Active))))]);
    let answer = HumanChange::Answered { question: 2, answer: answer(Via::Terminal) };
    home.commit(vec![Change::Human(answer)]);
    let questions = home.snapshot().questions;
    let handles: Vec<_> = questions.iter().map(|question| question.handle).collect();
    assert_eq!(handles, [1].into_iter().chain(3..=203).collect::<Vec<_>>());
    assert_eq!(snapshot.notes, [kept, newest]);
}

#[test]
fn a_takeover_survives_a_restart() {
    let taken = |n, by| Takeover { call: call_id(n), by, last: Time(u64::from(n)) };
    let mut home = Home::with(vec![
        Change::Human(HumanChange::Takeover(taken(1, Via::Terminal))),
        Change::Human(HumanChange::Takeover(taken(2, Via::Terminal))),
        Change::Human(HumanChange::Takeover(taken(2, Via::Dm(ANA)))),
    ])
    .reopened();
    let (first, second) = (taken(1, Via::Terminal), taken(2, Via::Dm(ANA)));
    assert_eq!(home.snapshot().takeovers, [first, second]);
    assert_eq!(home.reader().takeover(call_id(2)).unwrap(), Some(second));
    home.commit(vec![
        Change::Human(HumanChange::TakeoverOver(call_id(2))),
        Change::Human(HumanChange::TakeoverOver(call_id(3))),
    ]);
    assert_eq!(home.snapshot().takeovers, [first]);
    assert_eq!(home.reader().takeover(call_id(2)).unwrap(), None);
}

#[test]
fn an_invite_is_restored_until_it_is_used_up_expired_or_revoked() {
    let used = Invite { uses: 1, ..invite(1) };
    let mut home = Home::with(vec![
        Change::Peer(PeerChange::Invite(invite(1))),
        Change::Peer(PeerChange::Invite(used)),
        Change::Peer(PeerChange::Invite(Invite { uses: 0, ..invite(2) })),
        Change::Peer(PeerChange::Invite(Invite { expires: NOW, ..invite(3) })),
        Change::Peer(PeerChange::Invite(invite(4))),
        Change::Peer(PeerChange::InviteGone(4)),
    ])
    .reopened();
    assert_eq!(home.snapshot().invites, [used]);
    let all = home.reader().invites().unwrap();
    assert_eq!(all.iter().map(|invite| invite.id).collect::<Vec<_>>(), [1, 2, 3]);
    home.commit(vec![Change::Peer(PeerChange::InviteGone(1))]);
    assert_eq!(home.snapshot().invites, []);
}

#[test]
fn policy_and_passphrase_are_kept() {
    let mut home = Home::new();
    let reader = home.reader();
    assert_eq!((home.snapshot().policy, reader.policy().unwrap()), (None, None));
    assert_eq!(reader.passphrase().unwrap(), None);
    for policy in [Policy::Ask, Policy::Open, Policy::Closed, Policy::AllowList] {
        home.commit(vec![Change::Peer(PeerChange::Policy(policy))]);
        assert_eq!(home.snapshot().policy, Some(policy));
    }
    home.store.set_passphrase(Some("$argon2id$1")).unwrap();
    home.store.set_passphrase(Some("$argon2id$2")).unwrap();
    let mut home = home.reopened();
    let reader = home.reader();
    assert_eq!(reader.policy().unwrap(), Some(Policy::AllowList));
    assert_eq!(reader.passphrase().unwrap().as_deref(), Some("$argon2id$2"));
    home.store.set_passphrase(None).unwrap();
    assert_eq!(reader.passphrase().unwrap(), None);
}

#[test]
fn the_last_lines_of_a_call_say_who_spoke() {
    let line = |by, text: &str| Line { by, text: text.into() };
    let human = |message: Message| {
        let by = if message.by.is_ours() { Speaker::Human } else { Speaker::PeersHuman };
        new(Message { by, ..message })
    };
    let mut home = Home::with(vec![
        new(received(1, in_call(1), "too old")),
        new(received(2, in_call(2), "elsewhere")),
        new(message(3, in_call(1), "ours")),
        new(received(4, in_call(1), "theirs")),
        human(message(5, in_call(1), "our human's")),
        human(received(6, in_call(1), "their human's")),
        new(Message { delivery: Delivery::Cancelled, ..message(7, in_call(1), "taken back") }),
        new(Message {
            content: Content::File { file: 1, name: "plan.pdf".into() },
            ..received(8, in_call(1), "")
        }),
    ]);
    home.commit((9..=11).map(|n| new(message(n, in_call(1), "more"))).collect());
    let lines = home.reader().last_lines(call_id(1)).unwrap();
    let expected = [
        line(Speaker::Agent, "ours"),
        line(Speaker::Peer, "theirs"),
        line(Speaker::Human, "our human's"),
        line(Speaker::PeersHuman, "their human's"),
        line(Speaker::Peer, "plan.pdf"),
    ];
    assert!(lines[..5] == expected, "{:?}", lines.iter().map(|line| line.by).collect::<Vec<_>>());
    assert_eq!(lines.len(), 8);
}

/// A question, a message and a file may have one number.
#[test]
fn showing_an_answer_does_not_mark_a_message_as_read() {
    let told = |seq, kind, subject| {
        Change::EventLog(EventLogChange::Event(p2p_core::record::Event {
            subject,
            ..event(seq, in_call(1), kind)
        }))
    };
    let mut home = Home::with(vec![
        new(Message { slot: Some((stream(1), 1)), ..received(1, in_call(1), "theirs") }),
        Change::Transfer(TransferChange::File(Box::new(file(
            1,
            1,
            false,
            FileState::Transferring,
        )))),
        told(1, EventKind::Reply, Some(1)),
    ]);
    assert_eq!(home.reader().read_marks(in_call(1), 1).unwrap(), []);
    home.commit(vec![told(2, EventKind::Message, Some(1))]);
    assert_eq!(home.reader().read_marks(in_call(1), 2).unwrap(), [(stream(1), 1)]);
}

//! Random messages of humans, peers and strangers in any order, with restarts in between: only an
//! owner answers, each question gets at most one answer, and the agent is told of it once.

use std::collections::{BTreeMap, BTreeSet};

use p2p_core::change::{Change, HumanChange};
use p2p_core::engine::command;
use p2p_core::record::{EventKind, Via};
use p2p_core::{CallId, PublicKey, RumorId};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::bench::{Bench, OTHER, OWNER, PEER};

#[derive(Debug, Clone)]
enum Act {
    Ask,
    /// Somebody writes: 0 and 1 own the agent, the others do not.
    Write {
        who: usize,
        how: How,
        which: usize,
    },
    PeerSays,
    Again(usize),
    Wait(u64),
    TakeOver,
    End,
    Restart,
}

#[derive(Debug, Clone, Copy)]
enum How {
    Reply,
    Code,
    Plain,
    Approve,
    Late,
}

fn act() -> impl Strategy<Value = Act> {
    let how = prop_oneof![
        Just(How::Reply),
        Just(How::Code),
        Just(How::Plain),
        Just(How::Approve),
        Just(How::Late)
    ];
    prop_oneof![
        3 => Just(Act::Ask),
        8 => (0..4usize, how, any::<usize>())
            .prop_map(|(who, how, which)| Act::Write { who, how, which }),
        1 => Just(Act::PeerSays),
        2 => any::<usize>().prop_map(Act::Again),
        2 => (1..4000u64).prop_map(Act::Wait),
        1 => Just(Act::TakeOver),
        1 => Just(Act::End),
        1 => Just(Act::Restart),
    ]
}

const SECOND: PublicKey = PublicKey([5; 32]);
const WRITERS: [PublicKey; 4] = [OWNER, SECOND, PEER, OTHER];

/// State of a run.
struct Run {
    bench: Bench,
    call: CallId,
    calls: u8,
    asked: Vec<(String, RumorId)>,
    count: u64,
    /// Words, and who wrote them.
    written: BTreeMap<String, PublicKey>,
    answers: BTreeMap<u32, String>,
    told: BTreeSet<u32>,
}

impl Run {
    fn new() -> Self {
        let (mut bench, call) = Bench::in_call();
        let code = bench.pair(None, true).unwrap_or_default();
        bench.dm(SECOND, &code);
        bench.forget();
        let (asked, written) = (Vec::new(), BTreeMap::new());
        let (answers, told) = (BTreeMap::new(), BTreeSet::new());
        Self { bench, call, calls: 7, asked, count: 0, written, answers, told }
    }

    fn words(&mut self, who: PublicKey) -> String {
        self.count += 1;
        let text = format!("words {}", self.count);
        self.written.insert(text.clone(), who);
        text
    }

    fn act(mut self, act: Act) -> Self {
        match act {
            Act::Ask if self.asked.len() < 5 => {
                let quiet = |bench: &mut Bench, call| bench.asks(call, "Approve?", &[]);
                let (_, code, message) = quiet(&mut self.bench, self.call);
                self.asked.push((code, message));
            }
            Act::Write { who, how, which } => self.write(WRITERS[who], how, which),
            Act::PeerSays => {
                let text = self.words(PEER);
                let (count, call) = (self.count, self.call);
                self.bench.peer_says(call, count, &text);
            }
            Act::Again(which) => self.bench.hear_again(which),
            Act::Wait(secs) => self.bench.wait(secs),
            Act::TakeOver => drop(self.bench.dm(OWNER, "/takeover")),
            Act::End => {
                drop(
                    self.bench
                        .command(command::EndCall { call: self.call, text: String::new().into() }),
                );
                self.note();
                self.calls += 1;
                self.call = self.bench.call(self.calls);
            }
            Act::Restart => {
                self.note();
                self.bench = self.bench.restarted();
            }
            Act::Ask => {}
        }
        self
    }

    fn write(&mut self, who: PublicKey, how: How, which: usize) {
        let text = self.words(who);
        let asked = self.asked.get(which % self.asked.len().max(1)).cloned();
        match (how, asked) {
            (How::Reply, Some((_, message))) => drop(self.bench.reply(who, &text, ("e", message))),
            (How::Code, Some((code, _))) => drop(self.bench.dm(who, &format!("{code} {text}"))),
            (How::Approve, _) => drop(self.bench.dm(who, "/approve")),
            (How::Late, _) => {
                let before = p2p_core::Time(self.bench.now.0 - 3_600_000);
                self.bench.dm_with(who, &text, before, &[]);
            }
            _ => drop(self.bench.dm(who, &text)),
        }
    }

    /// Records the new answers and checks them.
    fn note(&mut self) {
        for change in &self.bench.changes {
            let Change::Human(HumanChange::Answered { question, answer }) = change else {
                continue;
            };
            let Via::Dm(by) = answer.via else { panic!("nobody is at a terminal") };
            let known = self.written.get(answer.text.as_str());
            assert!([OWNER, SECOND].contains(&by), "{by:?} answered");
            assert!(answer.text == "approve" || known == Some(&by), "{}", answer.text.as_str());
            let before = self.answers.insert(*question, answer.text.clone().into());
            assert_eq!(before, None, "q{question} was answered twice");
        }
        for event in self.bench.heard(EventKind::Reply) {
            let subject = event.subject.unwrap_or_default();
            assert!(self.told.insert(subject), "q{subject} was told twice");
        }
        assert!(self.told.iter().eq(self.answers.keys()), "{:?}", self.told);
        self.bench.forget();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn only_owners_answer_and_the_agent_is_told_once(acts in vec(act(), 1..40)) {
        let mut run = acts.into_iter().fold(Run::new(), Run::act);
        run.note();
    }
}

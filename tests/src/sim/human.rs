//! A human with an ordinary app, who owns some of the agents and answers what they ask, in one way
//! or another; and somebody who says the same under another key.

use p2p_core::record::{EventKind, Owner, Peer, Speaks, Standing, Via};
use p2p_core::{PublicKey, Rumor, Time};

use super::world::HUMAN;
use super::{Agent, Fault, World};

impl Agent {
    /// It was paired before the run began.
    pub(super) fn owned(mut self, since: Time) -> Self {
        self.store.owners.push(Owner { key: HUMAN, since, muted_until: None });
        let mut peer = Peer::stranger(HUMAN, since);
        (peer.standing, peer.speaks) = (Standing::Allowed, Speaks::Plain);
        self.store.peers.insert(HUMAN, peer);
        self
    }
}

impl World {
    /// The human's app shows a message of an agent.
    pub(super) fn asked(&mut self, index: usize, message: &Rumor) {
        let code = message.content.split_once(", code ").and_then(|(_, code)| code.get(..4));
        let Some(code) = code.filter(|_| message.content.contains(" asks (q")) else { return };
        let longest = *self.rng.pick(&[5_000, 600_000, 14_400_000]).unwrap_or(&5_000);
        let at = self.now + self.rng.span(1000, longest);
        let answer = self.text("answer");
        let reply = vec![vec!["e".to_owned(), message.id().to_string()]];
        let (text, more) = match self.rng.below(3) {
            0 => (answer.clone(), reply.clone()),
            1 => (format!("{code}: {answer}"), Vec::new()),
            _ => (answer.clone(), Vec::new()),
        };
        self.answers.insert(answer);
        if self.rng.chance(80) {
            self.writes(index, HUMAN, at, text, more);
        }
        // Whoever reads over the human's shoulder knows as much.
        let text = format!("{code}: {}", self.text("forged"));
        let key = PublicKey(self.rng.bytes());
        self.writes(index, key, at, text, reply);
    }

    fn writes(
        &mut self,
        index: usize,
        from: PublicKey,
        at: Time,
        content: String,
        more: Vec<Vec<String>>,
    ) {
        let mut tags = vec![vec!["p".to_owned(), self.agents[index].key.to_string()]];
        tags.extend(more);
        let rumor = Rumor { pubkey: from, created_at: at.secs(), kind: 14, tags, content };
        for _ in 0..=u64::from(self.rng.chance(30)) {
            let arrives = at + self.rng.span(20, 120_000);
            self.mail(arrives, index, rumor.clone());
        }
    }
}

/// Every answer is the human's, and its agent heard of it once; and of nothing else.
///
/// # Errors
/// When one is not, or an agent heard of another.
pub(super) fn answers(world: &World) -> Result<u64, Fault> {
    let mut count = 0;
    for agent in &world.agents {
        let mut replies: Vec<u32> = Vec::new();
        for event in agent.store.events.iter().filter(|event| event.kind == EventKind::Reply) {
            replies.push(event.subject.ok_or("a reply to nothing")?);
        }
        let answered = agent.store.questions.values().filter(|it| it.answer.is_some());
        let mut handles: Vec<u32> = answered.clone().map(|question| question.handle).collect();
        for answer in answered.filter_map(|question| question.answer.as_ref()) {
            if answer.via != Via::Dm(HUMAN) || !world.answers.contains(answer.text.as_str()) {
                return Err(format!("{:?} answered `{}`", answer.via, answer.text.as_str()));
            }
        }
        replies.sort_unstable();
        handles.sort_unstable();
        if replies != handles {
            return Err(format!("answered were {handles:?}, and told {replies:?}"));
        }
        count += replies.len() as u64;
    }
    Ok(count)
}

//! Actions of agents in the first phase.

use p2p_core::call::{Call, State};
use p2p_core::engine::command::{PlacedCall, Placement};
use p2p_core::engine::{Input, OutgoingRef, command};
use p2p_core::record::{Content, Message, Speaks};
use p2p_core::{CallId, Conversation, PublicKey};

use super::check::label;
use super::{Fault, Rng, World};

impl World {
    /// Somebody does something.
    pub(super) fn act(&mut self) -> Result<(), Fault> {
        let index = self.anyone();
        if self.agents[index].engine.is_none() {
            return Ok(());
        }
        match self.rng.below(100) {
            0..18 => self.ring(index),
            18..28 => self.ring_each_other(index),
            28..50 => self.answer(index),
            50..66 => self.chatter(index),
            66..72 => self.take_back(index),
            72..77 => self.hand_over_file(index),
            77..80 => self.ask_owner(index),
            80..85 => self.end_something(index),
            85..89 => self.read_something(index),
            89..92 => self.write_directly(index),
            92..94 => self.look_around(index),
            94..96 => {
                self.cut(index);
                Ok(())
            }
            96..99 => self.forge(index),
            _ => self.fall_out(index),
        }
    }

    fn anyone(&mut self) -> usize {
        self.rng.below(self.agents.len() as u64) as usize
    }

    /// Somebody else than `index`.
    pub(super) fn other(&mut self, index: usize) -> usize {
        let step = 1 + self.rng.below(self.agents.len() as u64 - 1) as usize;
        (index + step) % self.agents.len()
    }

    /// A text that was never said before.
    pub(super) fn text(&mut self, what: &str) -> String {
        self.texts += 1;
        format!("{what} {}", self.texts)
    }

    fn ring(&mut self, index: usize) -> Result<(), Fault> {
        let peer = self.other(index);
        self.place(index, peer)
    }

    fn ring_each_other(&mut self, index: usize) -> Result<(), Fault> {
        let peer = self.other(index);
        self.place(index, peer)?;
        self.place(peer, index)?;
        // Agents talk before they are answered.
        self.chatter(index)?;
        self.chatter(peer)
    }

    fn place(&mut self, index: usize, peer: usize) -> Result<(), Fault> {
        let opening = self.rng.chance(60).then(|| self.text("opening"));
        let command = command::PlaceCall {
            peer: self.agents[peer].key,
            topic: (*self.rng.pick(&["tea", "war", ""]).unwrap_or(&"")).into(),
            opening: opening.clone().map(Into::into),
            note: None,
            new: self.rng.chance(30),
            ring: self.rng.chance(50).then(|| 10 + self.rng.below(900)),
            invite: None,
        };
        let reply = self.command(index, command)?;
        // A ring that was there already is taken, and the opening is said in it.
        if let Some(Ok(PlacedCall { call, placement: Placement::Accepted, .. })) = reply {
            self.said.extend(opening.map(|text| (index, call, text)));
        }
        Ok(())
    }

    fn calls(&self, index: usize, fits: impl Fn(&Call) -> bool) -> Vec<CallId> {
        let engine = self.agents[index].engine.iter();
        engine.flat_map(|e| e.calls()).filter(|call| fits(call)).map(|call| call.id).collect()
    }

    fn answer(&mut self, index: usize) -> Result<(), Fault> {
        let rings = self.calls(index, |call| matches!(call.state, State::Incoming(_)));
        let Some(call) = self.rng.pick(&rings).copied() else { return Ok(()) };
        match self.rng.below(10) {
            0..8 => self.command(index, command::AcceptCall(call))?,
            8 => {
                let text = self.text("no");
                self.command(index, command::RejectCall { call, text: text.into() })?
            }
            _ => self.command(index, command::EndCall { call, text: String::new().into() })?,
        };
        Ok(())
    }

    fn chatter(&mut self, index: usize) -> Result<(), Fault> {
        let open =
            self.calls(index, |call| call.is_open() && !matches!(call.state, State::Incoming(_)));
        for _ in 0..=self.rng.below(6) {
            let Some(call) = self.rng.pick(&open).copied() else { break };
            let text = self.text("words");
            let conversation = Conversation::Call(call);
            let command =
                command::SendMessage { conversation, text: text.clone().into(), again: false };
            if let Some(Ok(_)) = self.command(index, command)? {
                self.said.push((index, call, text));
            }
        }
        Ok(())
    }

    /// Takes back something that was said, if the relays have not transmitted it.
    fn take_back(&mut self, index: usize) -> Result<(), Fault> {
        // Some of it while nothing leaves.
        if self.rng.chance(50) {
            self.cut(index);
            self.chatter(index)?;
            self.hand_over_file(index)?;
        }
        for _ in 0..2 {
            let free = self.free_to_cancel(index);
            let Some((said, words)) = self.rng.pick(&free).cloned() else { break };
            if let Some(Ok(_)) = self.command(index, command::CancelMessage(said))? {
                self.tally.cancelled += 1;
                self.cancelled.push(words);
            }
        }
        Ok(())
    }

    fn free_to_cancel(&self, index: usize) -> Vec<(OutgoingRef, String)> {
        let agent = &self.agents[index];
        let Some(engine) = &agent.engine else { return Vec::new() };
        let ours = agent.store.messages.values().filter(|message| message.by.is_ours());
        let free = ours.filter_map(|message| {
            let file = match &message.content {
                Content::File { file, .. } => Some(*file),
                _ => None,
            };
            let Message { handle, conversation, rumor, .. } = *message;
            let said = OutgoingRef { conversation, message: handle, rumor, file };
            let rumors = engine.to_withdraw(&said)?;
            let free = rumors.iter().all(|rumor| !agent.transmitted.contains(rumor));
            free.then(|| (said, label(message)))
        });
        free.collect()
    }

    fn hand_over_file(&mut self, index: usize) -> Result<(), Fault> {
        let open =
            self.calls(index, |call| call.is_open() && !matches!(call.state, State::Incoming(_)));
        let Some(call) = self.rng.pick(&open).copied() else { return Ok(()) };
        let size = *self.rng.pick(&[0, 1, 3000, 20 * 1024, 41_000]).unwrap_or(&0);
        let mut noise = Rng::new(self.rng.number());
        let bytes = std::iter::repeat_with(|| noise.bytes()).flatten().take(size).collect();
        let name = self.text("file");
        self.command(index, command::SendFile { call, name: name.into(), bytes })?;
        Ok(())
    }

    fn ask_owner(&mut self, index: usize) -> Result<(), Fault> {
        let open = self.calls(index, Call::is_open);
        let Some(call) = self.rng.pick(&open).copied() else { return Ok(()) };
        let (question, quiet) = (self.text("may I"), self.rng.chance(30));
        let options = vec!["yes".into(), "no".into()];
        self.command(
            index,
            command::Escalate {
                call,
                question: question.into(),
                options,
                quiet,
                lines: Vec::new(),
            },
        )?;
        Ok(())
    }

    fn end_something(&mut self, index: usize) -> Result<(), Fault> {
        let open = self.calls(index, Call::is_open);
        let Some(call) = self.rng.pick(&open).copied() else { return Ok(()) };
        let text = if self.rng.chance(50) { self.text("bye") } else { String::new() };
        self.hung_up.insert((index, call));
        self.command(index, command::EndCall { call, text: text.clone().into() })?;
        // Ends cross.
        let peer = self.agents[index].store.calls.get(&call).map(|call| call.peer);
        let peer = self.agents.iter().position(|agent| Some(agent.key) == peer);
        if let Some(peer) = peer.filter(|_| self.rng.chance(30)) {
            let text = self.text("bye");
            self.hung_up.insert((peer, call));
            self.command(peer, command::EndCall { call, text: text.into() })?;
        }
        Ok(())
    }

    fn read_something(&mut self, index: usize) -> Result<(), Fault> {
        let streams = self.agents[index].store.streams_in.values();
        let read = streams.map(|s| (s.conversation, s.id, s.upto)).collect();
        let command = command::MarkShown { reader: "sim".into(), marks: Vec::new(), read };
        self.command(index, command)?;
        Ok(())
    }

    fn write_directly(&mut self, index: usize) -> Result<(), Fault> {
        let peer = self.other(index);
        let peer = self.agents[peer].key;
        // An ordinary app would take it once, without a receipt.
        let speaks = self.agents[index].store.peers.get(&peer).map(|peer| peer.speaks);
        if speaks != Some(Speaks::P2p) {
            return Ok(());
        }
        let text = self.text("direct");
        let conversation = Conversation::Direct(peer);
        self.command(
            index,
            command::SendMessage { conversation, text: text.into(), again: false },
        )?;
        Ok(())
    }

    fn look_around(&mut self, index: usize) -> Result<(), Fault> {
        let peer = self.other(index);
        let peer = self.agents[peer].key;
        if self.rng.chance(50) {
            return self.input(index, Input::RelayBack);
        }
        self.input(index, Input::PeerSeen { peer, name: Some("x".into()) })
    }

    fn fall_out(&mut self, index: usize) -> Result<(), Fault> {
        if !self.rng.chance(30) {
            return Ok(());
        }
        let peer = self.other(index);
        let peer = self.agents[peer].key;
        self.part(self.agents[index].key, peer);
        self.command(index, command::BlockPeer(peer))?;
        Ok(())
    }

    fn part(&mut self, one: PublicKey, other: PublicKey) {
        self.broken.insert((one, other));
        self.broken.insert((other, one));
    }
}

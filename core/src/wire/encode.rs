//! Encoding of content as a rumor.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::packet::{Ack, Body, CONTROL_KIND, Control, Item, Slot, TEXT_KIND, VERSION};
use crate::ids::{CallId, Conversation, InstanceId, PublicKey, StreamId};
use crate::rumor::Rumor;
use crate::time::Time;

/// Data that every rumor of ours carries besides its content.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// Key of the author.
    pub from: PublicKey,
    /// Key of the receiver: a NIP-17 room of two has a single `p` tag.
    pub to: PublicKey,
    /// Time of writing.
    pub at: Time,
    /// Run of our daemon.
    pub instance: InstanceId,
    /// True if our human speaks.
    pub by_human: bool,
    /// Acknowledgements that travel with the rumor.
    pub acks: Vec<Ack>,
}

/// Encodes a rumor. [`Body::Plain`] becomes an ordinary NIP-17 message without any tag of ours.
#[must_use]
pub fn encode(stamp: &Stamp, body: &Body) -> Rumor {
    let mut tags = vec![tag(["p", &stamp.to.to_string()])];
    let (kind, content) = match body {
        Body::Plain(text) => (TEXT_KIND, text.as_str().into()),
        _ => {
            tags.push(tag(["v", VERSION]));
            tags.push(tag(["instance", &stamp.instance.to_string()]));
            if stamp.by_human {
                tags.push(tag(["by", "human"]));
            }
            tags.extend(stamp.acks.iter().map(ack_tag));
            ours(&mut tags, body)
        }
    };
    Rumor { pubkey: stamp.from, created_at: stamp.at.secs(), kind, tags, content }
}

/// Returns the rumor at another place, possibly in another call. The copy keeps its time and names
/// the original id.
#[must_use]
pub fn relocate(rumor: &Rumor, to: Conversation, slot: Slot) -> Rumor {
    let id = || rumor.id();
    let was = rumor.tag("was").and_then(|was| was.parse().ok()).unwrap_or_else(id);
    let mut moved = rumor.clone();
    let stays = |name: &str| !["was", "ack", "call", "stream", "n", "prev"].contains(&name);
    moved.tags.retain(|tag| tag.first().is_some_and(|name| stays(name)));
    if let Conversation::Call(call) = to {
        call_tag(&mut moved.tags, call);
    }
    slot_tags(&mut moved.tags, &Slot { was: Some(was), ..slot });
    moved
}

fn ours(tags: &mut Vec<Vec<String>>, body: &Body) -> (u16, String) {
    match body {
        Body::Plain(text) => (TEXT_KIND, text.as_str().into()),
        Body::Control(call, control) => {
            call_tag(tags, *call);
            let (name, content) = control_content(control);
            tags.push(tag(["type", name]));
            (CONTROL_KIND, content)
        }
        Body::Ack => {
            tags.push(tag(["type", "ack"]));
            (CONTROL_KIND, String::new())
        }
        Body::DuplicateInstance(twin) => {
            tags.push(tag(["type", "twin"]));
            (CONTROL_KIND, json(twin))
        }
        Body::Reset(slot) => {
            tags.push(tag(["type", "reset"]));
            slot_tags(tags, slot);
            (CONTROL_KIND, String::new())
        }
        Body::Numbered(conversation, slot, item) => {
            if let Conversation::Call(call) = conversation {
                call_tag(tags, *call);
            }
            slot_tags(tags, slot);
            item_content(tags, item)
        }
        Body::Chunk(call, slot, bytes) => {
            call_tag(tags, *call);
            slot_tags(tags, slot);
            tags.push(tag(["type", "chunk"]));
            (CONTROL_KIND, STANDARD.encode(&bytes.0))
        }
    }
}

fn control_content(control: &Control) -> (&'static str, String) {
    match control {
        Control::Offer(offer) => ("offer", json(offer)),
        Control::Ringing => ("ringing", String::new()),
        Control::Accept(accept) => ("accept", json(accept)),
        Control::Established => ("established", String::new()),
        Control::Reject(closing) => ("reject", json(closing)),
        Control::Cancel(closing) => ("cancel", json(closing)),
        Control::End(closing) => ("end", json(closing)),
        Control::Ended => ("ended", String::new()),
    }
}

fn item_content(tags: &mut Vec<Vec<String>>, item: &Item) -> (u16, String) {
    let (name, content) = match item {
        Item::Text(text) => return (TEXT_KIND, text.as_str().into()),
        Item::Escalation(escalation) => ("escalation", json(escalation)),
        Item::File(offer) => ("file", json(offer)),
        Item::Digest(summary) => ("digest", json(summary)),
        Item::Void => ("void", String::new()),
        Item::Unknown(name) => (name.as_str(), String::new()),
    };
    tags.push(tag(["type", name]));
    (CONTROL_KIND, content)
}

fn call_tag(tags: &mut Vec<Vec<String>>, call: CallId) {
    tags.push(tag(["call", &call.to_string()]));
}

fn slot_tags(tags: &mut Vec<Vec<String>>, slot: &Slot) {
    tags.push(tag(["stream", &slot.stream.to_string()]));
    tags.push(tag(["n", &slot.number.to_string()]));
    if let Some(prev) = slot.prev {
        tags.push(tag(["prev", &StreamId(prev).to_string()]));
    }
    if let Some(was) = slot.was {
        tags.push(tag(["was", &was.to_string()]));
    }
}

fn ack_tag(ack: &Ack) -> Vec<String> {
    let id = ack.id.map(|id| StreamId(id).to_string()).unwrap_or_default();
    let held: Vec<String> = ack.held.iter().map(|(from, to)| format!("{from}-{to}")).collect();
    tag([
        "ack",
        &ack.stream.to_string(),
        &ack.upto.to_string(),
        &id,
        &ack.read.to_string(),
        &held.join(","),
    ])
}

fn tag<const N: usize>(values: [&str; N]) -> Vec<String> {
    values.map(String::from).into()
}

fn json(value: &impl Serialize) -> String {
    // Our own structs of strings and numbers always serialize.
    serde_json::to_string(value).unwrap_or_default()
}

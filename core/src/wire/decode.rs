//! Decoding of a verified rumor. Any content that a peer may send results in a packet or in one of
//! the reasons in [`Malformed`], never in a panic.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::DeserializeOwned;

use super::packet::{
    Accept, Ack, Body, CHUNKS_LIMIT, CONTROL_KIND, Closing, Control, Escalation, FILE_LIMIT,
    FileOffer, Item, NAME_LIMIT, OPENING_LIMIT, OPTIONS_LIMIT, Offer, Packet, REASON_LIMIT, Slot,
    TEXT_KIND, TEXT_LIMIT, TOPIC_LIMIT, VERSION,
};
use crate::ids::{CallId, Conversation, PublicKey, RumorId, StreamId};
use crate::rumor::{Rumor, Verified};
use crate::text::Text;

/// Maximum number of acknowledgements in a rumor, and of ranges in an acknowledgement.
const ACKS_LIMIT: usize = 32;
const RANGES_LIMIT: usize = 64;
/// Maximum number of messages to which a message can reply.
const REPLIES_LIMIT: usize = 4;
/// Limit of the numbers in a stream: far beyond use, far below overflow.
const NUMBER_LIMIT: u64 = 1 << 48;

/// Errors that a peer can make in a genuine rumor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Not addressed to our key alone.
    #[error("addressed to somebody else, or to a group")]
    Room,
    /// Sent by our own key, or of a type that only our own key may send.
    #[error("our own")]
    Own,
    /// Neither text nor control.
    #[error("a kind that is not used here")]
    Kind,
    /// Later wire version, in a rumor without a number, which cannot be stored as unknown.
    #[error("another wire version")]
    Version,
    /// Missing or unreadable tag.
    #[error("the tag `{0}` is missing or unreadable")]
    Tag(&'static str),
    /// Content that does not fit its type.
    #[error("unreadable content")]
    Content,
    /// Content that exceeds a limit.
    #[error("too long")]
    TooLong,
    /// Unnumbered type that this version does not know.
    #[error("an unknown type")]
    Type,
}

/// Understands a rumor that was sent to `me`.
///
/// # Errors
/// [`Malformed`]: it is dropped, and the peer is told nothing.
pub fn decode(me: PublicKey, message: &Verified) -> Result<Packet, Malformed> {
    let rumor = message.rumor();
    let own = rumor.pubkey == me;
    let mut room = rumor.tags_named("p");
    if room.next().and_then(|p| p.first()).and_then(|p| p.parse().ok()) != Some(me)
        || room.next().is_some()
    {
        return Err(Malformed::Room);
    }
    let body = match rumor.kind {
        TEXT_KIND => words(rumor)?,
        CONTROL_KIND => control(rumor)?,
        _ => return Err(Malformed::Kind),
    };
    // Our own key sends itself nothing but this type, and no other key may send us this type.
    if own != matches!(body, Body::DuplicateInstance(_)) {
        return Err(Malformed::Own);
    }
    Ok(Packet {
        from: rumor.pubkey,
        id: message.id(),
        created_at: rumor.created_at,
        instance: rumor.tag("instance").and_then(|i| i.parse().ok()),
        by_human: rumor.tag("by") == Some("human"),
        reply_to: replies(rumor),
        acks: rumor.tags_named("ack").take(ACKS_LIMIT).filter_map(ack).collect(),
        body,
    })
}

/// Returns the messages to which a text replies: apps write `e` (NIP-10) or `q` (NIP-18).
fn replies(rumor: &Rumor) -> Vec<RumorId> {
    if rumor.kind != TEXT_KIND {
        return Vec::new();
    }
    let ids = rumor.tags_named("q").chain(rumor.tags_named("e"));
    ids.filter_map(|id| id.first()?.parse().ok()).take(REPLIES_LIMIT).collect()
}

fn words(rumor: &Rumor) -> Result<Body, Malformed> {
    let text = limited(rumor.content.as_str().into(), TEXT_LIMIT)?;
    if rumor.tag("stream").is_none() {
        return Ok(Body::Plain(text));
    }
    Ok(Body::Numbered(conversation(rumor)?, slot(rumor)?, Item::Text(text)))
}

fn control(rumor: &Rumor) -> Result<Body, Malformed> {
    let name = rumor.tag("type").ok_or(Malformed::Tag("type"))?;
    let numbered = rumor.tag("stream").is_some();
    if rumor.tag("v") != Some(VERSION) {
        return if numbered { unknown(rumor, name) } else { Err(Malformed::Version) };
    }
    match name {
        "ack" => Ok(Body::Ack),
        "twin" => Ok(Body::DuplicateInstance(json(&rumor.content)?)),
        "reset" => Ok(Body::Reset(slot(rumor)?)),
        "chunk" => {
            let bytes = STANDARD.decode(&rumor.content).map_err(|_| Malformed::Content)?;
            Ok(Body::Chunk(call(rumor)?, slot(rumor)?, bytes.into()))
        }
        "escalation" | "file" | "digest" | "void" => {
            Ok(Body::Numbered(conversation(rumor)?, slot(rumor)?, item(name, &rumor.content)?))
        }
        _ if numbered => unknown(rumor, name),
        _ => Ok(Body::Control(call(rumor)?, step(name, &rumor.content)?)),
    }
}

fn unknown(rumor: &Rumor, name: &str) -> Result<Body, Malformed> {
    let name = name.chars().take(32).collect();
    Ok(Body::Numbered(conversation(rumor)?, slot(rumor)?, Item::Unknown(name)))
}

fn step(name: &str, content: &str) -> Result<Control, Malformed> {
    Ok(match name {
        "offer" => {
            let offer: Offer = json(content)?;
            Control::Offer(Offer {
                topic: limited(offer.topic, TOPIC_LIMIT)?,
                message: offer.message.map(|m| limited(m, OPENING_LIMIT)).transpose()?,
                lifetime: offer.lifetime.clamp(1, 24 * 3600),
                name: offer.name.map(|n| limited(n, NAME_LIMIT)).transpose()?,
                invite: offer.invite.filter(|token| token.len() <= NAME_LIMIT),
            })
        }
        "ringing" => Control::Ringing,
        "accept" => {
            let accept: Accept = json(content)?;
            let name = accept.name.map(|n| limited(n, NAME_LIMIT)).transpose()?;
            Control::Accept(Accept { name, ..accept })
        }
        "established" => Control::Established,
        "reject" => Control::Reject(closing(content)?),
        "cancel" => Control::Cancel(closing(content)?),
        "end" => Control::End(closing(content)?),
        "ended" => Control::Ended,
        _ => return Err(Malformed::Type),
    })
}

fn closing(content: &str) -> Result<Closing, Malformed> {
    let closing: Closing = json(content)?;
    if closing.last.len() > CHUNKS_LIMIT as usize {
        return Err(Malformed::TooLong);
    }
    Ok(Closing { text: limited(closing.text, REASON_LIMIT)?, ..closing })
}

fn item(name: &str, content: &str) -> Result<Item, Malformed> {
    match name {
        "escalation" => {
            let asked: Escalation = json(content)?;
            let (count, length) = OPTIONS_LIMIT;
            if asked.options.len() > count || asked.options.iter().any(|o| o.len() > length) {
                return Err(Malformed::TooLong);
            }
            let question = limited(asked.question, TEXT_LIMIT)?;
            Ok(Item::Escalation(Escalation { question, ..asked }))
        }
        "file" => {
            let offer: FileOffer = json(content)?;
            if offer.size > FILE_LIMIT as u64
                || offer.chunk == 0
                || offer.chunk > 64 * 1024
                || offer.chunks() > CHUNKS_LIMIT
            {
                return Err(Malformed::TooLong);
            }
            Ok(Item::File(FileOffer { name: limited(offer.name, 1024)?, ..offer }))
        }
        "digest" => Ok(Item::Digest(json(content)?)),
        _ => Ok(Item::Void),
    }
}

fn call(rumor: &Rumor) -> Result<CallId, Malformed> {
    rumor.tag("call").and_then(|call| call.parse().ok()).ok_or(Malformed::Tag("call"))
}

fn conversation(rumor: &Rumor) -> Result<Conversation, Malformed> {
    match rumor.tag("call") {
        None => Ok(Conversation::Direct(rumor.pubkey)),
        Some(_) => call(rumor).map(Conversation::Call),
    }
}

fn slot(rumor: &Rumor) -> Result<Slot, Malformed> {
    let stream =
        rumor.tag("stream").and_then(|s| s.parse().ok()).ok_or(Malformed::Tag("stream"))?;
    let number = rumor
        .tag("n")
        .and_then(|n| n.parse().ok())
        .filter(|n| (1..NUMBER_LIMIT).contains(n))
        .ok_or(Malformed::Tag("n"))?;
    let was = rumor.tag("was").map(|was| was.parse().map_err(|_| Malformed::Tag("was")));
    let prev = rumor.tag("prev").and_then(|prev| prev.parse().ok()).map(|StreamId(id)| id);
    Ok(Slot { stream, number, was: was.transpose()?, prev })
}

fn ack(values: &[String]) -> Option<Ack> {
    let number = |text: &String| text.parse().ok().filter(|n| *n < NUMBER_LIMIT);
    let ranges = values.get(4).map(String::as_str).unwrap_or_default();
    let range = |text: &str| {
        let (from, to) = text.split_once('-')?;
        let (from, to) = (from.parse().ok()?, to.parse().ok()?);
        (from <= to && to < NUMBER_LIMIT).then_some((from, to))
    };
    Some(Ack {
        stream: values.first()?.parse().ok()?,
        upto: number(values.get(1)?)?,
        id: values.get(2)?.parse().ok().map(|StreamId(id)| id),
        read: number(values.get(3)?)?,
        held: ranges.split(',').take(RANGES_LIMIT).filter_map(range).collect(),
    })
}

fn json<T: DeserializeOwned>(content: &str) -> Result<T, Malformed> {
    serde_json::from_str(content).map_err(|_| Malformed::Content)
}

fn limited(text: Text, limit: usize) -> Result<Text, Malformed> {
    if text.len() > limit { Err(Malformed::TooLong) } else { Ok(text) }
}

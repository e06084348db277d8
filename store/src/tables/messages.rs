//! Messages and their receipts. Delivery never goes backwards.

use p2p_core::record::{Content, Message, Speaker};
use p2p_core::{Conversation, RumorId, StreamId};
use rusqlite::named_params;
use serde::{Deserialize, Serialize};

use crate::codes::DiskCode;
use crate::conversation::conversation_key;
use crate::error::StoreError;
use crate::sql::{Cells, Db, Table};

/// Table `messages`.
pub(crate) const MESSAGES: Table = Table { name: "messages", key: &["handle"] };

/// Maximum number of relays whose answers a message keeps.
const RECEIPTS: usize = 32;
/// Maximum length of a relay's answer, in bytes.
const CAUSE: usize = 200;
/// The address in a receipt for a message that was given to no relay.
const NO_RELAY: &str = "*";

/// A relay's answer to a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The relay's address; `*` for a message that was given to no relay.
    pub relay: String,
    /// The cause, where the relay did not accept the message.
    pub cause: Option<String>,
}

impl Receipt {
    /// Returns the receipt of a message that was given to no relay, with the cause.
    #[must_use]
    pub fn no_relay(cause: &str) -> Self {
        Self { relay: NO_RELAY.into(), cause: Some(cause.into()) }
    }
}

/// Writes a new message. A handle that exists is an error: nothing is overwritten.
pub(crate) fn put(db: Db<'_>, message: &Message) -> Result<(), StoreError> {
    let place = db.place(&MESSAGES, message.handle);
    let (content, body, options, file) = match &message.content {
        Content::Text(text) => ("text", text, None, None),
        Content::Escalation { question, options } => ("escalation", question, Some(options), None),
        Content::File { file, name } => ("file", name, None, Some(*file)),
        Content::Unsupported(kind) => ("unsupported", kind, None, None),
    };
    db.run(
        "INSERT INTO messages (handle, conversation, peer, outgoing, by_human, rumor, stream,
             number, content, body, options, file, at, claimed_at, delivery)
         VALUES (:handle, :conversation, :peer, :outgoing, :by_human, :rumor, :stream, :number,
             :content, :body, :options, :file, :at, :claimed_at, :delivery)",
        named_params! {
            ":handle": message.handle,
            ":conversation": conversation_key(&message.conversation),
            ":peer": message.peer.to_string(),
            ":outgoing": message.by.is_ours(),
            ":by_human": message.by.is_human(),
            ":rumor": message.rumor.to_string(),
            ":stream": message.slot.map(|(stream, _)| stream.to_string()),
            ":number": message.slot.map(|(_, number)| number.cast_signed()),
            ":content": content,
            ":body": place.seal("body", body)?,
            ":options": options.map(|options| place.seal_json("options", options)).transpose()?,
            ":file": file,
            ":at": message.at.0.cast_signed(),
            ":claimed_at": message.claimed_at.cast_signed(),
            ":delivery": message.delivery.code(),
        },
    )?;
    Ok(())
}

/// Records how many relays accepted a message. The counts never go down: a later attempt may be
/// refused by a relay that has the message. Rumors that are not messages of ours are ignored.
pub(crate) fn relays(
    db: Db<'_>,
    rumor: RumorId,
    accepted: u32,
    relays: u32,
) -> Result<(), StoreError> {
    db.run(
        "UPDATE messages SET relays_ok = max(relays_ok, :accepted), relays = max(relays, :relays),
             delivery = iif(delivery IN ('queued', 'cancelled') AND :accepted > 0, 'sent', delivery)
         WHERE rumor = :rumor AND outgoing = 1",
        named_params! { ":rumor": rumor.to_string(), ":accepted": accepted, ":relays": relays },
    )?;
    Ok(())
}

/// Keeps the relays' answers to a message of ours. The last answer of each relay counts, unless
/// the relay accepted the message before: it then refuses a repetition.
pub(crate) fn put_receipts(
    db: Db<'_>,
    rumor: RumorId,
    answers: &[Receipt],
) -> Result<(), StoreError> {
    let ours = "SELECT * FROM messages WHERE rumor = ?1 AND outgoing = 1";
    let found = db.first(&MESSAGES, ours, [rumor.to_string()], |row| {
        Ok((row.small("handle")?, receipts(row)?))
    })?;
    let Some((handle, mut kept)) = found else { return Ok(()) };
    for answer in answers {
        if kept.iter().any(|known| known.relay == answer.relay && known.cause.is_none()) {
            continue;
        }
        kept.retain(|known| known.relay != answer.relay);
        let mut answer = answer.clone();
        while let Some(cause) = answer.cause.as_mut().filter(|cause| cause.len() > CAUSE) {
            cause.pop();
        }
        kept.push(answer);
    }
    let accepted = kept.iter().filter(|receipt| receipt.cause.is_none()).count();
    if accepted > 0 {
        kept.retain(|receipt| receipt.relay != NO_RELAY);
    }
    kept.drain(..kept.len().saturating_sub(RECEIPTS));
    db.run(
        "UPDATE messages SET receipts = :receipts, relays_ok = max(relays_ok, :accepted),
             relays = max(relays, :accepted)
         WHERE handle = :handle",
        named_params! {
            ":handle": handle,
            ":receipts": db.place(&MESSAGES, handle).seal_json("receipts", &kept)?,
            ":accepted": i64::try_from(accepted).unwrap_or(i64::MAX),
        },
    )?;
    Ok(())
}

/// Reads the relays' answers from a message's row.
pub(crate) fn receipts(row: &Cells<'_>) -> Result<Vec<Receipt>, StoreError> {
    Ok(row.opt("receipts", Cells::json)?.unwrap_or_default())
}

/// Records that the peer's daemon stored a message, even one that was given up.
pub(crate) fn delivered(db: Db<'_>, rumor: RumorId) -> Result<(), StoreError> {
    db.run(
        "UPDATE messages SET delivery = 'delivered' WHERE rumor = ?1 AND outgoing = 1",
        [rumor.to_string()],
    )?;
    Ok(())
}

/// Records that a message was given up, unless it was delivered.
pub(crate) fn undelivered(db: Db<'_>, rumor: RumorId) -> Result<(), StoreError> {
    db.run(
        "UPDATE messages SET delivery = 'undelivered'
         WHERE rumor = ?1 AND outgoing = 1 AND delivery IN ('queued', 'sent')",
        [rumor.to_string()],
    )?;
    Ok(())
}

/// Records that a message was cancelled, unless a relay accepted it.
pub(crate) fn cancelled(db: Db<'_>, rumor: RumorId) -> Result<(), StoreError> {
    db.run(
        "UPDATE messages SET delivery = 'cancelled'
         WHERE rumor = ?1 AND outgoing = 1 AND delivery = 'queued'",
        [rumor.to_string()],
    )?;
    Ok(())
}

/// Moves a message to another stream, under another rumor id. In another conversation it is queued
/// anew.
pub(crate) fn moved(
    db: Db<'_>,
    from: RumorId,
    to: RumorId,
    conversation: &Conversation,
    (stream, number): (StreamId, u64),
    claimed_at: u64,
) -> Result<(), StoreError> {
    db.run(
        "UPDATE messages SET rumor = :to, stream = :stream, number = :number,
             claimed_at = :claimed_at,
             delivery = iif(conversation = :place, delivery, 'queued'),
             relays_ok = iif(conversation = :place, relays_ok, 0),
             relays = iif(conversation = :place, relays, 0),
             receipts = iif(conversation = :place, receipts, NULL),
             conversation = :place
         WHERE rumor = :from AND outgoing = 1",
        named_params! {
            ":from": from.to_string(),
            ":to": to.to_string(),
            ":place": conversation_key(conversation),
            ":claimed_at": claimed_at.cast_signed(),
            ":stream": stream.to_string(),
            ":number": number.cast_signed(),
        },
    )?;
    Ok(())
}

/// Reads a message's row.
pub(crate) fn read(row: &Cells<'_>) -> Result<Message, StoreError> {
    let stream = row.opt("stream", Cells::id)?;
    Ok(Message {
        handle: row.small("handle")?,
        conversation: row.conversation()?,
        peer: row.id("peer")?,
        by: match row.flag("outgoing")? {
            true => Speaker::ours(row.flag("by_human")?),
            false => Speaker::theirs(row.flag("by_human")?),
        },
        rumor: row.id("rumor")?,
        slot: stream
            .map(|stream| Ok::<_, StoreError>((stream, row.number("number")?)))
            .transpose()?,
        content: content(row)?,
        at: row.time("at")?,
        claimed_at: row.number("claimed_at")?,
        delivery: row.code("delivery")?,
    })
}

fn content(row: &Cells<'_>) -> Result<Content, StoreError> {
    let body = row.text("body")?;
    Ok(match row.clear("content")?.as_str() {
        "text" => Content::Text(body.into()),
        "escalation" => {
            Content::Escalation { question: body.into(), options: row.json("options")? }
        }
        "file" => Content::File { file: row.small("file")?, name: body.into() },
        "unsupported" => Content::Unsupported(body.into()),
        _ => return Err(row.corrupt("content", "is unknown")),
    })
}

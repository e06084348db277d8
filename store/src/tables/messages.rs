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

/// Most relays that a message keeps the words of, and most bytes of their words.
const RECEIPTS: usize = 32;
const WORDS: usize = 200;

/// What a relay said of a message that it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Its address.
    pub relay: String,
    /// Why it did not take it, if it did not.
    pub cause: Option<String>,
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

/// Notes how a message fared at the relays. Rumors that are no messages of ours are nobody's
/// business here.
pub(crate) fn relays(
    db: Db<'_>,
    rumor: RumorId,
    accepted: u32,
    relays: u32,
) -> Result<(), StoreError> {
    db.run(
        "UPDATE messages SET relays_ok = :accepted, relays = :relays,
             delivery = iif(delivery IN ('queued', 'cancelled') AND :accepted > 0, 'sent', delivery)
         WHERE rumor = :rumor AND outgoing = 1",
        named_params! { ":rumor": rumor.to_string(), ":accepted": accepted, ":relays": relays },
    )?;
    Ok(())
}

/// Keeps what relays said of a message of ours; the last word of each counts, unless it took it
/// before: what it refuses then is a repetition.
pub(crate) fn put_receipts(db: Db<'_>, rumor: RumorId, said: &[Receipt]) -> Result<(), StoreError> {
    let which = "SELECT * FROM messages WHERE rumor = ?1 AND outgoing = 1";
    let found = db.first(&MESSAGES, which, [rumor.to_string()], |row| {
        Ok((row.small("handle")?, receipts(row)?))
    })?;
    let Some((handle, mut kept)) = found else { return Ok(()) };
    for Receipt { relay, cause } in said {
        if kept.iter().any(|known| known.relay == *relay && known.cause.is_none()) {
            continue;
        }
        kept.retain(|known| known.relay != *relay);
        let mut cause = cause.clone();
        if let Some(words) = &mut cause {
            while words.len() > WORDS {
                words.pop();
            }
        }
        kept.push(Receipt { relay: relay.clone(), cause });
    }
    kept.drain(..kept.len().saturating_sub(RECEIPTS));
    let sealed = db.place(&MESSAGES, handle).seal_json("receipts", &kept)?;
    db.run("UPDATE messages SET receipts = ?2 WHERE handle = ?1", (handle, sealed))?;
    Ok(())
}

/// What relays said of the message of a row.
pub(crate) fn receipts(row: &Cells<'_>) -> Result<Vec<Receipt>, StoreError> {
    Ok(row.opt("receipts", Cells::json)?.unwrap_or_default())
}

/// The peer's daemon has it, even where we had given it up.
pub(crate) fn delivered(db: Db<'_>, rumor: RumorId) -> Result<(), StoreError> {
    db.run(
        "UPDATE messages SET delivery = 'delivered' WHERE rumor = ?1 AND outgoing = 1",
        [rumor.to_string()],
    )?;
    Ok(())
}

/// Given up, unless it arrived.
pub(crate) fn undelivered(db: Db<'_>, rumor: RumorId) -> Result<(), StoreError> {
    db.run(
        "UPDATE messages SET delivery = 'undelivered'
         WHERE rumor = ?1 AND outgoing = 1 AND delivery IN ('queued', 'sent')",
        [rumor.to_string()],
    )?;
    Ok(())
}

/// Taken back, unless it is out.
pub(crate) fn cancelled(db: Db<'_>, rumor: RumorId) -> Result<(), StoreError> {
    db.run(
        "UPDATE messages SET delivery = 'cancelled'
         WHERE rumor = ?1 AND outgoing = 1 AND delivery = 'queued'",
        [rumor.to_string()],
    )?;
    Ok(())
}

/// The same words under another id, in another stream. In another call they start anew.
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

/// A message's row.
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

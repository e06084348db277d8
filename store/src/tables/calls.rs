//! Calls. The state, an enum in the core, is flattened into columns.

use std::collections::BTreeMap;
use std::time::Duration;

use p2p_core::call::{Call, Connecting, Dialing, Ended, Incoming, Resend, Ringing, State};
use p2p_core::invite::Token;
use p2p_core::wire::Closing;
use p2p_core::{CallId, StreamId, Time};
use rusqlite::named_params;

use crate::codes::DiskCode;
use crate::error::StoreError;
use crate::sql::{Cells, Db, Place, Table};

/// Table `calls`.
pub(crate) const CALLS: Table = Table { name: "calls", key: &["id"] };

/// A state as columns. Columns that the state does not have are empty.
#[derive(Default)]
struct Flat {
    phase: &'static str,
    expires: Option<Time>,
    resend: Option<Resend>,
    sign: Option<bool>,
    knock: Option<bool>,
    replaces: Option<CallId>,
    ended_at: Option<Time>,
    ended_by: Option<&'static str>,
    reason: Option<&'static str>,
    reason_text: Option<Vec<u8>>,
    merged_into: Option<CallId>,
    last_numbers: Option<String>,
    word: Option<Resend>,
}

impl Flat {
    fn of(state: &State, place: &Place<'_>) -> Result<Self, StoreError> {
        let flat = Self::default();
        Ok(match state {
            State::Dialing(s) => Self {
                phase: "dialing",
                expires: Some(s.expires),
                resend: Some(s.resend),
                sign: Some(s.sign),
                ..flat
            },
            State::Ringing(s) => Self { phase: "ringing", expires: Some(s.expires), ..flat },
            State::Incoming(s) => {
                Self { phase: "incoming", expires: Some(s.expires), knock: Some(s.knock), ..flat }
            }
            State::Connecting(s) => Self {
                phase: "connecting",
                expires: Some(s.expires),
                resend: Some(s.resend),
                replaces: s.replaces,
                ..flat
            },
            State::Active => Self { phase: "active", ..flat },
            State::Ended(s) => Self {
                phase: "ended",
                ended_at: Some(s.at),
                ended_by: Some(s.by.code()),
                reason: Some(s.closing.reason.code()),
                reason_text: Some(place.seal("reason_text", &s.closing.text)?),
                merged_into: s.closing.into,
                last_numbers: Some(numbers_to_json(&s.closing.last, place)?),
                word: s.word,
                ..flat
            },
        })
    }
}

/// Writes a call in its present state, new or known.
pub(crate) fn put(db: Db<'_>, call: &Call) -> Result<(), StoreError> {
    let place = db.place(&CALLS, call.id);
    let flat = Flat::of(&call.state, &place)?;
    let time = |time: Time| time.0.cast_signed();
    db.run(
        "INSERT INTO calls (id, handle, peer, outgoing, topic, opening, note, opened, answered,
             lifetime, phase, expires, resend_attempts, resend_last, sign, knock, replaces,
             ended_at, ended_by, reason, reason_text, merged_into, last_numbers, word_attempts,
             word_last, digests, invite)
         VALUES (:id, :handle, :peer, :outgoing, :topic, :opening, :note, :opened, :answered,
             :lifetime, :phase, :expires, :resend_attempts, :resend_last, :sign, :knock, :replaces,
             :ended_at, :ended_by, :reason, :reason_text, :merged_into, :last_numbers,
             :word_attempts, :word_last, :digests, :invite)
         ON CONFLICT (id) DO UPDATE SET handle = excluded.handle, peer = excluded.peer,
             outgoing = excluded.outgoing, topic = excluded.topic, opening = excluded.opening,
             note = excluded.note, opened = excluded.opened, answered = excluded.answered,
             lifetime = excluded.lifetime, phase = excluded.phase, expires = excluded.expires,
             resend_attempts = excluded.resend_attempts, resend_last = excluded.resend_last,
             sign = excluded.sign, knock = excluded.knock, replaces = excluded.replaces,
             ended_at = excluded.ended_at, ended_by = excluded.ended_by,
             reason = excluded.reason, reason_text = excluded.reason_text,
             merged_into = excluded.merged_into, last_numbers = excluded.last_numbers,
             word_attempts = excluded.word_attempts, word_last = excluded.word_last,
             digests = excluded.digests, invite = excluded.invite",
        named_params! {
            ":id": call.id.to_string(),
            ":handle": call.handle,
            ":peer": call.peer.to_string(),
            ":outgoing": call.outgoing,
            ":topic": place.seal("topic", &call.topic)?,
            ":opening": place.seal_opt("opening", call.opening.as_deref())?,
            ":note": place.seal_opt("note", call.note.as_deref())?,
            ":opened": time(call.opened),
            ":answered": call.answered.map(time),
            ":lifetime": call.lifetime.as_secs().cast_signed(),
            ":phase": flat.phase,
            ":expires": flat.expires.map(time),
            ":resend_attempts": flat.resend.map(|resend| resend.attempts),
            ":resend_last": flat.resend.map(|resend| time(resend.last)),
            ":sign": flat.sign,
            ":knock": flat.knock,
            ":replaces": flat.replaces.map(|id| id.to_string()),
            ":ended_at": flat.ended_at.map(time),
            ":ended_by": flat.ended_by,
            ":reason": flat.reason,
            ":reason_text": flat.reason_text,
            ":merged_into": flat.merged_into.map(|id| id.to_string()),
            ":last_numbers": flat.last_numbers,
            ":word_attempts": flat.word.map(|word| word.attempts),
            ":word_last": flat.word.map(|word| time(word.last)),
            ":digests": place.seal_json("digests", &call.digests)?,
            ":invite": call.invite.map(|token| place.seal("invite", token.0)).transpose()?,
        },
    )?;
    Ok(())
}

/// Reads a call's row.
pub(crate) fn read(row: &Cells<'_>) -> Result<Call, StoreError> {
    Ok(Call {
        handle: row.small("handle")?,
        id: row.id("id")?,
        peer: row.id("peer")?,
        outgoing: row.flag("outgoing")?,
        topic: row.text("topic")?.into(),
        opening: row.opt("opening", Cells::text)?.map(Into::into),
        note: row.opt("note", Cells::text)?.map(Into::into),
        invite: row.opt("invite", token)?,
        opened: row.time("opened")?,
        answered: row.opt("answered", Cells::time)?,
        lifetime: Duration::from_secs(row.number("lifetime")?),
        state: state(row)?,
        digests: row.opt("digests", Cells::json)?.unwrap_or_default(),
    })
}

fn token(row: &Cells<'_>, column: &str) -> Result<Token, StoreError> {
    let bytes = row.bytes(column)?.try_into();
    bytes.map(Token).map_err(|_| row.corrupt(column, "is not a token"))
}

fn state(row: &Cells<'_>) -> Result<State, StoreError> {
    let resend = |row: &Cells<'_>| {
        Ok::<_, StoreError>(Resend {
            attempts: row.small("resend_attempts")?,
            last: row.time("resend_last")?,
        })
    };
    let expires = |row: &Cells<'_>| row.time("expires");
    Ok(match row.clear("phase")?.as_str() {
        "dialing" => State::Dialing(Dialing {
            expires: expires(row)?,
            resend: resend(row)?,
            sign: row.flag("sign")?,
        }),
        "ringing" => State::Ringing(Ringing { expires: expires(row)? }),
        "incoming" => {
            State::Incoming(Incoming { expires: expires(row)?, knock: row.flag("knock")? })
        }
        "connecting" => State::Connecting(Connecting {
            expires: expires(row)?,
            resend: resend(row)?,
            replaces: row.opt("replaces", Cells::id)?,
        }),
        "active" => State::Active,
        "ended" => State::Ended(ended(row)?),
        _ => return Err(row.corrupt("phase", "is unknown")),
    })
}

fn ended(row: &Cells<'_>) -> Result<Ended, StoreError> {
    let numbers = row.clear("last_numbers")?;
    let last = numbers_from_json(&numbers)
        .ok_or_else(|| row.corrupt("last_numbers", "is not the JSON it should be"))?;
    let word = row.opt("word_attempts", Cells::small)?;
    Ok(Ended {
        at: row.time("ended_at")?,
        closing: Closing {
            reason: row.code("reason")?,
            text: row.text("reason_text")?.into(),
            into: row.opt("merged_into", Cells::id)?,
            last,
        },
        by: row.code("ended_by")?,
        word: word
            .map(|attempts| Ok::<_, StoreError>(Resend { attempts, last: row.time("word_last")? }))
            .transpose()?,
    })
}

fn numbers_to_json(
    last: &BTreeMap<StreamId, u64>,
    place: &Place<'_>,
) -> Result<String, StoreError> {
    let numbers: BTreeMap<String, u64> =
        last.iter().map(|(stream, number)| (stream.to_string(), *number)).collect();
    serde_json::to_string(&numbers).map_err(|_| place.corrupt("last_numbers", "is no JSON"))
}

fn numbers_from_json(json: &str) -> Option<BTreeMap<StreamId, u64>> {
    let numbers: BTreeMap<String, u64> = serde_json::from_str(json).ok()?;
    numbers.into_iter().map(|(stream, number)| Some((stream.parse().ok()?, number))).collect()
}

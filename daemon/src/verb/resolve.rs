//! Resolution of names: which call or agent a request means.

use std::collections::BTreeMap;

use p2p_core::call::{Call, Incoming, State};
use p2p_core::engine::Refusal;
use p2p_core::ids::is_key_prefix;
use p2p_core::policy::is_pet_name;
use p2p_core::wire::Reason;
use p2p_core::{PublicKey, Time};
use p2p_ipc::{ErrorCode, RpcError};

use p2p_store::{CallRow, Reader};

use super::handles::{handle, parse_handle};
use crate::context::Context;
use crate::errors::{refused, unreadable};
use crate::readers::AGENT;

/// Returns the call of this handle or id.
pub(super) fn named_call(store: &Reader, name: &str) -> Result<CallRow, RpcError> {
    let found = match (parse_handle(name), name.trim().parse()) {
        (Some(('c', number)), _) => store.call(AGENT, number).map_err(unreadable)?,
        (_, Ok(id)) => store.call_by_id(AGENT, id).map_err(unreadable)?,
        _ => None,
    };
    found.ok_or_else(|| {
        RpcError::new(ErrorCode::NoCall, format!("there is no call {name:?}")).hint("p2p calls")
    })
}

/// The calls that a verb accepts where none is named.
pub(super) struct Wanted<'a> {
    /// Returns true for the states that fit.
    pub fits: fn(&State) -> bool,
    /// True if an ended call with unread items makes the choice ambiguous.
    pub unread_counts: bool,
    /// The command for hints, with `{}` in the place of `--call c7`.
    pub command: &'a str,
}

/// Returns true for states in which messages can be sent.
pub(super) fn speakable(state: &State) -> bool {
    !matches!(state, State::Incoming(_) | State::Ended(_))
}

/// Returns the call to send in: answered by us, and not ended.
pub(super) fn to_speak_in(
    store: &Reader,
    name: Option<&str>,
    command: &str,
) -> Result<Call, RpcError> {
    let call = call(store, name, &Wanted { fits: speakable, unread_counts: true, command })?;
    let c = handle('c', call.handle);
    match &call.state {
        // The engine knows the call that it became part of.
        State::Ended(ended) if ended.closing.reason == Reason::Merged => Ok(call),
        State::Ended(ended) => {
            Err(refused(&Refusal::Over(ended.closing.reason)).hint(format!("p2p call --back {c}")))
        }
        State::Incoming(_) => {
            Err(refused(&Refusal::NotAnswered).hint(format!("p2p answer accept --call {c}")))
        }
        _ => Ok(call),
    }
}

/// Returns the named call, or the only one that fits.
pub(super) fn call(
    store: &Reader,
    name: Option<&str>,
    wanted: &Wanted<'_>,
) -> Result<Call, RpcError> {
    if let Some(name) = name {
        return named_call(store, name).map(|row| row.call);
    }
    let open = store.open_calls(AGENT).map_err(unreadable)?;
    let (fitting, others): (Vec<_>, Vec<_>) =
        open.into_iter().partition(|row| (wanted.fits)(&row.call.state));
    let unread = if wanted.unread_counts {
        let rows = store.calls_with_unread(AGENT).map_err(unreadable)?;
        rows.into_iter().filter(|row| !row.call.is_open()).collect()
    } else {
        Vec::new()
    };
    match (fitting.as_slice(), unread.as_slice()) {
        ([one], []) => Ok(one.call.clone()),
        ([], _) => Err(none(store, &others, wanted)),
        (several, ended) => {
            let label = |row: &&CallRow| {
                let name = known_name(store, row.call.peer);
                format!("{} ({name}) {}", handle('c', row.call.handle), stands(&row.call.state))
            };
            let all: Vec<String> = several.iter().chain(ended).map(|row| label(&row)).collect();
            let commands: Vec<String> = several
                .iter()
                .map(|row| {
                    wanted
                        .command
                        .replace("{}", &format!("--call {}", handle('c', row.call.handle)))
                })
                .chain(
                    ended
                        .iter()
                        .map(|row| format!("p2p inbox --call {}", handle('c', row.call.handle))),
                )
                .collect();
            let message = format!("which call? {}", all.join("; "));
            Err(RpcError::new(ErrorCode::CallAmbiguous, message).hint(commands.join("\n")))
        }
    }
}

/// Describes the state of a call in an error.
fn stands(state: &State) -> &'static str {
    match state {
        State::Dialing(_) | State::Ringing(_) => "is not answered yet",
        State::Incoming(_) => "is ringing here",
        State::Connecting(_) => "is being connected",
        State::Active => "is active",
        State::Ended(_) => "ended, unread",
    }
}

/// Returns the error for no fitting call, with a hint from the newest other call.
fn none(store: &Reader, others: &[CallRow], wanted: &Wanted<'_>) -> RpcError {
    if (wanted.fits)(&State::Incoming(Incoming { expires: Time(0), knock: false })) {
        let error = RpcError::new(ErrorCode::NoCall, "no call is ringing here");
        return error.hint("p2p wait --for ring");
    }
    let Some(CallRow { call, .. }) = others.first() else {
        return RpcError::new(ErrorCode::NoCall, "no call is open")
            .hint("p2p list\np2p call <agent> \"<topic>\"");
    };
    let (name, c) = (known_name(store, call.peer), handle('c', call.handle));
    let (state, hint) = match call.state {
        State::Incoming(_) => {
            ("is ringing: answer it first", format!("p2p answer accept --call {c}"))
        }
        _ => (stands(&call.state), "p2p status".into()),
    };
    let message = format!("no active call; {c} ({name}) {state}");
    RpcError::new(ErrorCode::NoCall, message).hint(hint)
}

/// Returns the pet name or the beginning of the npub, and never a claimed name.
pub(super) fn known_name(store: &Reader, key: PublicKey) -> String {
    let named = store.peer(key).ok().flatten().and_then(|peer| peer.name);
    named.unwrap_or_else(|| key.npub().chars().take(12).collect()).into()
}

/// Returns the key of an agent, given by pet name, key, or the beginning of a known key.
pub(super) fn agent(context: &Context, store: &Reader, text: &str) -> Result<PublicKey, RpcError> {
    let text = text.trim();
    if let Some(peer) = store.peer_by_name(text).map_err(unreadable)? {
        return Ok(peer.key);
    }
    if let Ok(key) = PublicKey::parse(text) {
        return Ok(key);
    }
    let prefix = text.to_lowercase();
    let mut found: BTreeMap<PublicKey, String> = BTreeMap::new();
    if is_key_prefix(text) {
        for peer in store.peers_with_prefix(&prefix).map_err(unreadable)? {
            found.insert(peer.key, peer.name.unwrap_or_default().into());
        }
        for (key, claimed) in context.listed().iter() {
            if key.npub().starts_with(&prefix) || key.to_string().starts_with(&prefix) {
                found.entry(*key).or_insert_with(|| claimed.clone());
            }
        }
    }
    let mut keys = found.into_keys();
    match (keys.next(), keys.next()) {
        (Some(key), None) => Ok(key),
        (Some(one), Some(other)) => {
            let message = format!(
                "{text:?} is the beginning of more than one key: {}, {}",
                one.npub(),
                other.npub()
            );
            Err(RpcError::new(ErrorCode::AgentAmbiguous, message).hint("p2p contacts\np2p list"))
        }
        (None, _) => Err(unknown_agent(context, text)),
    }
}

/// Returns the error for an unknown agent. Keys that claim the name are listed, since only the pet
/// names of contacts resolve.
fn unknown_agent(context: &Context, text: &str) -> RpcError {
    let lower = text.to_lowercase();
    let claims: Vec<String> = context
        .listed()
        .iter()
        .filter(|(_, claimed)| claimed.to_lowercase() == lower)
        .map(|(key, _)| key.npub())
        .collect();
    let message = format!("no contact is called {text:?}, and it is not a key");
    let error = |more: &str| RpcError::new(ErrorCode::NoAgent, message + more);
    match claims.as_slice() {
        [] => error("").hint("p2p list\np2p contacts"),
        [npub] => {
            let name = if is_pet_name(&lower) { lower.as_str() } else { "<name>" };
            let more = format!("; {npub} claims that name, as anyone can");
            error(&more).hint(format!("p2p contacts add {npub} {name}"))
        }
        several => {
            let more = format!("; these keys claim that name: {}", several.join(", "));
            error(&more).hint("p2p contacts add <npub> <name>")
        }
    }
}

/// Returns the text as an argument for the command of a hint, if it is short and a shell reads it
/// unchanged; else `otherwise`.
pub(super) fn argument(text: &str, otherwise: &str) -> String {
    let plain = text.len() <= 60 && !text.contains(['"', '$', '`', '\\', '!', '\n']);
    if plain { format!("\"{text}\"") } else { otherwise.into() }
}

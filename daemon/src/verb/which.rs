//! Which call, which agent, which thing is meant.

use std::collections::BTreeMap;

use p2p_core::call::{Call, Incoming, State};
use p2p_core::engine::Refusal;
use p2p_core::ids::is_key_prefix;
use p2p_core::policy::is_pet_name;
use p2p_core::wire::Reason;
use p2p_core::{PublicKey, Time};
use p2p_ipc::{ErrorCode, RpcError};

use super::show::handle;
use super::{AGENT, refused, stored};
use crate::service::Service;
use p2p_store::{CallRow, Reader};

/// Splits `m41` into its series and number, however it was typed: `M41`, ` m41 `.
pub(super) fn parse_handle(text: &str) -> Option<(char, u32)> {
    let text = text.trim();
    let series = text.chars().next()?.to_ascii_lowercase();
    let digits = text.get(1..).filter(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))?;
    "cmfq".contains(series).then_some((series, digits.parse().ok()?))
}

/// The number of a handle that must be of this series.
pub(super) fn numbered(series: char, what: &str, text: &str) -> Result<u32, RpcError> {
    match parse_handle(text) {
        Some((found, number)) if found == series => Ok(number),
        _ => {
            let message = format!("{text:?} is no {what}: those look like {series}7");
            Err(RpcError::new(ErrorCode::NoSuch, message))
        }
    }
}

/// A call that was named.
pub(super) fn named_call(store: &Reader, name: &str) -> Result<CallRow, RpcError> {
    let found = match (parse_handle(name), name.trim().parse()) {
        (Some(('c', number)), _) => store.call(AGENT, number).map_err(stored)?,
        (_, Ok(id)) => store.call_by_id(AGENT, id).map_err(stored)?,
        _ => None,
    };
    found.ok_or_else(|| {
        RpcError::new(ErrorCode::NoCall, format!("there is no call {name:?}")).hint("p2p calls")
    })
}

/// What a verb looks for where no call is named.
pub(super) struct Wanted<'a> {
    /// Which states fit.
    pub fits: fn(&State) -> bool,
    /// An ended call with unread text makes it unclear which one is meant.
    pub unread_counts: bool,
    /// The command for hints, with `{}` where `--call c7` goes.
    pub command: &'a str,
}

/// Calls in which something can be said.
pub(super) fn speakable(state: &State) -> bool {
    !matches!(state, State::Incoming(_) | State::Ended(_))
}

/// The call to say something in: answered by us, and not over.
pub(super) fn to_speak_in(
    store: &Reader,
    name: Option<&str>,
    command: &str,
) -> Result<Call, RpcError> {
    let call = call(store, name, &Wanted { fits: speakable, unread_counts: true, command })?;
    let c = handle('c', call.handle);
    match &call.state {
        // What became of it, the engine knows best.
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

/// The call that is meant: the named one, or the only one that fits.
pub(super) fn call(
    store: &Reader,
    name: Option<&str>,
    wanted: &Wanted<'_>,
) -> Result<Call, RpcError> {
    if let Some(name) = name {
        return named_call(store, name).map(|row| row.call);
    }
    let open = store.open_calls(AGENT).map_err(stored)?;
    let (fitting, others): (Vec<_>, Vec<_>) =
        open.into_iter().partition(|row| (wanted.fits)(&row.call.state));
    let unread = if wanted.unread_counts {
        let rows = store.calls_with_unread(AGENT).map_err(stored)?;
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
            Err(RpcError::new(ErrorCode::CallAmbiguous, message).hint(commands.join(" or ")))
        }
    }
}

/// How an open call stands, or that an ended one waits to be read.
fn stands(state: &State) -> &'static str {
    match state {
        State::Dialing(_) | State::Ringing(_) => "is not answered yet",
        State::Incoming(_) => "rings here",
        State::Connecting(_) => "is being connected",
        State::Active => "is active",
        State::Ended(_) => "ended, unread",
    }
}

/// No call fits; the newest of the others says what could be done instead.
fn none(store: &Reader, others: &[CallRow], wanted: &Wanted<'_>) -> RpcError {
    if (wanted.fits)(&State::Incoming(Incoming { expires: Time(0), knock: false })) {
        let error = RpcError::new(ErrorCode::NoCall, "nothing rings here");
        return error.hint("p2p wait --for ring");
    }
    let Some(CallRow { call, .. }) = others.first() else {
        return RpcError::new(ErrorCode::NoCall, "no call is open")
            .hint("p2p list or p2p call <agent> \"<topic>\"");
    };
    let (name, c) = (known_name(store, call.peer), handle('c', call.handle));
    let message = format!("no call fits; {c} ({name}) {}", stands(&call.state));
    RpcError::new(ErrorCode::NoCall, message).hint(match call.state {
        State::Incoming(_) => format!("p2p answer accept --call {c}"),
        _ => "p2p status".into(),
    })
}

/// A pet name, or the beginning of the npub: never what a peer claims.
pub(super) fn known_name(store: &Reader, key: PublicKey) -> String {
    let named = store.peer(key).ok().flatten().and_then(|peer| peer.name);
    named.unwrap_or_else(|| key.npub().chars().take(12).collect()).into()
}

/// The agent that is meant: a pet name, a key, or the beginning of a key that we know.
pub(super) fn agent(service: &Service, store: &Reader, text: &str) -> Result<PublicKey, RpcError> {
    let text = text.trim();
    if let Some(peer) = store.peer_by_name(text).map_err(stored)? {
        return Ok(peer.key);
    }
    if let Ok(key) = PublicKey::parse(text) {
        return Ok(key);
    }
    let prefix = text.to_lowercase();
    let mut found: BTreeMap<PublicKey, String> = BTreeMap::new();
    if is_key_prefix(text) {
        for peer in store.peers_with_prefix(&prefix).map_err(stored)? {
            found.insert(peer.key, peer.name.unwrap_or_default().into());
        }
        for (key, claimed) in service.listed().iter() {
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
            Err(RpcError::new(ErrorCode::AgentAmbiguous, message).hint("p2p contacts or p2p list"))
        }
        (None, _) => Err(unknown_agent(service, text)),
    }
}

/// Names resolve among contacts only; who merely claims one is shown by key.
fn unknown_agent(service: &Service, text: &str) -> RpcError {
    let lower = text.to_lowercase();
    let claims: Vec<String> = service
        .listed()
        .iter()
        .filter(|(_, claimed)| claimed.to_lowercase() == lower)
        .map(|(key, _)| key.npub())
        .collect();
    let message = format!("no contact is called {text:?}, and it is no key");
    let error = |more: &str| RpcError::new(ErrorCode::NoAgent, message + more);
    match claims.as_slice() {
        [] => error("").hint("p2p list or p2p contacts"),
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

/// Our agent's own words as an argument of the command in a hint: what is short and means the
/// same to a shell, or else `otherwise`.
pub(super) fn argument(text: &str, otherwise: &str) -> String {
    let plain = text.len() <= 60 && !text.contains(['"', '$', '`', '\\', '!', '\n']);
    if plain { format!("\"{text}\"") } else { otherwise.into() }
}

#[cfg(test)]
mod tests {
    use super::parse_handle;

    #[test]
    fn a_handle_is_known_however_it_is_typed() {
        for text in ["c11", "C11", " c11 ", "C11\n"] {
            assert_eq!(parse_handle(text), Some(('c', 11)), "{text:?}");
        }
        for text in ["", "c", "c+1", "c 1", "é7", "x7", "c1c", "-c1", "c99999999999"] {
            assert_eq!(parse_handle(text), None, "{text:?}");
        }
    }
}

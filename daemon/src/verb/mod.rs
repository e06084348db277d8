//! The methods of the socket, a file a verb: what each asks of the engine, the store and the
//! relays, and how the answer is shown.

mod answer;
mod call;
mod calls;
mod cancel;
mod contacts;
mod dm;
mod end;
mod escalate;
mod files;
mod inbox;
mod invite;
mod list;
mod owner;
mod pending;
mod purge;
mod questions;
mod read;
mod send;
mod sendfile;
mod show;
mod status;
mod stop;
mod transcript;
mod verify;
mod watch;
mod which;

use std::future::Future;
use std::time::Duration;

use p2p_core::engine::{Limited, Refusal};
use p2p_core::wire::Reason;
use p2p_ipc::method as m;
use p2p_ipc::{ErrorCode, Method, RpcError};
use serde_json::Value;

use crate::service::Service;
use p2p_store::StoreError;

/// Whose cursor counts where no reader is named: the agent's own.
pub(crate) const AGENT: &str = "agent";

/// What can still be asked of a daemon that yielded to another one: what is kept here.
const KEPT_HERE: [&str; 18] = [
    m::Status::NAME,
    m::Inbox::NAME,
    m::Wait::NAME,
    m::Watch::NAME,
    m::Confirm::NAME,
    m::Read::NAME,
    m::PendingParams::NAME,
    m::Questions::NAME,
    m::FollowQuestion::NAME,
    m::OwnerShow::NAME,
    m::Calls::NAME,
    m::Transcript::NAME,
    m::Verify::NAME,
    m::Files::NAME,
    m::FetchFile::NAME,
    m::Contacts::NAME,
    m::FollowMessage::NAME,
    m::Stop::NAME,
];

/// Does what a request asks for.
pub(crate) async fn dispatch(
    service: &Service,
    method: &str,
    params: Value,
) -> Result<Value, RpcError> {
    if service.host.twin().borrow().is_some() && !KEPT_HERE.contains(&method) {
        return Err(refused(&Refusal::Yielded));
    }
    match method {
        m::Status::NAME => run(service, params, status::run).await,
        m::List::NAME => run(service, params, list::run).await,
        m::PlaceCall::NAME => run(service, params, call::place).await,
        m::FollowCall::NAME => run(service, params, call::follow).await,
        m::Answer::NAME => run(service, params, answer::run).await,
        m::Send::NAME => run(service, params, send::run).await,
        m::FollowMessage::NAME => run(service, params, send::follow).await,
        m::Dm::NAME => run(service, params, dm::run).await,
        m::Cancel::NAME => run(service, params, cancel::run).await,
        m::SendFile::NAME => run(service, params, sendfile::run).await,
        m::Files::NAME => run(service, params, files::list).await,
        m::FetchFile::NAME => run(service, params, files::fetch).await,
        m::Inbox::NAME => run(service, params, inbox::run).await,
        m::Wait::NAME => run(service, params, inbox::wait).await,
        m::Watch::NAME => run(service, params, watch::run).await,
        m::Confirm::NAME => run(service, params, inbox::confirm).await,
        m::Read::NAME => run(service, params, read::run).await,
        m::PendingParams::NAME => run(service, params, pending::run).await,
        m::Escalate::NAME => run(service, params, escalate::run).await,
        m::Questions::NAME => run(service, params, questions::run).await,
        m::FollowQuestion::NAME => run(service, params, questions::follow).await,
        m::OwnerShow::NAME => run(service, params, owner::show).await,
        m::OwnerPair::NAME => run(service, params, owner::pair).await,
        m::OwnerOrder::NAME => run(service, params, owner::order).await,
        m::SetPassphrase::NAME => run(service, params, owner::passphrase).await,
        m::End::NAME => run(service, params, end::run).await,
        m::Calls::NAME => run(service, params, calls::run).await,
        m::Transcript::NAME => run(service, params, transcript::run).await,
        m::Verify::NAME => run(service, params, verify::run).await,
        m::Purge::NAME => run(service, params, purge::run).await,
        m::Contacts::NAME => run(service, params, contacts::list).await,
        m::EditContact::NAME => run(service, params, contacts::edit).await,
        m::MakeInvite::NAME => run(service, params, invite::make).await,
        m::Invites::NAME => run(service, params, invite::list).await,
        m::RevokeInvite::NAME => run(service, params, invite::revoke).await,
        m::Stop::NAME => run(service, params, stop::run).await,
        other => {
            let message =
                format!("no method is called {other:?}; there are {}", m::NAMES.join(", "));
            Err(RpcError::new(ErrorCode::UnknownMethod, message).hint("p2p --help"))
        }
    }
}

async fn run<'a, M, F>(
    service: &'a Service,
    params: Value,
    verb: impl FnOnce(&'a Service, M) -> F,
) -> Result<Value, RpcError>
where
    M: Method,
    F: Future<Output = Result<M::Result, RpcError>>,
{
    // A method without parameters may be called without the field.
    let params = if params.is_null() { Value::Object(serde_json::Map::new()) } else { params };
    let params: M = serde_json::from_value(params).map_err(|e| bad_params(M::NAME, &e))?;
    verb(service, params).await.and_then(to_value)
}

/// The parameters do not fit the method.
pub(crate) fn bad_params(method: &str, error: &serde_json::Error) -> RpcError {
    RpcError::new(ErrorCode::Usage, format!("the parameters of {method} do not fit: {error}"))
}

/// A result as JSON.
pub(crate) fn to_value(result: impl serde::Serialize) -> Result<Value, RpcError> {
    serde_json::to_value(result).map_err(|e| RpcError::new(ErrorCode::Internal, e.to_string()))
}

/// The store could not be read.
fn stored(error: StoreError) -> RpcError {
    tracing::error!(%error, "the store could not be read");
    RpcError::new(ErrorCode::Internal, format!("the store could not be read: {error}"))
        .hint("p2p daemon logs")
}

/// What the engine refused, in the words of the socket protocol.
pub(crate) fn refused(refusal: &Refusal) -> RpcError {
    use ErrorCode as C;
    let mut message = refusal.to_string();
    let (code, hint) = match refusal {
        Refusal::NoCall => (C::NoCall, Some("p2p calls")),
        Refusal::NotRinging => (C::CallState, Some("p2p status")),
        Refusal::Over(Reason::Declined) => (C::Declined, Some("p2p calls")),
        Refusal::Over(Reason::Busy) => (C::Busy, Some("p2p calls")),
        Refusal::Over(Reason::NoAnswer) => (C::NoAnswer, Some("p2p calls")),
        Refusal::Over(Reason::Unreachable) => (C::Unreachable, Some("p2p calls")),
        Refusal::Over(_) => (C::CallEnded, Some("p2p call <agent> \"<topic>\"")),
        Refusal::NotAnswered => (C::CallState, Some("p2p answer accept or p2p wait")),
        Refusal::PlainPeer => (C::PlainPeer, Some("p2p dm <agent> \"<text>\"")),
        Refusal::Blocked => (C::Policy, Some("p2p contacts allow <agent>")),
        Refusal::Yielded => (C::Twin, Some("p2p status")),
        Refusal::OwnerOnly => {
            message += ": by direct message, or at a terminal with p2p owner";
            (C::OwnerOnly, Some("p2p owner --help"))
        }
        Refusal::WrongCode => (C::WrongProof, Some("p2p owner show")),
        Refusal::TakenOver => (C::TakenOver, Some("p2p wait")),
        Refusal::NoOption(_) => (C::Usage, Some("p2p questions")),
        Refusal::NoQuestion => (C::NoSuch, Some("p2p questions")),
        Refusal::Answered => (C::CallState, Some("p2p questions")),
        Refusal::NotOver => (C::Policy, Some("p2p calls")),
        Refusal::Own | Refusal::Empty => (C::Usage, None),
        Refusal::TooLate => (C::TooLate, Some("p2p status")),
        Refusal::TooMany(_) => {
            message += "; is there something new to say?";
            (C::RateLimited, Some("p2p wait"))
        }
        Refusal::TooLong { what: Limited::Message, .. } => {
            (C::TooLarge, Some("p2p sendfile <path>"))
        }
        Refusal::TooLong { .. } => (C::TooLarge, None),
        Refusal::NameTaken(key) => {
            message += &format!(", {}", key.npub());
            (C::Usage, Some("p2p contacts"))
        }
        Refusal::InviteLimits => (C::Usage, Some("p2p invite --uses 5 --hours 168")),
        Refusal::NoInvite => (C::Usage, Some("p2p invite list")),
        Refusal::BadName => (C::Usage, Some("p2p contacts add <npub> <name>")),
    };
    let error = RpcError::new(code, message);
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// A wait that a request asked for, within the cap.
fn wait(ms: u64) -> Duration {
    Duration::from_millis(ms.min(m::MAX_WAIT_MS))
}

/// Looks again at each change until `look` has an answer, or until the time is up.
async fn until<T>(
    service: &Service,
    wait: Duration,
    look: impl Fn() -> Result<Option<T>, RpcError>,
) -> Result<Option<T>, RpcError> {
    let mut changes = service.host.changes();
    let deadline = tokio::time::Instant::now() + wait;
    loop {
        changes.borrow_and_update();
        if let Some(answer) = look()? {
            return Ok(Some(answer));
        }
        match tokio::time::timeout_at(deadline, changes.changed()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(RpcError::new(ErrorCode::NoDaemon, "the daemon is stopping")),
            Err(_) => return Ok(None),
        }
    }
}

/// Waits a little for the first relay where the service has just started, and no longer than the
/// request may take.
async fn some_relay(service: &Service, at_most: Duration) -> Result<(), RpcError> {
    const PATIENCE: Duration = Duration::from_secs(8);
    const LOOK: Duration = Duration::from_millis(20);
    let deadline = tokio::time::Instant::now() + PATIENCE.min(at_most);
    while service.relays.connected() == 0 {
        if tokio::time::Instant::now() >= deadline {
            let causes: Vec<String> = service
                .relays
                .status()
                .into_iter()
                .map(|relay| {
                    format!("{}: {}", relay.url, relay.cause.as_deref().unwrap_or(relay.state))
                })
                .collect();
            let message = match causes.as_slice() {
                [] => "no relay is configured".into(),
                causes => format!("no relay is connected ({})", causes.join("; ")),
            };
            return Err(RpcError::new(ErrorCode::NoRelay, message).hint("p2p status --probe"));
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

//! `p2p` and `p2p status`: what is going on.

use std::time::Duration;

use p2p_ipc::method::{StatusParams, StatusResult};
use p2p_ipc::{RpcError, view};

use p2p_store::QuestionRow;

use super::handler::{Effect, Handler};
use super::pending;
use super::presenter::Presenter;
use crate::context::Context;
use crate::errors::unreadable;
use crate::readers::AGENT;

const PROBE: Duration = Duration::from_secs(5);

impl Handler for StatusParams {
    const EFFECT: Effect = Effect::Reads;

    async fn handle(self, context: &Context) -> Result<StatusResult, RpcError> {
        context.catch_up().await;
        if self.probe {
            context.relays.probe(PROBE).await;
        }
        let relays = context.relays.status().into_iter().map(relay).collect();
        let reader = self.reader.as_deref();
        let store = context.reader();
        let presenter = Presenter::new(context, &store, reader);
        // First, so that nothing that comes meanwhile is missing in both.
        let seq = store.max_event_seq().map_err(unreadable)?;
        let name = reader.unwrap_or(AGENT);
        let open = store.open_calls(name).map_err(unreadable)?;
        let unread = store.calls_with_unread(name).map_err(unreadable)?;
        let ended = unread.into_iter().filter(|row| !row.call.is_open());
        let calls: Result<_, _> =
            open.iter().cloned().chain(ended).map(|row| presenter.call(&row)).collect();
        let questions = store.open_questions().map_err(unreadable)?;
        let unread_dms = store.unread_dms(name).map_err(unreadable)?;
        let owners = store.owners().map_err(unreadable)?;
        let dm = (!owners.is_empty()).then(|| by_dm(&questions));
        Ok(StatusResult {
            identity: identity(context),
            daemon: daemon(context),
            relays,
            clock_ahead_s: Some((context.relays.clock_ahead() + 500).div_euclid(1000))
                .filter(|s| *s != 0),
            calls: calls?,
            questions: questions
                .iter()
                .map(|row| presenter.question(row))
                .collect::<Result<_, _>>()?,
            unread_dms: unread_dms.iter().map(|(_, count)| count).sum(),
            pending: pending::count(&store, name)?,
            seq,
            notifiers: dm.into_iter().chain(context.notifiers.view()).collect(),
            duplicate_since_ms: context.engine.yielded().borrow().map(|since| since.0),
            owners: owners.iter().map(|owner| owner.key.npub()).collect(),
        })
    }
}

/// The owner's direct messages, beside the channels of the configuration.
fn by_dm(questions: &[QuestionRow]) -> view::NotifierView {
    let waits = |row: &&QuestionRow| row.telling.iter().any(|name| name == "dm");
    let undelivered = u32::try_from(questions.iter().filter(waits).count()).unwrap_or(u32::MAX);
    let (name, state) = ("dm".into(), "ok".into());
    view::NotifierView { name, state, undelivered, cause: None, since_ms: None }
}

fn relay(status: p2p_relays::RelayStatus) -> view::RelayView {
    view::RelayView {
        url: status.url,
        roles: status.roles.names().into_iter().map(String::from).collect(),
        connected: status.connected,
        state: status.state.as_str().into(),
        cause: status.cause,
        since_ms: status.since.0,
        listening: status.listening,
        rtt_ms: status.rtt_ms,
        refusal: status.refusal,
        refusing_since_ms: status.refusing_since.map(|since| since.0),
        writes_per_minute: status.pace,
        next_attempt_ms: status.next_attempt.map(|at| at.0),
        dropped: status
            .drops
            .into_iter()
            .map(|(reason, count)| (reason.as_str().to_owned(), count))
            .collect(),
        requirements: status.limits.requirements().into_iter().map(String::from).collect(),
    }
}

fn identity(context: &Context) -> view::IdentityView {
    view::IdentityView {
        name: context.name.clone(),
        npub: context.me.npub(),
        hex: context.me.to_string(),
        about: context.config.about.clone(),
        capabilities: context.config.capabilities.clone(),
        path: context.place.identity.display().to_string(),
        presence: context.config.presence.as_str().into(),
        created: context.is_new,
    }
}

fn daemon(context: &Context) -> view::DaemonView {
    let place = &context.place;
    view::DaemonView {
        version: env!("CARGO_PKG_VERSION").into(),
        pid: std::process::id(),
        started_ms: context.started.0,
        start_mode: context.started_by.into(),
        instance: context.instance.to_string(),
        paths: view::PathsView {
            config: place.config.display().to_string(),
            store: place.store.display().to_string(),
            downloads: place.downloads.display().to_string(),
            log: place.log.display().to_string(),
            socket: place.socket.display().to_string(),
        },
    }
}

//! `p2p list`: asks the relays which agents are online.

use std::time::Instant;

use p2p_core::Time;
use p2p_core::engine::Input;
use p2p_core::presence::Sighting;
use p2p_ipc::method::{ListParams, ListResult};
use p2p_ipc::view::{AgentView, RelayAnswerView};
use p2p_ipc::{ErrorCode, RpcError};

use super::handler::{Effect, Handler};
use super::presenter::Presenter;
use super::waiting::{capped, until_connected};
use crate::context::Context;

/// Most announcements to ask a relay for: a hundred cost 70 KB.
const ASK: usize = 200;
/// Names of listed agents that are kept.
const REMEMBERED: usize = 10_000;

impl Handler for ListParams {
    const EFFECT: Effect = Effect::AsksRelays;

    async fn handle(self, context: &Context) -> Result<ListResult, RpcError> {
        let (since, patience) = (Instant::now(), capped(self.wait_ms));
        until_connected(context, patience).await?;
        let capability = self.capability.as_deref().map(str::to_lowercase);
        let left = patience.saturating_sub(since.elapsed());
        let found = context.relays.find_agents(capability.as_deref(), ASK, left).await;
        let relays = answers(found.answers)?;
        let online = online(context, found.sightings, capability.as_deref());
        for sighting in &online {
            let name = Some(sighting.presence.name.clone().into());
            context.engine.input(Input::PeerSeen { peer: sighting.key, name }).await;
        }
        remember(context, &online);
        let shown = online.len().min(self.limit.max(1) as usize);
        let remaining = u32::try_from(online.len() - shown).unwrap_or(u32::MAX);
        let store = context.reader();
        let presenter = Presenter::new(context, &store, None);
        let now = context.relays.now();
        let online = online.into_iter().take(shown);
        let agents = online.map(|sighting| agent(&presenter, sighting, now));
        Ok(ListResult { agents: agents.collect::<Result<_, _>>()?, remaining, relays })
    }
}

/// Returns what each relay answered.
///
/// # Errors
/// `no_relay` when none of them did.
fn answers(answers: Vec<(String, Result<(), String>)>) -> Result<Vec<RelayAnswerView>, RpcError> {
    let relays: Vec<RelayAnswerView> = answers
        .into_iter()
        .map(|(url, answer)| RelayAnswerView { url, answered: answer.is_ok(), cause: answer.err() })
        .collect();
    if relays.iter().any(|relay| relay.answered) {
        return Ok(relays);
    }
    let causes: Vec<String> = relays
        .iter()
        .map(|relay| format!("{}: {}", relay.url, relay.cause.as_deref().unwrap_or("no answer")))
        .collect();
    let message = format!("no relay said who is online ({})", causes.join("; "));
    Err(RpcError::new(ErrorCode::NoRelay, message).hint("p2p status --probe"))
}

/// Returns the other agents that are online, the latest announcement first.
fn online(
    context: &Context,
    mut sightings: Vec<Sighting>,
    capability: Option<&str>,
) -> Vec<Sighting> {
    // Announcements are dated by the clock that others have.
    let now = context.relays.now();
    sightings.retain(|sighting| {
        let can = |wanted| sighting.presence.capabilities.iter().any(|can| can == wanted);
        sighting.key != context.me && sighting.is_fresh(now) && capability.is_none_or(can)
    });
    sightings.sort_by_key(|sighting| std::cmp::Reverse((sighting.created_at, sighting.key)));
    sightings
}

/// Keeps the names of agents, so that the beginning of a key can name one of them.
fn remember(context: &Context, online: &[Sighting]) {
    let mut listed = context.listed();
    // A long run sees many agents; only those that `list` showed lately matter.
    if listed.len() > REMEMBERED {
        listed.clear();
    }
    listed.extend(online.iter().map(|s| (s.key, s.presence.name.clone())));
}

fn agent(presenter: &Presenter<'_>, sighting: Sighting, now: Time) -> Result<AgentView, RpcError> {
    let mut peer = presenter.peer(sighting.key)?;
    peer.claimed = Some(sighting.presence.name).filter(|name| !name.is_empty());
    Ok(AgentView {
        peer,
        about: sighting.presence.about,
        capabilities: sighting.presence.capabilities,
        availability: sighting.presence.availability.as_str().into(),
        attended: sighting.presence.attended,
        age_s: now.secs().saturating_sub(sighting.created_at),
        untrusted: true,
    })
}

//! `p2p list`: asks the relays who is online, now.

use std::time::Instant;

use p2p_core::engine::Input;
use p2p_core::presence::Sighting;
use p2p_ipc::method::{List, ListResult};
use p2p_ipc::view::{Agent, RelayAnswer};
use p2p_ipc::{ErrorCode, RpcError};

use super::show::Show;
use super::{some_relay, wait};
use crate::service::Service;

/// Most announcements asked of a relay: a hundred cost 70 KB.
const ASK: usize = 200;

pub(super) async fn run(service: &Service, params: List) -> Result<ListResult, RpcError> {
    let (since, patience) = (Instant::now(), wait(params.wait_ms));
    some_relay(service, patience).await?;
    let capability = params.can.as_deref().map(str::to_lowercase);
    let left = patience.saturating_sub(since.elapsed());
    let found = service.relays.find_agents(capability.as_deref(), ASK, left).await;
    let relays: Vec<RelayAnswer> = found
        .answers
        .into_iter()
        .map(|(url, answer)| RelayAnswer { url, answered: answer.is_ok(), cause: answer.err() })
        .collect();
    if !relays.iter().any(|relay| relay.answered) {
        let causes: Vec<String> = relays
            .iter()
            .map(|r| format!("{}: {}", r.url, r.cause.as_deref().unwrap_or("no answer")))
            .collect();
        let message = format!("no relay said who is online ({})", causes.join("; "));
        return Err(RpcError::new(ErrorCode::NoRelay, message).hint("p2p status --probe"));
    }
    // Announcements are dated by the clock that others have.
    let now = service.relays.now();
    let mut online: Vec<Sighting> = found
        .sightings
        .into_iter()
        .filter(|sighting| sighting.key != service.me && sighting.is_fresh(now))
        .filter(|sighting| {
            capability.as_ref().is_none_or(|can| sighting.presence.capabilities.contains(can))
        })
        .collect();
    online.sort_by_key(|sighting| std::cmp::Reverse((sighting.created_at, sighting.key)));
    for sighting in &online {
        let name = Some(sighting.presence.name.clone());
        service
            .host
            .input(Input::PeerSeen { peer: sighting.key, name: name.map(Into::into) })
            .await;
    }
    let shown = online.len().min(params.limit.max(1) as usize);
    let more = u32::try_from(online.len() - shown).unwrap_or(u32::MAX);
    {
        let mut listed = service.listed();
        // A long run sees many; what `list` showed lately is what a prefix may name.
        if listed.len() > 10_000 {
            listed.clear();
        }
        listed.extend(online.iter().map(|s| (s.key, s.presence.name.clone())));
    }
    let store = service.reader();
    let show = Show::new(service, &store, None);
    let agents: Result<_, _> = online
        .into_iter()
        .take(shown)
        .map(|sighting| {
            let mut peer = show.peer(sighting.key)?;
            peer.claimed = Some(sighting.presence.name).filter(|name| !name.is_empty());
            Ok(Agent {
                peer,
                about: sighting.presence.about,
                capabilities: sighting.presence.capabilities,
                availability: sighting.presence.availability.as_str().into(),
                attended: sighting.presence.attended,
                age_s: now.secs().saturating_sub(sighting.created_at),
                untrusted: true,
            })
        })
        .collect();
    Ok(ListResult { agents: agents?, more, relays })
}

//! Announces the agent: at start, every two minutes, on change, and again to a relay that came
//! back. Cleared when the service stops.

use std::sync::Arc;
use std::time::Duration;

use p2p_core::Time;
use p2p_core::presence::{ATTENDED, Announcer, Availability, Presence};
use tokio::sync::{mpsc, watch};

use crate::service::Service;
use p2p_config::PresenceMode;

/// How often it is looked whether something changed that nothing tells of: the agent went idle.
const LOOK: Duration = Duration::from_secs(10);

/// Runs until `stop` says so, and clears the presence then. A message on `reconnected` means that
/// a relay came up that may not have heard of us.
pub(crate) async fn keep(
    service: Arc<Service>,
    mut reconnected: mpsc::Receiver<()>,
    mut stop: watch::Receiver<bool>,
) {
    if service.config.presence == PresenceMode::Off {
        return;
    }
    let mut announcer = Announcer::default();
    let mut changes = service.host.changes();
    let mut twin = service.host.twin();
    loop {
        let now = crate::now();
        let presence = current(&service, now);
        if service.relays.connected() > 0 && announcer.is_due(now, &presence) {
            service.relays.announce(&presence).await;
            announcer.announced(now, presence);
        }
        // Overdue means that no relay is connected: one that comes back wakes us.
        let ahead = announcer.next_timeout().filter(|at| *at > now);
        let due = ahead.map_or(LOOK, |at| at.since(now));
        tokio::select! {
            () = tokio::time::sleep(due.min(LOOK)) => {}
            _ = changes.changed() => {}
            back = reconnected.recv() => {
                if back.is_none() {
                    return;
                }
                announcer = Announcer::default();
            }
            // The presence is the other daemon's now: it is not ours to clear.
            _ = twin.changed() => return,
            _ = stop.changed() => {
                service.relays.clear_presence().await;
                return;
            }
        }
    }
}

fn current(service: &Service, now: Time) -> Presence {
    let full = service.calls_in_use() >= service.config.max_calls;
    Presence {
        name: service.name.clone(),
        about: service.config.about.clone(),
        capabilities: service.config.capabilities.clone(),
        availability: if full { Availability::Away } else { Availability::Available },
        attended: now.since(service.last_acted()) <= ATTENDED,
        instance: Some(service.instance),
    }
}

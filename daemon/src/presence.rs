//! Presence: announced at the start, every two minutes, on change, and again to a relay that came
//! back; cleared when the service stops.

use std::sync::Arc;
use std::time::Duration;

use p2p_core::Time;
use p2p_core::presence::{ATTENDED, Announcer, Availability, Presence};
use tokio::sync::{mpsc, watch};

use crate::context::Context;
use p2p_config::PresenceMode;

/// Interval of looking for changes that no event reports, as when the agent goes idle.
const LOOK: Duration = Duration::from_secs(10);

/// Announces the agent until `stop`, then clears the presence. A message on `reconnected` says that
/// a relay came up which may not have our presence.
pub(crate) async fn announce(
    context: Arc<Context>,
    mut reconnected: mpsc::Receiver<()>,
    mut stop: watch::Receiver<bool>,
) {
    if context.config.presence == PresenceMode::Off {
        return;
    }
    let mut announcer = Announcer::default();
    let mut changes = context.engine.changes();
    let mut yielded = context.engine.yielded();
    loop {
        let now = crate::now();
        let presence = current(&context, now);
        if context.relays.connected() > 0 && announcer.is_due(now, &presence) {
            context.relays.announce(&presence).await;
            announcer.announced(now, presence);
        }
        // An overdue announcement waits for a relay, whose connection wakes this loop.
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
            // The presence now belongs to the other daemon.
            _ = yielded.changed() => return,
            _ = stop.changed() => {
                context.relays.clear_presence().await;
                return;
            }
        }
    }
}

fn current(context: &Context, now: Time) -> Presence {
    let full = context.calls_in_use() >= context.config.max_calls;
    Presence {
        name: context.name.clone(),
        about: context.config.about.clone(),
        capabilities: context.config.capabilities.clone(),
        availability: if full { Availability::Away } else { Availability::Available },
        attended: now.since(context.last_active()) <= ATTENDED,
        instance: Some(context.instance),
    }
}

//! From an event of a relay to a message for the engine.
//!
//! One task serves all relays, so that neither decryption nor a slow engine delays a connection.

use std::sync::Arc;

use nostr::Event;
use p2p_core::Verified;
use tokio::sync::mpsc;

use crate::context::Context;
use crate::drops::DropReason;
use crate::event::RelayEvent;
use crate::inbox::intake::Arrival;
use crate::nip59;

/// Checks and opens what arrives, until nobody receives the reports any more.
pub(crate) async fn run(
    mut arrivals: mpsc::UnboundedReceiver<Arrival>,
    context: Arc<Context>,
    events: mpsc::Sender<RelayEvent>,
) {
    while let Some(arrival) = arrivals.recv().await {
        let reports: Vec<RelayEvent> = match arrival {
            Arrival::Event { event, relay, _share } => check(&event, &relay, &context)
                .map(|message| RelayEvent::Message { message, relay: relay.to_string() })
                .into_iter()
                .collect(),
            Arrival::Stored { events, relay, _share } => {
                let checked = events.iter().filter_map(|event| check(event, &relay, &context));
                let mut messages: Vec<Verified> = checked.collect();
                // Wraps come in random order. Their messages are reported in the order of writing,
                // as far as the writer's clock tells.
                messages.sort_by_key(|message| message.rumor().created_at);
                let report = |message| RelayEvent::Message { message, relay: relay.to_string() };
                messages.into_iter().map(report).collect()
            }
            Arrival::Live(relay) => vec![RelayEvent::Connected { relay: relay.to_string() }],
            Arrival::CaughtUp { relay, at, epoch } => {
                vec![RelayEvent::CaughtUp { relay: relay.to_string(), at, epoch }]
            }
        };
        for report in reports {
            if events.send(report).await.is_err() {
                return;
            }
        }
    }
}

/// Verifies and opens one event, unless another relay's copy came first.
fn check(event: &Event, relay: &str, context: &Context) -> Option<Verified> {
    let Context { seen, drops, .. } = context;
    if seen.has(&event.id) {
        let reason = DropReason::AlreadySeen;
        drops.note(relay, reason, reason.as_str());
        return None;
    }
    let verified = nip59::verify(event).and_then(|()| {
        seen.note(event.id);
        nip59::open(event, &context.identity.keys, context.now())
    });
    verified.inspect_err(|why| drops.note(relay, why.reason(), &why.to_string())).ok()
}

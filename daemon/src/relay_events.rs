//! The events of the relays, handed to the engine in order.

use std::sync::Arc;

use p2p_core::engine::Input;
use p2p_relays::RelayEvent;
use p2p_store::Receipt;
use tokio::sync::mpsc;

use crate::context::Context;

/// Hands each event of the relays to the engine. A message on `reconnected` says that a relay
/// came up which may not have our presence.
pub(crate) async fn forward(
    context: Arc<Context>,
    mut events: mpsc::Receiver<RelayEvent>,
    reconnected: mpsc::Sender<()>,
) {
    while let Some(event) = events.recv().await {
        let input = match event {
            RelayEvent::Message { message, .. } => Input::Received(message),
            RelayEvent::Report { rumor, accepted, refused, waiting, .. } => {
                let relays = count(accepted.len() + refused.len() + waiting);
                let accepted = accepted.into_iter().map(|relay| Receipt { relay, cause: None });
                let refused =
                    refused.into_iter().map(|(relay, cause)| Receipt { relay, cause: Some(cause) });
                context.engine.report(rumor, accepted.chain(refused).collect(), relays).await;
                continue;
            }
            RelayEvent::Undeliverable { rumor, cause, .. } => {
                Input::Undeliverable { rumor, why: cause }
            }
            RelayEvent::Woke => {
                let _ = reconnected.try_send(());
                Input::Tick
            }
            RelayEvent::Clock { ahead } => Input::Clock { ahead },
            RelayEvent::NoRoute { rumor, to } => {
                let cause = Receipt::no_relay("no relay of the receiver is known");
                context.engine.report(rumor, vec![cause], 0).await;
                Input::NoRoute { peer: to }
            }
            RelayEvent::Connected { .. } => {
                // A full queue means that an announcement is due anyway.
                let _ = reconnected.try_send(());
                Input::RelayBack
            }
            RelayEvent::CaughtUp { relay, at, epoch } => {
                context.engine.caught_up(relay, at, epoch).await;
                if !*context.caught_up.borrow() {
                    context.engine.settle().await;
                    context.caught_up.send_replace(true);
                }
                continue;
            }
        };
        context.engine.input(input).await;
    }
}

fn count(relays: usize) -> u32 {
    u32::try_from(relays).unwrap_or(u32::MAX)
}

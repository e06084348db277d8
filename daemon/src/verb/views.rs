//! Pure conversions from the core's types to the socket's.

use p2p_core::Time;
use p2p_core::call::{RING_GRACE, State};
use p2p_core::record::{Delivery, EventKind, Via};
use p2p_core::wire::Reason;
use p2p_ipc::view;
use p2p_store::MessageRow;

/// Returns the way on which an owner's answer came.
pub(super) fn answer_via(via: Via) -> &'static str {
    match via {
        Via::Dm(_) => "dm",
        Via::Terminal => "terminal",
    }
}

/// Returns the delivery of an outgoing message.
pub(super) fn delivery(row: &MessageRow) -> view::DeliveryView {
    let state = match row.message.delivery {
        Delivery::Cancelled => view::DeliveryState::Cancelled,
        Delivery::Undelivered => view::DeliveryState::Undelivered,
        Delivery::Delivered if row.read => view::DeliveryState::Read,
        Delivery::Delivered => view::DeliveryState::Delivered,
        Delivery::Sent => view::DeliveryState::Sent,
        Delivery::Queued => view::DeliveryState::Queued,
    };
    let (relays_ok, relays) = row.relays;
    view::DeliveryView { state, relays_ok, relays, receipts: Vec::new(), diagnosis: None }
}

pub(super) fn item_kind(kind: EventKind) -> view::ItemKind {
    match kind {
        EventKind::Ring => view::ItemKind::Ring,
        EventKind::Knock => view::ItemKind::Knock,
        EventKind::Answered => view::ItemKind::Answered,
        EventKind::Message => view::ItemKind::Message,
        EventKind::File => view::ItemKind::File,
        EventKind::Reply => view::ItemKind::Reply,
        EventKind::End => view::ItemKind::End,
        EventKind::Missed => view::ItemKind::Missed,
        EventKind::Undelivered => view::ItemKind::Undelivered,
        EventKind::Notice => view::ItemKind::Notice,
    }
}

/// Returns the kind of log entry for a kind of item.
pub(super) fn event_kind(kind: view::ItemKind) -> EventKind {
    match kind {
        view::ItemKind::Ring => EventKind::Ring,
        view::ItemKind::Knock => EventKind::Knock,
        view::ItemKind::Answered => EventKind::Answered,
        view::ItemKind::Message => EventKind::Message,
        view::ItemKind::File => EventKind::File,
        view::ItemKind::Reply => EventKind::Reply,
        view::ItemKind::End => EventKind::End,
        view::ItemKind::Missed => EventKind::Missed,
        view::ItemKind::Undelivered => EventKind::Undelivered,
        view::ItemKind::Notice => EventKind::Notice,
    }
}

pub(super) fn call_state(state: &State) -> view::CallState {
    match state {
        State::Dialing(_) => view::CallState::Dialing,
        State::Ringing(_) => view::CallState::Ringing,
        State::Incoming(incoming) if incoming.knock => view::CallState::Knocking,
        State::Incoming(_) => view::CallState::Incoming,
        State::Connecting(_) => view::CallState::Connecting,
        State::Active => view::CallState::Active,
        State::Ended(_) => view::CallState::Ended,
    }
}

pub(super) fn call_expiry(state: &State) -> Option<Time> {
    match state {
        State::Dialing(state) => Some(state.expires),
        State::Ringing(state) => Some(state.expires),
        // The grace lets the caller's final `end` arrive; the ring itself is over before it.
        State::Incoming(state) => {
            Some(Time(state.expires.0.saturating_sub(RING_GRACE.as_millis() as u64)))
        }
        State::Connecting(state) => Some(state.expires),
        State::Active | State::Ended(_) => None,
    }
}

pub(super) fn end_reason(reason: Reason) -> view::EndReason {
    match reason {
        Reason::Completed => view::EndReason::Completed,
        Reason::Declined => view::EndReason::Declined,
        Reason::Busy => view::EndReason::Busy,
        Reason::NoAnswer => view::EndReason::NoAnswer,
        Reason::Unreachable => view::EndReason::Unreachable,
        Reason::Cancelled => view::EndReason::Cancelled,
        Reason::PeerLost => view::EndReason::PeerLost,
        Reason::Merged => view::EndReason::Merged,
        Reason::Blocked => view::EndReason::Blocked,
        Reason::Failed => view::EndReason::Failed,
    }
}

//! Sample notifications.

use super::super::notification::Notification;
use p2p_config::HookEvent;

pub(in crate::notifiers) fn ring() -> Notification {
    Notification {
        v: 1,
        id: "e4".into(),
        agent: "npub1me".into(),
        event: HookEvent::Ring,
        call: Some("c7".into()),
        handle: None,
        peer: Some("npub1peer".into()),
        question: None,
        options: Vec::new(),
        next: "p2p answer accept --call c7".into(),
    }
}

pub(in crate::notifiers) fn question() -> Notification {
    Notification {
        id: "q2".into(),
        event: HookEvent::Escalate,
        handle: Some("q2".into()),
        question: Some("a < b?".into()),
        options: vec!["yes".into(), "no".into()],
        next: "p2p questions".into(),
        ..ring()
    }
}

//! The OpenClaw sink: wakes the gateway's agent through the gateway's hooks, with a text made of
//! counts and handles alone.

use std::time::Duration;

use p2p_core::call::State;
use serde_json::json;

use super::http::Post;
use super::outcome::Outcome;
use crate::readers::AGENT;
use p2p_config::Openclaw;
use p2p_store::{Reader, StoreError};

/// A gateway may take fifteen seconds to admit a turn, and a wake that came late would come again.
const LIMIT: Duration = Duration::from_secs(20);
/// Most calls that the text names.
const NAMED: usize = 3;

/// Wakes the agent once.
pub(super) async fn wake(gateway: &Openclaw, text: String) -> Outcome {
    let base = gateway.url.trim_end_matches('/');
    // The gateway must not deliver the agent's answer to a human.
    let (url, body) = if gateway.agent {
        let body = json!({"message": text, "name": "p2p", "wakeMode": "now", "deliver": false});
        (format!("{base}/hooks/agent"), body)
    } else {
        (format!("{base}/hooks/wake"), json!({"text": text, "mode": "now"}))
    };
    let headers = vec![("authorization", format!("Bearer {}", gateway.token.reveal()))];
    Post { url: &url, headers, body: body.to_string(), limit: LIMIT }.send().await
}

/// Returns the text of a wake, like `p2p: c7 rings; 2 unread. Run: p2p`.
pub(super) fn text(store: &Reader) -> Result<String, StoreError> {
    let calls = store.open_calls(AGENT)?;
    let rings = calls.iter().filter(|row| matches!(row.call.state, State::Incoming(_)));
    let rings: Vec<u32> = rings.map(|row| row.call.handle).collect();
    Ok(format_text(&rings, store.unread_count(AGENT, None)?))
}

fn format_text(rings: &[u32], unread: u32) -> String {
    let named: Vec<String> = rings.iter().take(NAMED).map(|call| format!("c{call}")).collect();
    let rings = match (rings.len(), rings.len().saturating_sub(NAMED)) {
        (0, _) => String::new(),
        (1, _) => format!("{} rings; ", named.join(", ")),
        (_, 0) => format!("{} ring; ", named.join(", ")),
        (_, more) => format!("{} and {more} more ring; ", named.join(", ")),
    };
    format!("p2p: {rings}{unread} unread. Run: p2p")
}

#[cfg(test)]
mod tests {
    use super::format_text;

    #[test]
    fn a_wake_names_ringing_calls_and_counts_unread_items() {
        assert_eq!(format_text(&[], 3), "p2p: 3 unread. Run: p2p");
        assert_eq!(format_text(&[7], 2), "p2p: c7 rings; 2 unread. Run: p2p");
        assert_eq!(format_text(&[7, 8], 2), "p2p: c7, c8 ring; 2 unread. Run: p2p");
        assert_eq!(
            format_text(&[1, 2, 3, 4, 5], 9),
            "p2p: c1, c2, c3 and 2 more ring; 9 unread. Run: p2p"
        );
    }
}

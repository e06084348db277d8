//! The OpenClaw gateway: wakes its agent through the gateway's hooks, by words that are made of
//! counts and handles alone.

use std::time::Duration;

use p2p_core::call::State;
use serde_json::json;

use super::Outcome;
use super::http::Post;
use crate::verb::AGENT;
use p2p_config::Openclaw;
use p2p_store::{Reader, StoreError};

/// A gateway may take fifteen seconds to admit a turn, and a wake that came late would come again.
const LIMIT: Duration = Duration::from_secs(20);
/// Calls that are named.
const NAMED: usize = 3;

pub(super) async fn wake(gateway: &Openclaw, text: String) -> Outcome {
    let base = gateway.url.trim_end_matches('/');
    // Whatever the agent makes of it, it is no message to be passed on to a human.
    let (url, body) = if gateway.agent {
        let body = json!({"message": text, "name": "p2p", "wakeMode": "now", "deliver": false});
        (format!("{base}/hooks/agent"), body)
    } else {
        (format!("{base}/hooks/wake"), json!({"text": text, "mode": "now"}))
    };
    let headers = vec![("authorization", format!("Bearer {}", gateway.token.reveal()))];
    Post { url: &url, headers, body: body.to_string(), limit: LIMIT }.send().await
}

/// `p2p: c7 rings; 2 unread. Run: p2p`.
pub(super) fn words(store: &Reader) -> Result<String, StoreError> {
    let calls = store.open_calls(AGENT)?;
    let rings = calls.iter().filter(|row| matches!(row.call.state, State::Incoming(_)));
    let rings: Vec<u32> = rings.map(|row| row.call.handle).collect();
    Ok(say(&rings, store.unread_count(AGENT, None)?))
}

fn say(rings: &[u32], unread: u32) -> String {
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
    use super::say;

    #[test]
    fn a_wake_says_what_rings_and_how_much_is_unread() {
        assert_eq!(say(&[], 3), "p2p: 3 unread. Run: p2p");
        assert_eq!(say(&[7], 2), "p2p: c7 rings; 2 unread. Run: p2p");
        assert_eq!(say(&[7, 8], 2), "p2p: c7, c8 ring; 2 unread. Run: p2p");
        assert_eq!(say(&[1, 2, 3, 4, 5], 9), "p2p: c1, c2, c3 and 2 more ring; 9 unread. Run: p2p");
    }
}

//! The webhook sink: the notification as JSON, signed together with the time, so that its receiver
//! can reject forged and replayed requests.

use hmac::{Hmac, Mac};
use p2p_core::Time;
use sha2::Sha256;

use super::http::{LIMIT, Post};
use super::outcome::Outcome;
use p2p_config::Webhook;

/// Posts a notification once.
pub(super) async fn post(webhook: &Webhook, body: String, now: Time) -> Outcome {
    let timestamp = (now.0 / 1000).to_string();
    let signature = format!("sha256={}", sign(webhook.secret.reveal(), &timestamp, &body));
    let headers = vec![("x-p2p-timestamp", timestamp), ("x-p2p-signature", signature)];
    Post { url: &webhook.url, headers, body, limit: LIMIT }.send().await
}

/// Returns the HMAC-SHA256 of `timestamp.body` in hex.
pub(super) fn sign(secret: &str, timestamp: &str, body: &str) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new(); // HMAC takes keys of any length.
    };
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body.as_bytes());
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_equals_the_one_that_openssl_computes() {
        // printf '1700000000.{"v":1}' | openssl dgst -sha256 -hmac topsecret
        assert_eq!(
            sign("topsecret", "1700000000", "{\"v\":1}"),
            "66fc7fd731a733755835c29089915c36387a2a0d8c8154dd65e6614229b42a87"
        );
    }
}

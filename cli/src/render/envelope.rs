//! The one line that `--json` puts on stdout, for results and errors alike.

use p2p_ipc::RpcError;
use p2p_ipc::view::PendingView;
use serde::Serialize;
use serde_json::Value;

/// The version of the envelope.
const VERSION: u32 = 2;

/// `{"v":2,"ok":…}`.
#[derive(Debug, Serialize)]
pub struct Envelope<'a> {
    v: u32,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a RpcError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Value>,
    pending: Option<&'a PendingView>,
}

impl<'a> Envelope<'a> {
    /// Creates the envelope of a result, with the counts of unread items.
    #[must_use]
    pub fn ok(result: Value, pending: Option<&'a PendingView>) -> Self {
        Self { v: VERSION, ok: true, error: None, result: Some(result), pending }
    }

    /// Creates the envelope of an error, with the result known so far.
    #[must_use]
    pub fn error(
        error: &'a RpcError,
        result: Option<Value>,
        pending: Option<&'a PendingView>,
    ) -> Self {
        Self { v: VERSION, ok: false, error: Some(error), result, pending }
    }

    /// Returns the line, with its newline.
    ///
    /// # Errors
    /// Fails if the result cannot be written as JSON.
    pub fn line(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string(self)? + "\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use p2p_ipc::ErrorCode;

    #[test]
    fn a_result_and_an_error_have_the_promised_shape() {
        let pending = PendingView { unread: 2, ..PendingView::default() };
        let line = Envelope::ok(serde_json::json!({"a": "x\ny"}), Some(&pending)).line().unwrap();
        assert_eq!(
            line,
            "{\"v\":2,\"ok\":true,\"result\":{\"a\":\"x\\ny\"},\"pending\":{\"ringing\":0,\"unread\":2,\"questions\":0,\"line\":null}}\n"
        );
        let error = RpcError::new(ErrorCode::CallAmbiguous, "which call?").hint("p2p calls");
        assert_eq!(
            Envelope::error(&error, None, None).line().unwrap(),
            "{\"v\":2,\"ok\":false,\"error\":{\"code\":\"call_ambiguous\",\"message\":\"which call?\",\"hint\":\"p2p calls\",\"retryable\":true},\"pending\":null}\n"
        );
    }
}

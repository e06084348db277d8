//! JSON-RPC 2.0 objects as single lines.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::RpcError;
use crate::method::Method;

/// A request line. Every request has an id; notifications are not used.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Request {
    /// Always `"2.0"`.
    pub jsonrpc: String,
    /// Chosen by the client, echoed in the response.
    pub id: u64,
    /// One of [`crate::method::NAMES`].
    pub method: String,
    /// The method's parameters.
    #[serde(default)]
    pub params: Value,
}

/// A response line: `result` or `error`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Response {
    /// Always `"2.0"`.
    pub jsonrpc: String,
    /// The request's id; null when the id could not be read.
    pub id: Option<u64>,
    /// The method's result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// The error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorObject>,
}

/// An error object: JSON-RPC's number and text, and ours under `data`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ErrorObject {
    /// JSON-RPC's number: −32700, −32600, −32601, −32602, or −32000 for all of ours.
    pub code: i64,
    /// The same sentence as in `data`.
    pub message: String,
    /// The error for front ends.
    pub data: RpcError,
}

impl Request {
    /// Returns a request line for a method, with its newline.
    ///
    /// # Errors
    /// Fails if the parameters cannot be written as JSON.
    pub fn line<M: Method>(id: u64, params: &M) -> Result<String, serde_json::Error> {
        let request = Request {
            jsonrpc: "2.0".into(),
            id,
            method: M::NAME.into(),
            params: serde_json::to_value(params)?,
        };
        Ok(serde_json::to_string(&request)? + "\n")
    }
}

impl Response {
    /// Creates a response that carries a result.
    #[must_use]
    pub fn ok(id: u64, result: Value) -> Self {
        Self { jsonrpc: "2.0".into(), id: Some(id), result: Some(result), error: None }
    }

    /// Creates a response that carries an error.
    #[must_use]
    pub fn error(id: Option<u64>, error: RpcError) -> Self {
        use crate::ErrorCode as C;
        let code = match error.code {
            C::BadRequest if id.is_none() => -32700,
            C::BadRequest => -32600,
            C::UnknownMethod => -32601,
            C::Usage => -32602,
            _ => -32000,
        };
        let error = ErrorObject { code, message: error.message.clone(), data: error };
        Self { jsonrpc: "2.0".into(), id, result: None, error: Some(error) }
    }

    /// Returns the line, with its newline.
    ///
    /// # Errors
    /// Fails if the value cannot be written as JSON.
    pub fn line(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string(self)? + "\n")
    }
}

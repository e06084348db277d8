//! The contract between the socket and a verb: its method, its decisions, and its work.

use std::future::Future;

use p2p_ipc::{ErrorCode, Method, RpcError};
use serde_json::Value;

use crate::context::Context;

/// Handles the requests of one method. Implemented by the method's parameters.
pub(crate) trait Handler: Method + Send + 'static {
    /// The effect of a request, which decides whether a daemon that yielded refuses it.
    const EFFECT: Effect;
    /// The party that waits for the answer, which decides what presence says of our agent.
    const ATTENTION: Attention = Attention::Any;

    /// Does what the request asks for.
    fn handle(
        self,
        context: &Context,
    ) -> impl Future<Output = Result<Self::Result, RpcError>> + Send;
}

/// The effect of a request. A daemon that yielded to another one with the same key answers only
/// requests that read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Changes something that peers, owners or relays see.
    Acts,
    /// Asks the relays, and changes nothing.
    AsksRelays,
    /// Needs only what is on this machine.
    Reads,
}

/// The party that waits for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attention {
    /// Our agent, which then counts as attending.
    Agent,
    /// Our agent, its owner or a program: the request says nothing of the agent.
    Any,
}

/// Reads the parameters of a method, handles them, and returns the result as JSON.
pub(crate) async fn run<H: Handler>(context: &Context, params: Value) -> Result<Value, RpcError> {
    // A method without parameters may be called without the field.
    let params = if params.is_null() { Value::Object(serde_json::Map::new()) } else { params };
    let params: H = serde_json::from_value(params).map_err(|e| bad_params(H::NAME, &e))?;
    params.handle(context).await.and_then(to_value)
}

/// Returns the error for parameters that do not fit the method.
pub(crate) fn bad_params(method: &str, error: &serde_json::Error) -> RpcError {
    RpcError::new(ErrorCode::Usage, format!("the parameters of {method} do not fit: {error}"))
}

/// Returns a result as JSON.
pub(crate) fn to_value(result: impl serde::Serialize) -> Result<Value, RpcError> {
    serde_json::to_value(result).map_err(|e| RpcError::new(ErrorCode::Internal, e.to_string()))
}

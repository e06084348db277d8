//! `p2p calls`: every call, the newest first.

use p2p_ipc::RpcError;
use p2p_ipc::method::{Calls, CallsResult};

use super::show::Show;
use super::{AGENT, stored};
use crate::service::Service;

pub(super) async fn run(service: &Service, params: Calls) -> Result<CallsResult, RpcError> {
    let store = service.reader();
    let show = Show::new(service, &store, None);
    let (rows, more) = store.calls(AGENT, params.limit.clamp(1, 1000)).map_err(stored)?;
    let calls = rows.iter().map(|row| show.call(row)).collect::<Result<_, _>>()?;
    Ok(CallsResult { calls, more })
}

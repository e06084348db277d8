//! `p2p dm`: a direct message, outside any call, that any NIP-17 app can read.

use p2p_core::Conversation;
use p2p_ipc::RpcError;
use p2p_ipc::method::{Dm, Sent};

use super::{send, which};
use crate::service::Service;

pub(super) async fn run(service: &Service, params: Dm) -> Result<Sent, RpcError> {
    service.act();
    let peer = which::agent(service, &service.reader(), &params.to)?;
    send::say(service, Conversation::Direct(peer), params.text, params.again).await
}

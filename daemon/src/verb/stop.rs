//! `p2p daemon stop`.

use p2p_ipc::RpcError;
use p2p_ipc::method::{Done, Stop};

use crate::service::Service;

pub(super) async fn run(service: &Service, _: Stop) -> Result<Done, RpcError> {
    // After the answer is on its way: stopping closes the connection.
    let stop = service.stop.clone();
    tokio::spawn(async move {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        stop.send_replace(true);
    });
    Ok(Done {})
}

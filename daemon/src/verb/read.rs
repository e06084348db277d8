//! `p2p read`: one thing in full.

use p2p_ipc::method::{Read, ReadResult};
use p2p_ipc::view::RelayReceipt;
use p2p_ipc::{ErrorCode, RpcError};

use super::show::Show;
use super::{AGENT, files, questions, send, stored, which};
use crate::service::Service;
use p2p_store::Receipt;

pub(super) async fn run(service: &Service, params: Read) -> Result<ReadResult, RpcError> {
    service.act();
    let store = service.reader();
    let show = Show::new(service, &store, None);
    let none = || {
        let message = format!("there is no {:?}", params.handle);
        RpcError::new(ErrorCode::NoSuch, message).hint("p2p calls or p2p inbox --last 20")
    };
    let mut result = ReadResult::default();
    match which::parse_handle(&params.handle).ok_or_else(none)? {
        ('m', number) => {
            let mut message = show.message(&send::kept(&store, number)?)?;
            if let Some(delivery) = &mut message.delivery {
                let said = store.receipts(number).map_err(stored)?.into_iter();
                delivery.receipts = said.map(receipt).collect();
            }
            result.message = Some(message);
        }
        ('c', number) => {
            let row = store.call(AGENT, number).map_err(stored)?.ok_or_else(none)?;
            result.call = Some(show.call(&row)?);
        }
        ('f', number) => result.file = Some(show.file(&files::kept(&store, number)?)?),
        (_, number) => {
            result.question = Some(show.question(&questions::kept(&store, number)?)?);
        }
    }
    Ok(result)
}

fn receipt(Receipt { relay, cause }: Receipt) -> RelayReceipt {
    RelayReceipt { url: relay, ok: cause.is_none(), cause }
}

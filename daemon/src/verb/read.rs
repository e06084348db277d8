//! `p2p read`: one item in full. For a message that is under way, everything that is known about
//! its delivery.

use p2p_core::engine::command::{DiagnoseMessage, Outlook, WaitsFor};
use p2p_core::record::{Delivery, Message};
use p2p_ipc::method::{Read, ReadResult};
use p2p_ipc::view;
use p2p_ipc::{ErrorCode, RpcError};

use super::show::Show;
use super::{AGENT, files, questions, send, stored, which};
use crate::service::Service;
use p2p_store::{DiagnosisRow, Receipt};

pub(super) async fn run(service: &Service, params: Read) -> Result<ReadResult, RpcError> {
    service.act();
    let none = || {
        let message = format!("there is no {:?}", params.handle);
        RpcError::new(ErrorCode::NoSuch, message).hint("p2p calls or p2p inbox --last 20")
    };
    let (series, number) = which::parse_handle(&params.handle).ok_or_else(none)?;
    let mut result = ReadResult::default();
    if series == 'm' {
        result.message = Some(message(service, number).await?);
        return Ok(result);
    }
    let store = service.reader();
    let show = Show::new(service, &store, None);
    match series {
        'c' => {
            let row = store.call(AGENT, number).map_err(stored)?.ok_or_else(none)?;
            result.call = Some(show.call(&row)?);
        }
        'f' => result.file = Some(show.file(&files::kept(&store, number)?)?),
        _ => result.question = Some(show.question(&questions::kept(&store, number)?)?),
    }
    Ok(result)
}

async fn message(service: &Service, number: u32) -> Result<view::Message, RpcError> {
    let (row, mut shown, stored_diagnosis) = {
        let store = service.reader();
        let row = send::kept(&store, number)?;
        let shown = Show::new(service, &store, None).message(&row)?;
        let diagnosis = store.diagnosis(number).map_err(stored)?;
        (row.message, shown, diagnosis)
    };
    if let (Some(delivery), Some(found)) = (&mut shown.delivery, stored_diagnosis) {
        if matches!(row.delivery, Delivery::Queued | Delivery::Sent | Delivery::Undelivered) {
            delivery.diagnosis = Some(diagnosis(service, &row, &found).await?);
        }
        delivery.receipts = found.receipts.into_iter().map(receipt).collect();
    }
    Ok(shown)
}

async fn diagnosis(
    service: &Service,
    message: &Message,
    found: &DiagnosisRow,
) -> Result<view::DiagnosisView, RpcError> {
    let Message { conversation, peer, rumor, .. } = *message;
    let outlook = service.host.command(DiagnoseMessage { conversation, peer, rumor }).await?;
    let Outlook { waits_for, attempts, next_attempt, peer_seen } = outlook;
    Ok(view::DiagnosisView {
        waits_for: waits_for.map(|event| match event {
            WaitsFor::Answer => view::WaitsForView::Answer,
            WaitsFor::Relay => view::WaitsForView::Relay,
            WaitsFor::Acknowledgement => view::WaitsForView::Acknowledgement,
        }),
        attempts,
        next_attempt_ms: next_attempt.map(|at| at.0),
        peer_seen_ms: peer_seen.max(found.peer_heard).map(|at| at.0),
        problem: found.problem.clone().map(Into::into),
    })
}

fn receipt(Receipt { relay, cause }: Receipt) -> view::RelayReceipt {
    view::RelayReceipt { url: relay, ok: cause.is_none(), cause }
}

//! `p2p read`: one item in full. For a message that is under way, everything that is known about
//! its delivery.

use p2p_core::engine::command::{DiagnoseMessage, Outlook, WaitsFor};
use p2p_core::record::{Delivery, Message};
use p2p_ipc::method::{ReadParams, ReadResult};
use p2p_ipc::view;
use p2p_ipc::{ErrorCode, RpcError};

use p2p_store::{DiagnosisRow, Receipt};

use super::handler::{Attention, Effect, Handler};
use super::handles::parse_handle;
use super::presenter::Presenter;
use super::rows;
use crate::context::Context;
use crate::errors::unreadable;
use crate::readers::AGENT;

impl Handler for ReadParams {
    const EFFECT: Effect = Effect::Reads;
    const ATTENTION: Attention = Attention::Agent;

    async fn handle(self, context: &Context) -> Result<ReadResult, RpcError> {
        let none = || {
            let message = format!("there is no {:?}", self.handle);
            RpcError::new(ErrorCode::NotFound, message).hint("p2p calls\np2p inbox --last 20")
        };
        let (series, number) = parse_handle(&self.handle).ok_or_else(none)?;
        let mut result = ReadResult::default();
        if series == 'm' {
            result.message = Some(message(context, number).await?);
            return Ok(result);
        }
        let store = context.reader();
        let presenter = Presenter::new(context, &store, None);
        match series {
            'c' => {
                let row = store.call(AGENT, number).map_err(unreadable)?.ok_or_else(none)?;
                result.call = Some(presenter.call(&row)?);
            }
            'f' => result.file = Some(presenter.file(&rows::file(&store, number)?)?),
            _ => result.question = Some(presenter.question(&rows::question(&store, number)?)?),
        }
        Ok(result)
    }
}

async fn message(context: &Context, number: u32) -> Result<view::MessageView, RpcError> {
    let (row, mut shown, stored_diagnosis) = {
        let store = context.reader();
        let row = rows::message(&store, number)?;
        let shown = Presenter::new(context, &store, None).message(&row)?;
        let diagnosis = store.diagnosis(number).map_err(unreadable)?;
        (row.message, shown, diagnosis)
    };
    if let (Some(delivery), Some(found)) = (&mut shown.delivery, stored_diagnosis) {
        if matches!(row.delivery, Delivery::Queued | Delivery::Sent | Delivery::Undelivered) {
            delivery.diagnosis = Some(diagnosis(context, &row, &found).await?);
        }
        delivery.receipts = found.receipts.into_iter().map(receipt).collect();
    }
    Ok(shown)
}

async fn diagnosis(
    context: &Context,
    message: &Message,
    found: &DiagnosisRow,
) -> Result<view::DiagnosisView, RpcError> {
    let Message { conversation, peer, rumor, .. } = *message;
    let outlook = context.engine.command(DiagnoseMessage { conversation, peer, rumor }).await?;
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

fn receipt(Receipt { relay, cause }: Receipt) -> view::RelayReceiptView {
    view::RelayReceiptView { url: relay, accepted: cause.is_none(), cause }
}

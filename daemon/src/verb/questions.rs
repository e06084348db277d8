//! `p2p questions`: what the owner was asked.

use p2p_ipc::method::{Questions, QuestionsResult};
use p2p_ipc::{ErrorCode, RpcError};

use super::show::Show;
use super::stored;
use crate::service::Service;
use crate::store::{QuestionRow, Reader};

pub(super) async fn run(service: &Service, _: Questions) -> Result<QuestionsResult, RpcError> {
    let store = service.reader();
    let show = Show::new(service, &store, None);
    let rows = store.questions().map_err(stored)?;
    let questions = rows.iter().map(|row| show.question(row)).collect::<Result<_, _>>()?;
    Ok(QuestionsResult { questions })
}

/// A question that must be there.
pub(super) fn kept(store: &Reader, handle: u32) -> Result<QuestionRow, RpcError> {
    store.question(handle).map_err(stored)?.ok_or_else(|| {
        let message = format!("there is no question q{handle}");
        RpcError::new(ErrorCode::NoSuch, message).hint("p2p questions")
    })
}

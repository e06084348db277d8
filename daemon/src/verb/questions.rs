//! `p2p questions`: what the owner was asked.

use p2p_ipc::method::{FollowQuestion, Questions, QuestionsResult};
use p2p_ipc::{ErrorCode, RpcError, view};

use super::show::Show;
use super::{stored, until, wait, which};
use crate::service::Service;
use p2p_store::{QuestionRow, Reader};

pub(super) async fn run(service: &Service, _: Questions) -> Result<QuestionsResult, RpcError> {
    let store = service.reader();
    let show = Show::new(service, &store, None);
    let rows = store.questions().map_err(stored)?;
    let questions = rows.iter().map(|row| show.question(row)).collect::<Result<_, _>>()?;
    Ok(QuestionsResult { questions })
}

/// Waits until a question is answered, or its call is over.
pub(super) async fn follow(
    service: &Service,
    params: FollowQuestion,
) -> Result<view::Question, RpcError> {
    service.act();
    let number = which::numbered('q', "question", &params.question)?;
    let look = || {
        let row = kept(&service.reader(), number)?;
        Ok((row.question.answer.is_some() || row.over).then_some(()))
    };
    until(service, wait(params.wait_ms), look).await?;
    service.act();
    let store = service.reader();
    let row = kept(&store, number)?;
    Show::new(service, &store, None).question(&row)
}

/// A question that must be there.
pub(super) fn kept(store: &Reader, handle: u32) -> Result<QuestionRow, RpcError> {
    store.question(handle).map_err(stored)?.ok_or_else(|| {
        let message = format!("there is no question q{handle}");
        RpcError::new(ErrorCode::NoSuch, message).hint("p2p questions")
    })
}

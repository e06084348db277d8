//! `p2p questions`: what the owner was asked.

use p2p_ipc::method::{FollowQuestionParams, QuestionsParams, QuestionsResult};
use p2p_ipc::{RpcError, view};

use super::handler::{Attention, Effect, Handler};
use super::handles::numbered;
use super::presenter::Presenter;
use super::rows;
use super::waiting::{capped, until};
use crate::context::Context;
use crate::errors::unreadable;

impl Handler for QuestionsParams {
    const EFFECT: Effect = Effect::Reads;

    async fn handle(self, context: &Context) -> Result<QuestionsResult, RpcError> {
        let store = context.reader();
        let presenter = Presenter::new(context, &store, None);
        let rows = store.questions().map_err(unreadable)?;
        let questions = rows.iter().map(|row| presenter.question(row)).collect::<Result<_, _>>()?;
        Ok(QuestionsResult { questions })
    }
}

// Waits until the question is answered or its call has ended.
impl Handler for FollowQuestionParams {
    const EFFECT: Effect = Effect::Reads;
    const ATTENTION: Attention = Attention::Agent;

    async fn handle(self, context: &Context) -> Result<view::QuestionView, RpcError> {
        let number = numbered('q', "question", &self.question)?;
        let look = || {
            let row = rows::question(&context.reader(), number)?;
            Ok((row.question.answer.is_some() || row.over).then_some(()))
        };
        until(context, capped(self.wait_ms), look).await?;
        context.note_activity();
        let store = context.reader();
        let row = rows::question(&store, number)?;
        Presenter::new(context, &store, None).question(&row)
    }
}

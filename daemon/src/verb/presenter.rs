//! The presenter: turns rows of the store into views of the socket.

use p2p_core::call::{By, State};
use p2p_core::record::{Content, Event, EventKind, FileState, Message, Peer, Speaks, Standing};
use p2p_core::{CallId, Conversation, PublicKey};
use p2p_ipc::view;
use p2p_ipc::{ErrorCode, RpcError};

use p2p_store::{CallRow, FileRow, MessageRow, QuestionRow, Reader};

use super::handles::handle;
use super::views;
use crate::context::Context;
use crate::errors::unreadable;
use crate::readers::AGENT;

/// Presents rows as one reader sees them.
pub(super) struct Presenter<'a> {
    context: &'a Context,
    store: &'a Reader,
    reader: &'a str,
}

impl<'a> Presenter<'a> {
    pub fn new(context: &'a Context, store: &'a Reader, reader: Option<&'a str>) -> Self {
        Self { context, store, reader: reader.unwrap_or(AGENT) }
    }

    pub fn peer(&self, key: PublicKey) -> Result<view::PeerView, RpcError> {
        let known = self.store.peer(key).map_err(unreadable)?;
        Ok(self.known_peer(key, known))
    }

    fn known_peer(&self, key: PublicKey, known: Option<Peer>) -> view::PeerView {
        let listed = || self.context.listed().get(&key).cloned().map(Into::into);
        let contact = known.as_ref().is_some_and(|peer| peer.standing == Standing::Allowed);
        let (name, claimed) = known.map_or((None, None), |peer| (peer.name, peer.claimed));
        let claimed = claimed.or_else(listed).filter(|name| !name.is_empty());
        view::PeerView {
            npub: key.npub(),
            hex: key.to_string(),
            name: name.map(Into::into),
            claimed: claimed.map(Into::into),
            contact,
        }
    }

    pub fn contact(&self, peer: Peer) -> view::ContactView {
        let (blocked, added_ms) = (peer.standing == Standing::Blocked, peer.since.0);
        let speaks_p2p = peer.speaks == Speaks::P2p;
        view::ContactView {
            peer: self.known_peer(peer.key, Some(peer)),
            blocked,
            added_ms,
            speaks_p2p,
        }
    }

    pub fn call(&self, row: &CallRow) -> Result<view::CallView, RpcError> {
        let call = &row.call;
        let ended = match &call.state {
            State::Ended(ended) => Some(ended),
            _ => None,
        };
        let closing = ended.map(|ended| &ended.closing);
        let merged = match closing.and_then(|closing| closing.into) {
            Some(into) => self.store.call_by_id(self.reader, into).map_err(unreadable)?,
            None => None,
        };
        Ok(view::CallView {
            handle: handle('c', call.handle),
            id: call.id.to_string(),
            peer: self.peer(call.peer)?,
            outgoing: call.outgoing,
            state: views::call_state(&call.state),
            topic: call.topic.clone().into(),
            note: call.note.clone().map(Into::into),
            opened_ms: call.opened.0,
            answered_ms: call.answered.map(|at| at.0),
            ended_ms: ended.map(|ended| ended.at.0),
            expires_ms: views::call_expiry(&call.state).map(|at| at.0),
            reason: closing.map(|closing| views::end_reason(closing.reason)),
            reason_text: closing
                .map(|c| c.text.clone())
                .filter(|text| !text.is_empty())
                .map(Into::into),
            ended_by_peer: ended.is_some_and(|ended| ended.by == By::Peer),
            merged_into: merged.map(|row| handle('c', row.call.handle)),
            unread: row.unread,
            turn: row.last.map(
                |(_, ours)| {
                    if ours { view::Turn::Theirs } else { view::Turn::Mine }
                },
            ),
            last_message_ms: row.last.map(|(at, _)| at.0),
            taken_over: self.store.takeover(call.id).map_err(unreadable)?.is_some(),
        })
    }

    pub fn call_of(&self, conversation: Conversation) -> Result<Option<view::CallView>, RpcError> {
        let Conversation::Call(id) = conversation else { return Ok(None) };
        let row = self.store.call_by_id(self.reader, id).map_err(unreadable)?;
        row.map(|row| self.call(&row)).transpose()
    }

    pub fn message(&self, row: &MessageRow) -> Result<view::MessageView, RpcError> {
        let message = &row.message;
        let call = match message.conversation {
            Conversation::Call(id) => self.store.call_by_id(self.reader, id).map_err(unreadable)?,
            Conversation::Direct(_) => None,
        };
        let from_owner = self.is_from_owner(message)?;
        let (kind, file) = match &message.content {
            Content::Text(_) => (view::MessageKind::Text, None),
            Content::Escalation { .. } => (view::MessageKind::Escalation, None),
            Content::File { file, .. } => (view::MessageKind::File, Some(handle('f', *file))),
            Content::Unsupported(_) => (view::MessageKind::Unsupported, None),
        };
        Ok(view::MessageView {
            handle: handle('m', message.handle),
            id: message.rumor.to_string(),
            call: call.map(|row| handle('c', row.call.handle)),
            peer: self.peer(message.peer)?,
            outgoing: message.by.is_ours(),
            by_human: message.by.is_human(),
            kind,
            text: message.content.shown().into(),
            file,
            at_ms: message.at.0,
            sent_s: message.sent(),
            delivery: message.by.is_ours().then(|| views::delivery(row)),
            truncated: false,
            from_owner,
            untrusted: !message.by.is_ours() && !from_owner,
        })
    }

    /// Returns true if an owner wrote the message to this agent alone.
    fn is_from_owner(&self, message: &Message) -> Result<bool, RpcError> {
        let Conversation::Direct(key) = message.conversation else { return Ok(false) };
        let owners = self.store.owners().map_err(unreadable)?;
        Ok(!message.by.is_ours() && owners.iter().any(|owner| owner.key == key))
    }

    pub fn file(&self, row: &FileRow) -> Result<view::FileView, RpcError> {
        let file = &row.file;
        let call = self.store.call_by_id(self.reader, file.call).map_err(unreadable)?;
        let (state, cause, path) = match &file.state {
            FileState::Transferring => (view::FileTransferState::Transferring, None, None),
            FileState::Complete(path) => (view::FileTransferState::Complete, None, path.clone()),
            FileState::Failed(cause) => {
                (view::FileTransferState::Failed, Some(cause.clone()), None)
            }
        };
        Ok(view::FileView {
            handle: handle('f', file.handle),
            call: call.map_or_else(String::new, |row| handle('c', row.call.handle)),
            peer: self.peer(file.peer)?,
            outgoing: file.outgoing,
            name: file.name.clone().into(),
            size: file.size,
            transferred: row.done_bytes,
            sha256: file.sha256.to_string(),
            state,
            cause: cause.map(Into::into),
            path: path.map(Into::into),
            at_ms: file.at.0,
            untrusted: !file.outgoing,
        })
    }

    pub fn question(&self, row: &QuestionRow) -> Result<view::QuestionView, RpcError> {
        let question = &row.question;
        let call = self.store.call_by_id(self.reader, question.call).map_err(unreadable)?;
        let peer = call.as_ref().map_or(self.context.me, |row| row.call.peer);
        Ok(view::QuestionView {
            handle: handle('q', question.handle),
            call: call.map_or_else(String::new, |row| handle('c', row.call.handle)),
            peer: self.peer(peer)?,
            question: question.question.clone().into(),
            options: question.options.clone().into_iter().map(Into::into).collect(),
            quiet: question.quiet,
            at_ms: question.at.0,
            state: match (&question.answer, row.over) {
                (Some(_), _) => view::QuestionState::Answered,
                (None, true) => view::QuestionState::Closed,
                (None, false) => view::QuestionState::Open,
            },
            code: question.code.clone().into(),
            notified: row.told.clone(),
            notifying: row.telling.clone(),
            failed: row.refused.clone(),
            peer_delivery: row.to_peer.as_ref().map(views::delivery),
            answer: question.answer.as_ref().map(|answer| answer.text.clone()).map(Into::into),
            answered_ms: question.answer.as_ref().map(|answer| answer.at.0),
            answer_via: question.answer.as_ref().map(|answer| views::answer_via(answer.via).into()),
        })
    }

    pub fn item(&self, event: &Event) -> Result<view::ItemView, RpcError> {
        let (mut row, mut file, mut question) = (None, None, None);
        match (event.kind, event.subject) {
            (_, None) => {}
            (EventKind::File, Some(handle)) => {
                file = self.store.file(handle).map_err(unreadable)?
            }
            (EventKind::Reply, Some(handle)) => {
                question = self.store.question(handle).map_err(unreadable)?;
            }
            (_, Some(handle)) => row = self.store.message(handle).map_err(unreadable)?,
        }
        Ok(view::ItemView {
            seq: event.seq,
            kind: views::item_kind(event.kind),
            at_ms: event.at.0,
            call: self.call_of(event.conversation)?,
            message: row.map(|row| self.message(&row)).transpose()?,
            file: file.map(|row| self.file(&row)).transpose()?,
            question: question.map(|row| self.question(&row)).transpose()?,
            text: event.text.clone().map(Into::into),
        })
    }
}

/// Shows a call to our agent as it stands.
pub(super) fn call_by_id(context: &Context, call: CallId) -> Result<view::CallView, RpcError> {
    let store = context.reader();
    let row = store.call_by_id(AGENT, call).map_err(unreadable)?;
    let row = row.ok_or_else(|| RpcError::new(ErrorCode::NoCall, "the call is gone"))?;
    Presenter::new(context, &store, None).call(&row)
}

//! The methods, each with its parameters and its result. They are named like the verbs.
//!
//! A method that waits takes `wait_ms` and answers by then with what is known; the daemon caps the
//! wait at [`MAX_WAIT_MS`]. Leaving a connection cancels only the waiting, never the request.

mod call;
mod contact;
mod file;
mod inbox;
mod invite;
mod message;
mod owner;
mod purge;
mod question;
mod readers;
mod service;
mod transcript;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::view::{CallView, FileView, PendingView, QuestionView};

pub use call::{
    AnswerParams, CallParams, CallResult, CallsParams, CallsResult, EndParams, EndResult,
    FollowCallParams,
};
pub use contact::{
    ContactAction, ContactsParams, ContactsResult, EditContactParams, EditContactResult,
};
pub use file::{FetchFileParams, FetchFileResult, FilesParams, FilesResult, SendFileParams};
pub use inbox::{
    ConfirmParams, InboxParams, InboxResult, PendingParams, ReadMark, ReadParams, ReadResult,
    WaitParams, WatchParams, WatchResult,
};
pub use invite::{
    InviteParams, InviteResult, InviteView, InvitesParams, InvitesResult, RevokeInviteParams,
};
pub use message::{
    CancelParams, CancelResult, DmParams, FollowMessageParams, FollowMessageResult, Milestone,
    SendParams, SendResult,
};
pub use owner::{
    OwnerCommand, OwnerCommandParams, OwnerCommandResult, OwnerPairParams, OwnerParams,
    OwnerResult, PairingCode, PassphraseParams,
};
pub use purge::{KeptCall, KeptReason, PurgeParams, PurgeResult, PurgedCall};
pub use question::{EscalateParams, FollowQuestionParams, QuestionsParams, QuestionsResult};
pub use readers::{ReaderView, ReadersParams, ReadersResult, RemoveReaderParams};
pub use service::{
    Done, HelloParams, HelloResult, ListParams, ListResult, StatusParams, StatusResult, StopParams,
};
pub use transcript::{TranscriptParams, TranscriptResult, VerifyParams, VerifyResult};

/// The longest wait of one request, in milliseconds.
pub const MAX_WAIT_MS: u64 = 10 * 60 * 1000;

/// A method: its name and its result. The implementing type holds its parameters.
pub trait Method: Serialize + DeserializeOwned {
    /// The name on the wire.
    const NAME: &'static str;
    /// The type of its result.
    type Result: Serialize + DeserializeOwned;
}

macro_rules! methods {
    ($($name:literal: $params:ty => $result:ty;)*) => {
        $(impl Method for $params { const NAME: &'static str = $name; type Result = $result; })*
        /// Every method's name, in the order of the table.
        pub const NAMES: &[&str] = &[$($name),*];
    };
}

methods! {
    "hello": HelloParams => HelloResult;
    "status": StatusParams => StatusResult;
    "list": ListParams => ListResult;
    "call": CallParams => CallResult;
    "follow_call": FollowCallParams => CallView;
    "answer": AnswerParams => CallView;
    "send": SendParams => SendResult;
    "dm": DmParams => SendResult;
    "follow_message": FollowMessageParams => FollowMessageResult;
    "cancel": CancelParams => CancelResult;
    "sendfile": SendFileParams => FileView;
    "files": FilesParams => FilesResult;
    "files_get": FetchFileParams => FetchFileResult;
    "inbox": InboxParams => InboxResult;
    "wait": WaitParams => InboxResult;
    "watch": WatchParams => WatchResult;
    "confirm": ConfirmParams => Done;
    "read": ReadParams => ReadResult;
    "pending": PendingParams => PendingView;
    "escalate": EscalateParams => QuestionView;
    "questions": QuestionsParams => QuestionsResult;
    "follow_question": FollowQuestionParams => QuestionView;
    "owner": OwnerParams => OwnerResult;
    "owner_pair": OwnerPairParams => PairingCode;
    "owner_command": OwnerCommandParams => OwnerCommandResult;
    "owner_passphrase": PassphraseParams => Done;
    "end": EndParams => EndResult;
    "calls": CallsParams => CallsResult;
    "transcript": TranscriptParams => TranscriptResult;
    "verify": VerifyParams => VerifyResult;
    "purge": PurgeParams => PurgeResult;
    "contacts": ContactsParams => ContactsResult;
    "contacts_edit": EditContactParams => EditContactResult;
    "invite": InviteParams => InviteResult;
    "invites": InvitesParams => InvitesResult;
    "invite_revoke": RevokeInviteParams => Done;
    "readers": ReadersParams => ReadersResult;
    "readers_remove": RemoveReaderParams => Done;
    "stop": StopParams => Done;
}

//! Reasons for which a command is refused.

use crate::ids::PublicKey;
use crate::invite::{INVITE_HOURS, INVITE_USES};
use crate::policy::Rate;
use crate::wire::Reason;

/// Reasons for which a command is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such call, or it is too old to act on.
    #[error("there is no such call")]
    NoCall,
    /// The call does not ring here.
    #[error("the call does not ring here")]
    NotRinging,
    /// The call is over.
    #[error("the call is over")]
    Over(Reason),
    /// The call rings here: it is to be answered first.
    #[error("the call is not answered yet")]
    NotAnswered,
    /// The peer is an ordinary app.
    #[error("the peer is an ordinary message app and takes no calls")]
    PlainPeer,
    /// The peer is blocked.
    #[error("the peer is blocked")]
    Blocked,
    /// The call is still open, or messages of it are still under way.
    #[error("the call is not over, or something of it is still on its way")]
    NotOver,
    /// Our own key as the receiver.
    #[error("that is this agent itself")]
    Own,
    /// Too many messages in so short a time.
    #[error("more than {0} in one conversation")]
    TooMany(Rate),
    /// A part of the command is longer than allowed.
    #[error("{what} is {length} bytes long, more than {limit}")]
    TooLong {
        /// Part of the command.
        what: Limited,
        /// Actual length.
        length: usize,
        /// Maximum length.
        limit: usize,
    },
    /// Nothing to send.
    #[error("there is nothing to send")]
    Empty,
    /// A relay accepted the message, or may have accepted it.
    #[error("it may have gone out already")]
    TooLate,
    /// Another key has this name.
    #[error("the name belongs to another contact")]
    NameTaken(PublicKey),
    /// Another daemon with this key was there first.
    #[error("another daemon runs with this key, and this one does nothing meanwhile")]
    Yielded,
    /// The command is reserved for owners.
    #[error("only the owner of this agent may do that")]
    OwnerOnly,
    /// The code is wrong or expired.
    #[error("the code is wrong, used up or too old")]
    WrongCode,
    /// The human has taken over the call.
    #[error("the owner has taken the call over and speaks in it")]
    TakenOver,
    /// There is no such question.
    #[error("there is no such question")]
    NoQuestion,
    /// The question has an answer.
    #[error("the question was answered already")]
    Answered,
    /// An invite with too many uses or hours, or without any.
    #[error("an invite has 1 to {INVITE_USES} uses and is valid for 1 to {INVITE_HOURS} hours")]
    InviteLimits,
    /// There is no valid invite with this number.
    #[error("no such invite is good")]
    NoInvite,
    /// The question has fewer options.
    #[error("there are only {0} options")]
    NoOption(usize),
    /// The name cannot be used.
    #[error(
        "a name has 1 to 64 letters, digits, `-`, `_` or `.`, and looks like no handle (c7) and no \
         key or beginning of one (npub…, four hex digits or more)"
    )]
    BadName,
}

/// The part of a command that is longer than allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Limited {
    /// The topic of a call.
    #[error("the topic")]
    Topic,
    /// The opening message of a call.
    #[error("the opening message")]
    Opening,
    /// A note to ourselves.
    #[error("the note")]
    Note,
    /// The reason for ending or refusing a call.
    #[error("the reason")]
    Reason,
    /// A message.
    #[error("the message")]
    Message,
    /// A question to the owner.
    #[error("the question")]
    Question,
    /// One option of a question.
    #[error("an option")]
    Option,
    /// The number of options of a question.
    #[error("the list of options")]
    Options,
    /// An answer of the owner.
    #[error("the answer")]
    Answer,
    /// A file.
    #[error("the file")]
    File,
}

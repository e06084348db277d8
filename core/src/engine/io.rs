//! What goes into the engine and what comes out.

use crate::digest::Digest;
use crate::ids::{CallId, Conversation, InstanceId, PublicKey, RumorId, StreamId};
use crate::invite::Token;
use crate::owner::Order;
use crate::policy::{Policy, Rate};
use crate::record::{
    Answer, Counters, Event, File, FileState, Invite, Line, Message, Note, Owner, Peer, Question,
    StreamIn, StreamOut, Takeover, Tombstone,
};
use crate::rumor::{Rumor, Verified};
use crate::text::{Blob, Text};
use crate::time::Time;
use crate::{call::Call, wire::Reason};

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Input {
    /// Our agent wants something; the answer carries the same token.
    Command {
        /// Chosen by the host.
        token: u64,
        /// What it wants.
        command: Command,
    },
    /// A peer said something.
    Received(Verified),
    /// How a rumor fared at the relays so far.
    Report {
        /// Which.
        rumor: RumorId,
        /// Relays that took it.
        accepted: u32,
        /// Relays that it was given to.
        relays: u32,
    },
    /// No relay is known to reach the peer by.
    NoRoute {
        /// The peer.
        peer: PublicKey,
    },
    /// The peer's presence was seen.
    PeerSeen {
        /// The peer.
        peer: PublicKey,
        /// The name it claims.
        name: Option<Text>,
    },
    /// No relay of its receiver will ever take a rumor as it is.
    Unfit {
        /// Which.
        rumor: RumorId,
        /// Why.
        why: String,
    },
    /// How wrong this machine's clock is became known, or changed.
    Clock {
        /// Milliseconds that others' clocks are ahead of it.
        ahead: i64,
    },
    /// A relay came back: what none had taken may go now.
    RelayBack,
    /// What is kept of a call, in answer to [`Output::Tally`].
    Tallied {
        /// The call.
        call: CallId,
        /// What we said in it and the peer's daemon has.
        said: Digest,
        /// What we heard in it.
        heard: Digest,
    },
    /// The last lines of a call, in answer to [`Output::Recall`].
    Recalled {
        /// The call.
        call: CallId,
        /// The owner who asked.
        to: PublicKey,
        /// Oldest first.
        lines: Vec<Line>,
    },
    /// A received file was written, or could not be.
    FileStored {
        /// Its handle.
        file: u32,
        /// The path, or why not.
        result: Result<Text, Text>,
    },
    /// Time went by.
    Tick,
}

/// What our agent can want.
#[derive(Debug, Clone)]
pub enum Command {
    /// Ring a peer.
    Call {
        /// Whom.
        peer: PublicKey,
        /// What about.
        topic: Text,
        /// The opening message.
        opening: Option<Text>,
        /// A note to ourselves.
        note: Option<Text>,
        /// Another call, even where one with this topic is open.
        new: bool,
        /// How long to ring, in seconds, instead of the configured time.
        ring: Option<u64>,
        /// A token of the peer's that lets us ring.
        invite: Option<Token>,
    },
    /// Take a call that rings here.
    Accept(CallId),
    /// Refuse it.
    Reject(CallId, Text),
    /// Say something.
    Say {
        /// Where.
        conversation: Conversation,
        /// What.
        text: Text,
        /// Even if the same was said within two minutes.
        again: bool,
    },
    /// Send a file.
    SendFile {
        /// In which call.
        call: CallId,
        /// Under which name.
        name: Text,
        /// What.
        bytes: Blob,
    },
    /// Take back what was said, or a file. See [`super::Engine::to_withdraw`].
    Cancel(Said),
    /// Ask the owner.
    Escalate {
        /// In which call.
        call: CallId,
        /// What.
        question: Text,
        /// Answers to choose from.
        options: Vec<Text>,
        /// Do not tell the peer.
        quiet: bool,
        /// What was said last, oldest first: the owner is shown it.
        lines: Vec<Line>,
    },
    /// Begin to pair an owner.
    Pair {
        /// Nobody but this key.
        only: Option<PublicKey>,
        /// An owner stands behind it.
        proven: bool,
    },
    /// An owner wants something, and has proven to be one.
    Order(Order),
    /// Somebody wants what an owner may, and has proven nothing.
    Unproven(Order),
    /// Somebody typed a code that an owner got by direct message.
    Redeem(Text),
    /// Make a token that lets a stranger ring.
    Invite {
        /// How often.
        uses: u32,
        /// For how long, in seconds.
        lifetime: u64,
    },
    /// Make a token worthless.
    Revoke(u32),
    /// Which tokens are good.
    Invites,
    /// Forget a call that is over, with all that was said in it.
    Purge(CallId),
    /// End a call, whatever its state.
    End(CallId, Text),
    /// Pin a name to a key; it may ring.
    Name(PublicKey, Text),
    /// Let a key ring.
    Allow(PublicKey),
    /// Drop everything from a key.
    Block(PublicKey),
    /// Forget what a key is to us.
    Forget(PublicKey),
    /// A reader was shown entries of the event log.
    Shown {
        /// Whose cursor.
        reader: String,
        /// The conversation as the store names it, and the last entry shown there.
        marks: Vec<(String, u64)>,
        /// What this says about streams: the highest number that our agent was shown.
        read: Vec<(Conversation, StreamId, u64)>,
    },
}

/// A message of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    /// Where.
    pub conversation: Conversation,
    /// Its handle.
    pub message: u32,
    /// Its rumor.
    pub rumor: RumorId,
    /// The handle of the file that it offers.
    pub file: Option<u32>,
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The call.
    Call {
        /// Which.
        call: CallId,
        /// It was placed just now.
        new: bool,
        /// It rang here and was taken.
        accepted: bool,
        /// The handle of the opening message.
        message: Option<u32>,
    },
    /// The message is durable.
    Said {
        /// Its handle.
        message: u32,
        /// It was said before.
        repeated: bool,
    },
    /// The file is durable.
    File(u32),
    /// The question is durable.
    Question(u32),
    /// A code by which an owner is paired.
    Pairing {
        /// As it is shown.
        code: Text,
        /// Until when it is good.
        until: Time,
    },
    /// What an owner is told.
    Told(Text),
    /// By which it is revoked, and the token.
    Invite(u32, Token),
    /// The tokens that are good.
    Invites(Vec<Invite>),
    /// It was done.
    Done,
}

/// Why a command was refused.
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
    /// The call goes on, or something of it is still on its way.
    #[error("the call is not over, or something of it is still on its way")]
    NotOver,
    /// To ourselves.
    #[error("that is this agent itself")]
    Own,
    /// Too many messages in so short a time.
    #[error("more than {0} in one conversation")]
    TooMany(Rate),
    /// Longer than allowed.
    #[error("{what} is {length} bytes long, more than {limit}")]
    TooLong {
        /// What is.
        what: &'static str,
        /// How long.
        length: usize,
        /// The limit.
        limit: usize,
    },
    /// Nothing to send.
    #[error("there is nothing to send")]
    Empty,
    /// A relay took the message, or may have.
    #[error("it may have gone out already")]
    TooLate,
    /// Another key has this name.
    #[error("the name belongs to another contact")]
    NameTaken(PublicKey),
    /// Another daemon with this key was there first.
    #[error("another daemon runs with this key, and this one does nothing meanwhile")]
    Yielded,
    /// Only an owner may.
    #[error("only the owner of this agent may do that")]
    OwnerOnly,
    /// Not the code that was given out, or no longer.
    #[error("the code is wrong, used up or too old")]
    WrongCode,
    /// The human speaks there now.
    #[error("the owner has taken the call over and speaks in it")]
    TakenOver,
    /// There is no such question.
    #[error("there is no such question")]
    NoQuestion,
    /// The question has an answer.
    #[error("the question was answered already")]
    Answered,
    /// No such token is good.
    #[error("no such invite is good")]
    NoInvite,
    /// The question has fewer options.
    #[error("there are only {0} options")]
    NoOption(usize),
    /// Not a usable name.
    #[error(
        "a name has 1 to 64 letters, digits, `-`, `_` or `.`, and looks like no handle (c7) and no \
         key or beginning of one (npub…, four hex digits or more)"
    )]
    BadName,
}

/// How urgent a rumor is at the relays; the order is the order of sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Moves of a call.
    Control,
    /// Words.
    Text,
    /// Acknowledgements.
    Ack,
    /// Pieces of files.
    Chunk,
}

/// What the host must do, in this order: nothing may leave before what was to be persisted ahead
/// of it is durable.
#[derive(Debug, Clone)]
pub enum Output {
    /// Make this durable.
    Persist(Change),
    /// Give this to the relays of a peer.
    Send {
        /// To whom.
        to: PublicKey,
        /// What.
        rumor: Rumor,
        /// How urgently.
        priority: Priority,
    },
    /// Write a received file; answer with [`Input::FileStored`].
    StoreFile {
        /// Its handle.
        file: u32,
        /// Its safe name.
        name: Text,
        /// The bytes, whose hash was checked.
        bytes: Blob,
    },
    /// Sum up what is kept of a call; answer with [`Input::Tallied`].
    Tally(CallId),
    /// Read the last lines of a call; answer with [`Input::Recalled`].
    Recall {
        /// The call.
        call: CallId,
        /// The owner who asks.
        to: PublicKey,
    },
    /// Another daemon runs with our key and was there first: leave the relays, and say so.
    Yield {
        /// That run.
        instance: InstanceId,
        /// When it started, by its clock.
        since: Time,
    },
    /// Tell whoever wants to know.
    Notify(Event),
    /// Answer a command.
    Reply {
        /// The command's token.
        token: u64,
        /// What became of it.
        result: Result<Reply, Refusal>,
    },
}

/// A change of what is kept.
#[derive(Debug, Clone)]
pub enum Change {
    /// Handles were given out.
    Counters(Counters),
    /// A key.
    Peer(Peer),
    /// A key was forgotten.
    PeerGone(PublicKey),
    /// A call in its present state.
    Call(Box<Call>),
    /// A new message.
    Message(Box<Message>),
    /// How a message fared at the relays.
    Relays {
        /// The message's rumor.
        rumor: RumorId,
        /// Relays that took it.
        accepted: u32,
        /// Relays that it was given to.
        relays: u32,
    },
    /// The peer's daemon stored a message.
    Delivered(RumorId),
    /// A message was given up.
    Undelivered(RumorId),
    /// A message was taken back before anybody had it.
    Cancelled(RumorId),
    /// A message moved to another stream. In another call it starts anew: queued.
    Moved {
        /// Its old id.
        from: RumorId,
        /// Its new id.
        to: RumorId,
        /// Where it is now.
        conversation: Conversation,
        /// Its new place.
        slot: (StreamId, u64),
        /// When its new rumor says it was written, in seconds.
        claimed_at: u64,
    },
    /// A sending stream in its present state. Shown to the peer's agent up to `read`.
    StreamOut(StreamOut),
    /// A receiving stream in its present state. What it held up to `upto` is released.
    StreamIn(StreamIn),
    /// A rumor waits for its acknowledgement.
    Outbox {
        /// The stream.
        stream: StreamId,
        /// The number.
        number: u64,
        /// The rumor.
        rumor: Box<Rumor>,
        /// Since when.
        since: Time,
    },
    /// A relay took it.
    Taken(StreamId, u64),
    /// Acknowledged or given up: nothing of the stream up to this number waits any more.
    OutboxDone(StreamId, u64),
    /// One number of a stream waits no more.
    OutboxGone(StreamId, u64),
    /// Received beyond a gap.
    Held {
        /// The stream.
        stream: StreamId,
        /// The number.
        number: u64,
        /// The rumor.
        rumor: Box<Rumor>,
    },
    /// A piece of a file.
    Chunk {
        /// The stream.
        stream: StreamId,
        /// The number.
        number: u64,
        /// The rumor that brought it.
        rumor: RumorId,
        /// The bytes.
        bytes: Blob,
    },
    /// The pieces are no longer needed.
    ChunksGone(StreamId),
    /// This rumor was taken in.
    Seen(RumorId, Time),
    /// A call ended before it was known here.
    Tombstone(Tombstone),
    /// A call is gone, with everything in it, unless a reader has not been shown all of it.
    CallGone(CallId),
    /// A file.
    File(Box<File>),
    /// How a file stands.
    FileState(u32, FileState),
    /// A file of ours belongs to this call now.
    FileMoved(u32, CallId),
    /// A question.
    Question(Box<Question>),
    /// The owner's answer to a question.
    Answered {
        /// Which.
        question: u32,
        /// What.
        answer: Answer,
    },
    /// An owner.
    Owner(Owner),
    /// A key is no owner any more.
    OwnerGone(PublicKey),
    /// A direct message of ours to an owner.
    Note(Note),
    /// A call that a human took over.
    Takeover(Takeover),
    /// It is the agent's again.
    TakeoverOver(CallId),
    /// What strangers may do, by an owner's word.
    Policy(Policy),
    /// A token.
    Invite(Invite),
    /// A token is worthless.
    InviteGone(u32),
    /// An entry of the event log.
    Event(Event),
    /// A reader was shown everything up to here in a conversation.
    Cursor {
        /// The reader.
        reader: String,
        /// The conversation as the store names it.
        conversation: String,
        /// The entry.
        seq: u64,
    },
}

/// Everything the engine needs to go on after a restart.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// Handles given out.
    pub counters: Counters,
    /// Keys.
    pub peers: Vec<Peer>,
    /// Calls that are open, or ended within [`crate::call::WORD_LIFETIME`].
    pub calls: Vec<Call>,
    /// Sending streams of these calls, and of direct messages.
    pub streams_out: Vec<StreamOut>,
    /// Receiving streams of the same.
    pub streams_in: Vec<StreamIn>,
    /// Rumors that wait for acknowledgement.
    pub outbox: Vec<OutboxEntry>,
    /// Rumors beyond a gap.
    pub held: Vec<(StreamId, u64, Rumor)>,
    /// Pieces of files that are not whole.
    pub chunks: Vec<(StreamId, u64, RumorId, Blob)>,
    /// Files that are under way.
    pub files: Vec<File>,
    /// Rumors that were taken in, and when.
    pub seen: Vec<(RumorId, Time)>,
    /// Calls that ended before they were known here.
    pub tombstones: Vec<Tombstone>,
    /// What was said within the last two minutes, with handle and time.
    pub recent: Vec<(Conversation, Text, u32, Time)>,
    /// Whose word counts.
    pub owners: Vec<Owner>,
    /// The newest 200 questions.
    pub questions: Vec<Question>,
    /// What owners were told within the last 30 days.
    pub notes: Vec<Note>,
    /// Calls that humans took over.
    pub takeovers: Vec<Takeover>,
    /// What strangers may do, where an owner said so.
    pub policy: Option<Policy>,
    /// Tokens that are good.
    pub invites: Vec<Invite>,
}

/// See [`Snapshot::outbox`].
#[derive(Debug, Clone)]
pub struct OutboxEntry {
    /// The stream.
    pub stream: StreamId,
    /// The number.
    pub number: u64,
    /// The rumor.
    pub rumor: Rumor,
    /// Whether a relay took it.
    pub taken: bool,
    /// Since when it waits.
    pub since: Time,
}

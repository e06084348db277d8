//! Every command of our agent: its parameters, its reply, and who may give it.

mod call;
mod diagnose;
mod message;
mod owner;
mod peer;

pub use call::{AcceptCall, EndCall, ForgetCall, PlaceCall, PlacedCall, Placement, RejectCall};
pub use diagnose::{DiagnoseMessage, Outlook, WaitsFor};
pub use message::{
    CancelMessage, Escalate, MarkShown, OutgoingRef, SendFile, SendMessage, SentMessage,
};
pub use owner::{
    CreateInvite, ListInvites, OwnerOrder, Pair, PairingCode, RedeemCode, RevokeInvite,
    UnauthenticatedOrder,
};
pub use peer::{AllowPeer, BlockPeer, ForgetPeer, NamePeer};

//! Commands of our agent: parameters, replies and permissions.

mod call;
mod diagnose;
mod message;
mod owner;
mod peer;

pub use crate::conversation::cancel::OutgoingRef;
pub use call::{AcceptCall, EndCall, ForgetCall, PlaceCall, PlacedCall, Placement, RejectCall};
pub use diagnose::{DiagnoseMessage, Outlook, WaitsFor};
pub use message::{
    CancelMessage, Escalate, MarkShown, RemoveReader, SendFile, SendMessage, SentMessage,
};
pub use owner::{
    CreateInvite, ListInvites, OwnerOrder, Pair, PairingCode, RedeemCode, RevokeInvite,
    UnauthenticatedOrder,
};
pub use peer::{AllowPeer, BlockPeer, ForgetPeer, NamePeer};

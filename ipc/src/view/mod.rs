//! The daemon's state as plain values with stable field names.
//!
//! Times are milliseconds since the Unix epoch, by this machine's clock, in fields that end in
//! `_ms`. A field that holds text of a peer stands in a value with `"untrusted": true`, or says
//! so in its own documentation.

mod call;
mod file;
mod inbox;
mod message;
mod owner;
mod peer;
mod question;
mod service;

pub use call::{
    CallState, CallView, ComparisonOutcome, ComparisonView, DigestView, EndReason, Turn,
};
pub use file::{FileTransferState, FileView};
pub use inbox::{ItemKind, ItemView, PendingView};
pub use message::{
    DeliveryState, DeliveryView, DiagnosisView, MessageKind, MessageView, RelayReceiptView,
    WaitsForView,
};
pub use owner::{OwnerView, PairingView};
pub use peer::{AgentView, ContactView, PeerView};
pub use question::{QuestionState, QuestionView};
pub use service::{DaemonView, IdentityView, NotifierView, PathsView, RelayAnswerView, RelayView};

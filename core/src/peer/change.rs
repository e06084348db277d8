//! Changes of what is kept about keys.

use crate::ids::PublicKey;
use crate::policy::Policy;
use crate::record::{Invite, Peer};

/// A change of what is kept about keys.
#[derive(Debug, Clone)]
pub enum PeerChange {
    /// A key, as it is known now.
    Put(Peer),
    /// A key was forgotten.
    Gone(PublicKey),
    /// An owner changed what strangers may do.
    Policy(Policy),
    /// A new invite, or one that was used.
    Invite(Invite),
    /// An invite is not valid any more.
    InviteGone(u32),
}

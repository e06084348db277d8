//! `contacts`.

use serde::{Deserialize, Serialize};

use crate::view::ContactView;

/// Lists contacts.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ContactsParams {}

/// The answer to [`ContactsParams`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ContactsResult {
    /// The contacts, by name.
    pub contacts: Vec<ContactView>,
}

/// A change of a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactAction {
    /// Pin a name to a key.
    Add,
    /// Let the key ring; undoes a block.
    Allow,
    /// Drop everything from the key.
    Block,
    /// Forget the key.
    Remove,
}

/// Changes a contact.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EditContactParams {
    /// The change.
    pub action: ContactAction,
    /// The agent, as in [`CallParams::agent`](super::CallParams::agent).
    pub agent: String,
    /// The pet name, for `add`; the agent's claimed name when left out.
    pub name: Option<String>,
}

/// The answer to [`EditContactParams`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EditContactResult {
    /// The contact as it is now.
    #[serde(flatten)]
    pub contact: ContactView,
    /// The pet name that `add` replaced.
    pub renamed_from: Option<String>,
}

//! What a conversation is called on disk and in cursors.

use p2p_core::Conversation;

/// `c:<uuid>` for a call, `d:<hex>` for direct messages.
#[must_use]
pub fn conversation_key(conversation: &Conversation) -> String {
    match conversation {
        Conversation::Call(call) => format!("c:{call}"),
        Conversation::Direct(peer) => format!("d:{peer}"),
    }
}

/// The conversation behind such a key; `None` for anything else.
#[must_use]
pub fn parse_conversation_key(key: &str) -> Option<Conversation> {
    let conversation = match key.split_at_checked(2)? {
        ("c:", call) => Conversation::Call(call.parse().ok()?),
        ("d:", peer) => Conversation::Direct(peer.parse().ok()?),
        _ => return None,
    };
    // One conversation has one key, whatever other spellings its id has.
    (conversation_key(&conversation) == key).then_some(conversation)
}

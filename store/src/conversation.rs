//! The key of a conversation, on disk and in cursors.

use p2p_core::Conversation;

/// Returns `c:<uuid>` for a call, `d:<hex>` for direct messages.
#[must_use]
pub fn conversation_key(conversation: &Conversation) -> String {
    match conversation {
        Conversation::Call(call) => format!("c:{call}"),
        Conversation::Direct(peer) => format!("d:{peer}"),
    }
}

/// Returns the conversation of a key, or `None` for anything else.
#[must_use]
pub fn parse_conversation_key(key: &str) -> Option<Conversation> {
    let conversation = match key.split_at_checked(2)? {
        ("c:", call) => Conversation::Call(call.parse().ok()?),
        ("d:", peer) => Conversation::Direct(peer.parse().ok()?),
        _ => return None,
    };
    // A conversation has exactly one key, even where its id has several spellings.
    (conversation_key(&conversation) == key).then_some(conversation)
}

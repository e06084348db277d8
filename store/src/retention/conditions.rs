//! Conditions of deletion, as SQL, and the periods after which rows are deleted.

use std::time::Duration;

use p2p_core::Time;

/// The time that an entry of the event log is kept once every reader was shown it.
pub(crate) const EVENTS_KEPT: Duration = Duration::from_secs(92 * 24 * 3600);
/// The time that an owner's reply may refer to a message that the owner was sent.
pub(crate) const NOTES_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// Condition on a row `c` of `calls`: the call is open, its final `end` or a message waits to be
/// delivered, or a file is under way.
pub(crate) const BUSY: &str = "(c.phase <> 'ended' OR c.word_last IS NOT NULL
     OR EXISTS (SELECT 1 FROM streams_out s JOIN outbox o ON o.stream = s.id
         WHERE s.conversation = 'c:' || c.id)
     OR EXISTS (SELECT 1 FROM files f WHERE f.call = c.id AND f.state = 'transferring'))";

/// Returns an expression for the last entry of a conversation that every reader was shown: the
/// agent, always, and any other reader that ever read there. `conversation` is an SQL expression.
pub(crate) fn shown_to_all(conversation: &str) -> String {
    format!(
        "(SELECT iif(max(k.reader = 'agent'), min(k.seq), 0) FROM cursors k
          WHERE k.conversation = {conversation})"
    )
}

/// Returns a condition: a reader has not been shown all of a conversation. A missing cursor counts
/// as 0.
pub(crate) fn unread(conversation: &str) -> String {
    format!(
        "EXISTS (SELECT 1 FROM events u WHERE u.conversation = {conversation}
             AND u.seq > coalesce({}, 0))",
        shown_to_all(conversation)
    )
}

/// Returns the time that lies `span` before `now`, as stored.
pub(crate) fn ago(now: Time, span: Duration) -> i64 {
    let span = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    now.0.saturating_sub(span).cast_signed()
}

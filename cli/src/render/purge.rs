//! Results of `purge`: calls that were deleted, or would be.

use p2p_ipc::method::{KeptReason, PurgeResult};
use serde::Serialize;

use super::page::Page;
use super::text::Text;
use super::units::size;
use super::words::name;

/// Maximum number of calls shown by name.
const SHOWN: usize = 20;

/// Result of `purge`.
#[derive(Debug, Serialize)]
pub struct Deleted {
    /// The daemon's answer.
    #[serde(flatten)]
    pub purged: PurgeResult,
    /// The command that deletes the calls.
    #[serde(skip)]
    pub command: String,
}

impl Text for Deleted {
    fn text(&self, page: &mut Page) {
        let PurgeResult { deleted, calls, kept, store_bytes } = &self.purged;
        let messages: u64 = calls.iter().map(|call| u64::from(call.messages)).sum();
        let files: u64 = calls.iter().map(|call| u64::from(call.files)).sum();
        page.line(format!(
            "{} {}, {}, {}; the store has {}",
            if *deleted { "deleted" } else { "would delete" },
            count(calls.len() as u64, "call"),
            count(messages, "message"),
            count(files, "file"),
            size(*store_bytes)
        ));
        for purged in calls.iter().take(SHOWN) {
            let messages = count(u64::from(purged.messages), "message");
            let files = count(u64::from(purged.files), "file");
            let (c, peer) = (&purged.call.handle, name(&purged.call.peer));
            page.line(format!("{c} {peer}: {messages}, {files}"));
        }
        if calls.len() > SHOWN {
            page.line(format!("and {} more", calls.len() - SHOWN));
        }
        for (why, told) in
            [(KeptReason::Unread, "unread"), (KeptReason::Unfinished, "still on their way")]
        {
            let stay = kept.iter().filter(|kept| kept.reason == why);
            let stay: Vec<&str> = stay.map(|kept| kept.handle.as_str()).collect();
            if !stay.is_empty() {
                page.line(format!("kept, {told}: {}", stay.join(" ")));
            }
        }
        if !deleted && !calls.is_empty() {
            page.line("nothing was deleted yet");
            page.next(&self.command);
        }
    }
}

fn count(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

//! What no relay will ever carry as it is: its sender is told at once, instead of after three days
//! of attempts.

use super::Engine;
use crate::ids::{Conversation, RumorId};
use crate::record::Lane;
use crate::time::Time;

impl Engine {
    /// Gives a message up, or the file that it is a part of.
    pub(super) fn unfit(&mut self, now: Time, rumor: RumorId, why: &str) {
        let calls = self.calls.keys().copied().map(Conversation::Call);
        let direct = self.direct.keys().copied().map(Conversation::Direct);
        for conversation in calls.chain(direct).collect::<Vec<_>>() {
            let Some(channel) = self.channel(conversation) else { continue };
            let found = channel.find(rumor).map(|(stream, lane, number)| (stream.id, lane, number));
            match found {
                Some((_, Lane::Text, number)) => {
                    self.void_words(now, conversation, number, why);
                    self.flush(now, conversation);
                }
                Some((_, Lane::Plain, number)) => self.drop_plain(now, conversation, number, why),
                Some((stream, Lane::File(file), _)) => {
                    self.fail_file(now, conversation, stream, file, why);
                }
                _ => continue,
            }
            return;
        }
    }
}

//! A hint that a call has nothing more to say. Two polite agents can thank each other without end,
//! in any language; the engine never ends a call for it, and the agent is only told.

use crate::record::{Content, Speaker};

/// Number of messages at the end of a call that are looked at.
pub const SMALL_TALK_WINDOW: u32 = 12;
/// Smallest number of short messages in a row that is worth a hint.
const LEAST: u32 = 6;
/// Longest short message, in characters.
const SHORT: usize = 60;

/// Returns how many of the last messages of a call were short and asked nothing, if both sides
/// wrote some of them and there are enough for a hint. The newest message comes first.
pub fn small_talk<'a>(newest: impl IntoIterator<Item = (Speaker, &'a Content)>) -> Option<u32> {
    let idle = newest.into_iter().take_while(|(by, content)| !by.is_human() && is_idle(content));
    let (mut ours, mut theirs) = (0, 0);
    for (by, _) in idle {
        *(if by.is_ours() { &mut ours } else { &mut theirs }) += 1;
    }
    (ours > 0 && theirs > 0 && ours + theirs >= LEAST).then_some(ours + theirs)
}

/// Returns true for a short line without a question mark of any script.
fn is_idle(content: &Content) -> bool {
    let Content::Text(text) = content else { return false };
    let text = text.trim();
    let asks = |c| matches!(c, '?' | '？' | '؟' | '\u{37E}' | '՞' | '፧' | '⸮');
    text.chars().count() <= SHORT && !text.contains(asks) && !text.contains('\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hint for a call whose messages alternate between the two agents, newest last.
    fn hint(texts: &[&str]) -> Option<u32> {
        let said: Vec<(Speaker, Content)> = [Speaker::Agent, Speaker::Peer]
            .into_iter()
            .cycle()
            .zip(texts.iter().map(|text| Content::Text((*text).into())))
            .collect();
        small_talk(said.iter().rev().map(|(by, content)| (*by, content)))
    }

    #[test]
    fn six_short_messages_that_ask_nothing_are_small_talk() {
        let polite = ["Thanks!", "Gern geschehen", "谢谢", "Bye", "👍", "Until next time"];
        assert_eq!(hint(&polite), Some(6));
        assert_eq!(hint(&polite[1..]), None, "five are too few");
        let long = "x".repeat(SHORT + 1);
        assert_eq!(hint(&[&["Which page?", long.as_str()], &polite[..]].concat()), Some(6));
    }

    #[test]
    fn questions_long_texts_files_and_humans_are_not_small_talk() {
        let long = "x".repeat(SHORT + 1);
        for last in ["And the file?", "可以吗？", long.as_str(), "one\ntwo"] {
            assert_eq!(hint(&["a", "b", "c", "d", "e", "f", last]), None, "{last}");
        }
        let text = Content::Text("ok".into());
        let file = Content::File { file: 1, name: "a".into() };
        let row = |by: Speaker| [(Speaker::Agent, &text), (by, &text)].repeat(3);
        assert_eq!(small_talk(row(Speaker::Peer)), Some(6));
        assert_eq!(small_talk(row(Speaker::PeersHuman)), None);
        assert_eq!(small_talk(row(Speaker::Agent)), None, "one side alone");
        let with_file = [(Speaker::Peer, &file)].into_iter().chain(row(Speaker::Peer));
        assert_eq!(small_talk(with_file), None);
    }
}

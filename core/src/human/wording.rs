//! The text of messages to owners: plain and short, for a phone. A peer's text stands on lines that
//! begin with `│ `, or within a line of ours as one cleaned and shortened piece, so that a peer
//! cannot write the beginning of a line.

use core::time::Duration;

use crate::policy::{Policy, is_format};
use crate::record::{Line, Speaker};
use crate::text::Text;

/// Prefix of every line that a peer wrote.
const MARK: &str = "│ ";
/// Maximum length of one quoted line and of a whole text, in characters.
const LINE_LIMIT: usize = 600;
const WHOLE_LIMIT: usize = 3000;
/// Maximum length of a quoted piece within a line of ours, in characters.
const PIECE_LIMIT: usize = 80;

/// The commands, one per line.
pub const HELP: &str = "\
/calls: list open calls and questions
/show c7: show the last messages of a call
/approve, /deny: answer the open question
/say c7 text: send a message in a call, as the human
/takeover c7: speak in a call instead of the agent; what you write here is sent there
/resume c7: hand the call back to the agent
/end c7: end a call
/allow, /block npub, name or c7: choose who may call
/policy ask, allow-list, open or closed: choose what strangers may do
/mute 60, /unmute: get no questions for 60 minutes; get them again
/code: get a one-time code to use instead of your passphrase
/pair: get a code for another owner
/remove npub: remove an owner
You can leave out c7 when only one call is open. Anything else you write goes to your agent.";

/// The parts of a message that asks a question.
pub struct Asked<'a> {
    /// The agent's name.
    pub agent: &'a str,
    /// The question, 2 for `q2`.
    pub question: u32,
    /// The code of the question.
    pub code: &'a str,
    /// The call, formatted by [`call`].
    pub call: &'a str,
    /// The peer of the call, formatted by [`named`].
    pub peer: &'a str,
    /// The question itself.
    pub text: &'a str,
    /// The options.
    pub options: &'a [Text],
    /// The last messages of the call, oldest first.
    pub lines: &'a [Line],
}

/// Describes a policy for strangers.
pub fn policy(policy: Policy) -> &'static str {
    match policy {
        Policy::Ask => "strangers may knock",
        Policy::AllowList => "strangers are ignored",
        Policy::Open => "strangers may call like contacts",
        Policy::Closed => "nobody may call",
    }
}

/// Formats a question to an owner.
pub fn ask(asked: &Asked<'_>) -> String {
    let Asked { agent, question, code, call, peer, text, options, lines } = asked;
    let agent = if agent.is_empty() { "Your agent".into() } else { piece(agent) };
    // The question may repeat a peer's text: only its first line begins like a line of ours.
    let text = plain(text).replace('\n', "\n  ");
    let mut out = format!("{agent} asks (q{question}, code {code})\nin {call}:\n{text}");
    let numbered = options.iter().zip(1..).map(|(option, n)| format!("{n}) {}", piece_of(option)));
    if !options.is_empty() {
        out = out + "\n" + &numbered.collect::<Vec<_>>().join("  ");
    }
    if !lines.is_empty() {
        out = out + "\nLast messages:\n" + &transcript(peer, lines);
    }
    out + &format!(
        "\nReply to this message, or start your answer with {code}. /help lists the commands."
    )
}

/// Formats the newest messages of a call, as many as fit.
pub fn transcript(peer: &str, lines: &[Line]) -> String {
    let mut room = WHOLE_LIMIT;
    let mut shown: Vec<String> = Vec::new();
    for line in lines.iter().rev() {
        let line = match line.by {
            Speaker::Peer => quote(&format!("{peer}: "), &line.text, LINE_LIMIT),
            Speaker::PeersHuman => quote(&format!("{peer}'s human: "), &line.text, LINE_LIMIT),
            Speaker::Agent => indent("me: ", &line.text),
            Speaker::Human => indent("you: ", &line.text),
        };
        let length = line.chars().count() + 1;
        if length > room {
            shown.push("…".into());
            break;
        }
        room -= length;
        shown.push(line);
    }
    shown.reverse();
    shown.join("\n")
}

/// Formats a message of a peer for an owner who has taken over the call.
pub fn forward(call: u32, peer: &str, by: Speaker, text: &str) -> String {
    let who = if by.is_human() { format!("{peer}'s human") } else { peer.into() };
    format!("c{call}, {who}:\n{}", quote("", text, WHOLE_LIMIT))
}

/// Names a call in a line of ours: `c7 with bob, "topic"`.
pub fn call(handle: u32, peer: &str, topic: &str) -> String {
    match piece(topic) {
        topic if topic.is_empty() => format!("c{handle} with {peer}"),
        topic => format!("c{handle} with {peer}, \"{topic}\""),
    }
}

/// Names a key in a line of ours: by its pet name, or by its claimed name in quotes.
pub fn named(name: Option<&str>, claimed: Option<&str>, npub: &str) -> String {
    let claimed = claimed.map(piece).filter(|claimed| !claimed.is_empty());
    match (name, claimed) {
        (Some(name), _) => name.into(),
        (None, Some(claimed)) => format!("~\"{claimed}\""),
        (None, None) => npub.chars().take(12).chain(['…']).collect(),
    }
}

/// Cleans foreign text for use within a line of ours: one short line without double quotes.
pub fn piece(text: &str) -> String {
    let one_line: Vec<String> = breaks(text).map(|line| clean(line).replace('"', "'")).collect();
    cut(one_line.join(" ").trim(), PIECE_LIMIT)
}

/// Cleans an option. It is not shortened, since an owner answers with it.
pub fn piece_of(option: &str) -> String {
    breaks(option).map(clean).collect::<Vec<_>>().join(" ")
}

/// Cleans and cuts text of our own side.
pub fn plain(text: &str) -> String {
    let lines: Vec<String> = breaks(text.trim()).map(clean).collect();
    cut(&lines.join("\n"), WHOLE_LIMIT)
}

/// Indents the later lines of our own text, since they may repeat what a peer wrote.
fn indent(who: &str, text: &str) -> String {
    let lines: Vec<String> =
        breaks(text.trim()).map(|line| cut(&clean(line), LINE_LIMIT)).collect();
    format!("{who}{}", cut(&lines.join("\n"), LINE_LIMIT).replace('\n', "\n  "))
}

/// Marks each line of a peer's text.
fn quote(who: &str, text: &str, limit: usize) -> String {
    let mut room = limit;
    let mut lines: Vec<String> = Vec::new();
    for (line, who) in breaks(text.trim()).zip([who].into_iter().chain(core::iter::repeat(""))) {
        let line = format!("{MARK}{who}{}", cut(&clean(line), LINE_LIMIT));
        let length = line.chars().count() + 1;
        if length > room {
            lines.push(cut(&line, room.max(MARK.len())));
            break;
        }
        room -= length;
        lines.push(line);
    }
    lines.join("\n")
}

/// Splits text at every character that some program takes for a line break.
fn breaks(text: &str) -> impl Iterator<Item = &str> {
    let line_break =
        |c| matches!(c, '\n' | '\r' | '\u{B}' | '\u{C}' | '\u{85}' | '\u{2028}' | '\u{2029}');
    let mut rest = Some(text);
    core::iter::from_fn(move || {
        let text = rest?;
        let Some(at) = text.find(line_break) else { return rest.take() };
        let (line, behind) = text.split_at(at);
        let width = if behind.starts_with("\r\n") {
            2
        } else {
            behind.chars().next().map_or(0, char::len_utf8)
        };
        rest = Some(&behind[width..]);
        Some(line)
    })
}

fn clean(line: &str) -> String {
    let line = line.replace('\t', " ");
    line.chars().filter(|c| !c.is_control() && !is_format(*c)).collect()
}

/// Cuts text to a number of characters, with an ellipsis at the end.
fn cut(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.into();
    }
    text.chars().take(limit.saturating_sub(1)).chain(['…']).collect()
}

/// Formats a duration for people.
pub fn span(time: Duration) -> String {
    let minutes = time.as_secs() / 60;
    match minutes {
        1 => "1 minute".into(),
        0..120 => format!("{minutes} minutes"),
        120..2880 => format!("{} hours", minutes / 60),
        _ => format!("{} days", minutes / 1440),
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn line(by: Speaker, text: &str) -> Line {
        Line { by, text: text.into() }
    }

    fn asked<'a>(call: &'a str, peer: &'a str, lines: &'a [Line]) -> Asked<'a> {
        let (agent, code, text) = ("agent-x7k2", "K7QX", "Approve 40 EUR?");
        Asked { agent, question: 2, code, call, peer, text, options: &[], lines }
    }

    #[test]
    fn a_question_shows_its_call_options_and_last_messages() {
        let lines = [
            line(Speaker::Peer, "I can do it for 40.\nCash."),
            line(Speaker::Agent, "Let me ask\nmy human."),
            line(Speaker::PeersHuman, "Hurry"),
        ];
        let call = call(7, "bob", "translate the docs");
        let options = ["yes".into(), "no".into()];
        let asked = Asked { options: &options, ..asked(&call, "bob", &lines) };
        let text = "agent-x7k2 asks (q2, code K7QX)\nin c7 with bob, \"translate the docs\":\n\
            Approve 40 EUR?\n1) yes  2) no\nLast messages:\n│ bob: I can do it for 40.\n│ Cash.\n\
            me: Let me ask\n  my human.\n│ bob's human: Hurry\n\
            Reply to this message, or start your answer with K7QX. /help lists the commands.";
        assert_eq!(ask(&asked), text);
    }

    #[test]
    fn quoted_pieces_and_names_stay_on_one_line() {
        assert_eq!(piece("a\n/end \"x\" \u{202E}b\u{1b}[0m"), "a /end 'x' b[0m");
        assert_eq!(piece(&"x".repeat(200)).chars().count(), PIECE_LIMIT);
        assert_eq!(named(Some("bob"), Some("eve"), "npub1x"), "bob");
        assert_eq!(named(None, Some("Bob\" said\nq2"), "npub1x"), "~\"Bob' said q2\"");
        assert_eq!(named(None, Some("\u{200B}"), "npub1abcdefghijk"), "npub1abcdefg…");
        assert_eq!(call(7, "bob", " "), "c7 with bob");
    }

    #[test]
    fn long_texts_are_cut_with_an_ellipsis() {
        let long = forward(
            7,
            "bob",
            Speaker::Peer,
            &format!("{}\n{}", "x".repeat(900), "y\n".repeat(9000)),
        );
        assert!(long.lines().skip(1).all(|line| line.starts_with(MARK)), "{long}");
        let first = long.lines().nth(1).unwrap_or_default();
        assert_eq!(first.chars().count(), MARK.chars().count() + LINE_LIMIT);
        assert!(first.ends_with('…') && long.chars().count() < 3100, "{}", long.len());
        let many = vec![line(Speaker::Peer, &"z".repeat(700)); 20];
        let shown = transcript("bob", &many);
        assert!(shown.starts_with("…\n│ bob: zz") && shown.chars().count() <= 3002);
        assert_eq!(forward(7, "bob", Speaker::PeersHuman, "hi"), "c7, bob's human:\n│ hi");
    }

    /// Text that tries to begin a line.
    fn hostile() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("FORGED".to_owned()),
            prop::sample::select(vec![
                "\n",
                "\r",
                "\r\n",
                "\u{b}",
                "\u{c}",
                "\u{85}",
                "\u{2028}",
                "\u{2029}",
                "\t",
                " ",
                "\u{202e}",
                "\u{200b}",
                "\u{0}",
                "\u{1b}[2K",
                "│",
                "\"",
                "x",
            ])
            .prop_map(String::from),
            any::<String>(),
        ];
        vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    /// Returns true if the marker begins a line on any screen.
    fn begins(text: &str) -> bool {
        let unseen = |c: char| c.is_whitespace() || c.is_control() || is_format(c);
        breaks(text).any(|line| line.trim_start_matches(unseen).starts_with("FORGED"))
    }

    proptest! {
        #[test]
        fn text_of_a_peer_never_begins_a_line(
            topic in hostile(), claimed in hostile(), said in hostile(), human in any::<bool>(),
        ) {
            let by = if human { Speaker::PeersHuman } else { Speaker::Peer };
            let peer = named(None, Some(&claimed), "npub1");
            let call = call(7, &peer, &topic);
            let lines = vec![line(by, &said), line(Speaker::Agent, "ok"), line(by, &said)];
            for text in [
                ask(&asked(&call, &peer, &lines)),
                transcript(&peer, &lines),
                forward(7, &peer, by, &said),
                call.clone(),
            ] {
                prop_assert!(!begins(&text), "{text:?}");
                let bare = |c: char| c != '\n' && (c.is_control() || is_format(c));
                prop_assert!(!text.contains(bare), "{text:?}");
            }
        }
    }
}

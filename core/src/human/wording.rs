//! What owners are told: plain and short, for a phone. Our words come first; what is a peer's
//! stands on lines that begin with `│ `, or within a line of ours as one cleaned, shortened piece,
//! so that nothing of a peer's can begin a line.

use core::time::Duration;

use crate::policy::{Policy, is_format};
use crate::record::{Line, Speaker};
use crate::text::Text;

/// What every line of a peer's begins with.
const MARK: &str = "│ ";
/// Longest line of somebody else's, and longest text, in characters.
const LINE_LIMIT: usize = 600;
const WHOLE_LIMIT: usize = 3000;
/// Longest piece within a line of ours.
const PIECE_LIMIT: usize = 80;

/// The commands, one a line.
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

/// What a question is told with.
pub struct Asked<'a> {
    /// The agent's name.
    pub agent: &'a str,
    /// `2` for `q2`.
    pub question: u32,
    /// Its code.
    pub code: &'a str,
    /// The call, as [`call`] writes it.
    pub call: &'a str,
    /// Its peer, as [`named`] writes it.
    pub peer: &'a str,
    /// What is asked.
    pub text: &'a str,
    /// Answers to choose from.
    pub options: &'a [Text],
    /// What was said last, oldest first.
    pub lines: &'a [Line],
}

/// What strangers may do.
pub fn policy(policy: Policy) -> &'static str {
    match policy {
        Policy::Ask => "strangers may knock",
        Policy::AllowList => "strangers are ignored",
        Policy::Open => "strangers may call like contacts",
        Policy::Closed => "nobody may call",
    }
}

/// A question, as an owner gets it.
pub fn ask(asked: &Asked<'_>) -> String {
    let Asked { agent, question, code, call, peer, text, options, lines } = asked;
    let agent = if agent.is_empty() { "Your agent".into() } else { piece(agent) };
    // It may repeat what a peer wrote: only its first line begins like one of ours.
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

/// Lines of a call, as many of the newest as there is room for.
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

/// Something that a peer said, to be read by an owner who took the call over.
pub fn forward(call: u32, peer: &str, by: Speaker, text: &str) -> String {
    let who = if by.is_human() { format!("{peer}'s human") } else { peer.into() };
    format!("c{call}, {who}:\n{}", quote("", text, WHOLE_LIMIT))
}

/// A call in a line of ours: `c7 with bob, "topic"`.
pub fn call(handle: u32, peer: &str, topic: &str) -> String {
    match piece(topic) {
        topic if topic.is_empty() => format!("c{handle} with {peer}"),
        topic => format!("c{handle} with {peer}, \"{topic}\""),
    }
}

/// Whose a key is, in a line of ours: a pet name as it is, a claimed one marked as such.
pub fn named(name: Option<&str>, claimed: Option<&str>, npub: &str) -> String {
    let claimed = claimed.map(piece).filter(|claimed| !claimed.is_empty());
    match (name, claimed) {
        (Some(name), _) => name.into(),
        (None, Some(claimed)) => format!("~\"{claimed}\""),
        (None, None) => npub.chars().take(12).chain(['…']).collect(),
    }
}

/// Foreign text within a line of ours: one line, short, without quotation marks that would end
/// ours.
pub fn piece(text: &str) -> String {
    let one_line: Vec<String> = breaks(text).map(|line| clean(line).replace('"', "'")).collect();
    cut(one_line.join(" ").trim(), PIECE_LIMIT)
}

/// An option is our agent's and is answered with, so that it stays whole.
pub fn piece_of(option: &str) -> String {
    breaks(option).map(clean).collect::<Vec<_>>().join(" ")
}

/// Words of our own side, cleaned and cut.
pub fn plain(text: &str) -> String {
    let lines: Vec<String> = breaks(text.trim()).map(clean).collect();
    cut(&lines.join("\n"), WHOLE_LIMIT)
}

/// What our side said: its later lines are set off, since they may repeat what a peer wrote.
fn indent(who: &str, text: &str) -> String {
    let lines: Vec<String> =
        breaks(text.trim()).map(|line| cut(&clean(line), LINE_LIMIT)).collect();
    format!("{who}{}", cut(&lines.join("\n"), LINE_LIMIT).replace('\n', "\n  "))
}

/// A peer's text, each line of it marked.
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

/// Lines, wherever any program may break them.
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

/// At most so many characters; the last of them says that something is missing.
fn cut(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.into();
    }
    text.chars().take(limit.saturating_sub(1)).chain(['…']).collect()
}

/// A span of time, as one says it.
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
    fn a_question_reads_as_the_design_shows_it() {
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
    fn pieces_and_names_stay_within_their_line() {
        assert_eq!(piece("a\n/end \"x\" \u{202E}b\u{1b}[0m"), "a /end 'x' b[0m");
        assert_eq!(piece(&"x".repeat(200)).chars().count(), PIECE_LIMIT);
        assert_eq!(named(Some("bob"), Some("eve"), "npub1x"), "bob");
        assert_eq!(named(None, Some("Bob\" said\nq2"), "npub1x"), "~\"Bob' said q2\"");
        assert_eq!(named(None, Some("\u{200B}"), "npub1abcdefghijk"), "npub1abcdefg…");
        assert_eq!(call(7, "bob", " "), "c7 with bob");
    }

    #[test]
    fn long_texts_are_cut_and_say_so() {
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

    /// What begins a line on any screen.
    fn begins(text: &str) -> bool {
        let unseen = |c: char| c.is_whitespace() || c.is_control() || is_format(c);
        breaks(text).any(|line| line.trim_start_matches(unseen).starts_with("FORGED"))
    }

    proptest! {
        #[test]
        fn nothing_of_a_peers_begins_a_line(
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

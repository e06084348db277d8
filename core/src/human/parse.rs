//! The parser for slash commands. Calls and people are named as a human names them; the engine
//! resolves the names.

use core::time::Duration;

use crate::ids::PublicKey;
use crate::policy::Policy;
use crate::text::Text;

/// Duration of `/mute` without a number.
const MUTE: Duration = Duration::from_secs(8 * 3600);
/// Maximum duration of `/mute`, in minutes.
const MUTE_LIMIT: u64 = 30 * 24 * 60;

/// A command whose names are not resolved yet. A call is its number, 7 for `c7`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParsedCommand {
    /// `/approve` or `/deny`, and the question by its code or as `q2`.
    Decide {
        yes: bool,
        question: Option<String>,
    },
    Calls,
    Show(Option<u32>),
    Say(Option<u32>, Text),
    Takeover(Option<u32>),
    Resume(Option<u32>),
    End(Option<u32>, Text),
    Mute(Duration),
    Unmute,
    Allow(String),
    Block(String),
    Policy(Policy),
    Remove(PublicKey),
    Pair,
    Code,
    Help,
    /// Confirms a late command.
    Yes,
}

/// Parses a command.
///
/// # Errors
/// The usage of the command, or nothing if the command is unknown.
pub fn parse(text: &str) -> Result<ParsedCommand, Option<&'static str>> {
    let text = text.trim();
    let (command, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim();
    let (first, behind) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let words = match handle(first, 'c') {
        Some(call) => (Some(call), Text::from(behind.trim())),
        None => (None, rest.into()),
    };
    let call = |usage| match (&words, rest) {
        ((Some(call), behind), _) if behind.is_empty() => Ok(Some(*call)),
        (_, "") => Ok(None),
        _ => Err(Some(usage)),
    };
    let name = |usage| if first.is_empty() { Err(Some(usage)) } else { Ok(first.to_owned()) };
    Ok(match command.to_lowercase().as_str() {
        "/approve" => ParsedCommand::Decide { yes: true, question: some(rest) },
        "/deny" => ParsedCommand::Decide { yes: false, question: some(rest) },
        "/calls" => ParsedCommand::Calls,
        "/show" => ParsedCommand::Show(call("/show c7")?),
        "/say" if words.1.is_empty() => return Err(Some("/say c7 your text")),
        "/say" => ParsedCommand::Say(words.0, words.1),
        "/takeover" => ParsedCommand::Takeover(call("/takeover c7")?),
        "/resume" => ParsedCommand::Resume(call("/resume c7")?),
        "/end" => ParsedCommand::End(words.0, words.1),
        "/mute" if rest.is_empty() => ParsedCommand::Mute(MUTE),
        "/mute" => match rest.parse() {
            Ok(minutes @ 1..=MUTE_LIMIT) => ParsedCommand::Mute(Duration::from_secs(60 * minutes)),
            _ => return Err(Some("/mute 60, in minutes")),
        },
        "/unmute" => ParsedCommand::Unmute,
        "/allow" => ParsedCommand::Allow(name("/allow npub1…, a name, or c7")?),
        "/block" => ParsedCommand::Block(name("/block npub1…, a name, or c7")?),
        "/policy" => ParsedCommand::Policy(match rest.to_lowercase().as_str() {
            "ask" => Policy::Ask,
            "allow-list" => Policy::AllowList,
            "open" => Policy::Open,
            "closed" => Policy::Closed,
            _ => return Err(Some("/policy ask, allow-list, open or closed")),
        }),
        "/remove" => match PublicKey::parse(rest) {
            Ok(key) => ParsedCommand::Remove(key),
            Err(_) => return Err(Some("/remove npub1…")),
        },
        "/pair" => ParsedCommand::Pair,
        "/code" => ParsedCommand::Code,
        "/help" | "/start" => ParsedCommand::Help,
        "/yes" => ParsedCommand::Yes,
        _ => return Err(None),
    })
}

/// Parses a handle of a series, such as `c7`, to its number.
pub fn handle(word: &str, series: char) -> Option<u32> {
    let number = word.strip_prefix([series, series.to_ascii_uppercase()])?;
    number.parse().ok().filter(|_| number.bytes().all(|digit| digit.is_ascii_digit()))
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_parsed() {
        let key = PublicKey([7; 32]);
        let decide = |yes, question: Option<&str>| ParsedCommand::Decide {
            yes,
            question: question.map(String::from),
        };
        let table = [
            ("/approve", decide(true, None)),
            ("/Approve k7qx", decide(true, Some("k7qx"))),
            ("/deny q2", decide(false, Some("q2"))),
            ("/calls", ParsedCommand::Calls),
            ("/show", ParsedCommand::Show(None)),
            ("/show C7", ParsedCommand::Show(Some(7))),
            ("/say hello there", ParsedCommand::Say(None, "hello there".into())),
            ("/say c7 hello\nthere ", ParsedCommand::Say(Some(7), "hello\nthere".into())),
            ("/say c7x hello", ParsedCommand::Say(None, "c7x hello".into())),
            ("/say c+7 hello", ParsedCommand::Say(None, "c+7 hello".into())),
            ("/takeover", ParsedCommand::Takeover(None)),
            ("/resume c12", ParsedCommand::Resume(Some(12))),
            ("/end", ParsedCommand::End(None, Text::default())),
            ("/end c7", ParsedCommand::End(Some(7), Text::default())),
            ("/end c7 thank you", ParsedCommand::End(Some(7), "thank you".into())),
            ("/end thank you", ParsedCommand::End(None, "thank you".into())),
            ("/mute", ParsedCommand::Mute(Duration::from_secs(8 * 3600))),
            ("/mute 90", ParsedCommand::Mute(Duration::from_secs(90 * 60))),
            ("/unmute", ParsedCommand::Unmute),
            ("/allow bob", ParsedCommand::Allow("bob".into())),
            ("/block c8", ParsedCommand::Block("c8".into())),
            ("/policy Allow-List", ParsedCommand::Policy(Policy::AllowList)),
            ("/pair", ParsedCommand::Pair),
            ("/code", ParsedCommand::Code),
            ("  /help  ", ParsedCommand::Help),
            ("/yes", ParsedCommand::Yes),
        ];
        for (text, wish) in table {
            assert!(parse(text) == Ok(wish), "{text}");
        }
        assert!(parse(&format!("/remove {}", key.npub())) == Ok(ParsedCommand::Remove(key)));
    }

    #[test]
    fn an_invalid_command_results_in_its_usage() {
        for text in ["/say", "/say c7", "/show bob", "/takeover now please", "/mute 0", "/mute x"] {
            assert!(matches!(parse(text), Err(Some(_))), "{text}");
        }
        for text in
            ["/allow", "/block", "/policy", "/policy maybe", "/remove bob", "/mute 99999999"]
        {
            assert!(matches!(parse(text), Err(Some(_))), "{text}");
        }
        for text in ["/", "/approved", "/ help", "/é"] {
            assert!(matches!(parse(text), Err(None)), "{text}");
        }
    }
}

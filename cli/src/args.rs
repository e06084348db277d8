//! The command line: the tree of verbs and the options common to all verbs.

use std::ffi::OsString;
use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, CommandFactory, FromArgMatches, Parser, Subcommand};
use p2p_ipc::{ErrorCode, RpcError};

use crate::render::words::shell_word;
use crate::verb;

/// Calls between agents over Nostr: find them, talk, send files, ask your human.
///
/// Without a verb: show the current state and the next step. Exit codes: 0 ok, 1 internal, 2 usage,
/// 3 nothing yet (work on and look again), 4 no daemon, 5 no relay, 6 ambiguous or not found,
/// 7 the peer said no, 8 the peer was not reached, 9 refused, or nobody was told.
#[derive(Debug, Parser)]
#[command(
    name = "p2p",
    bin_name = "p2p",
    version,
    disable_help_subcommand = true,
    max_term_width = 100,
    after_help = "Examples:\n  p2p\n  p2p list --can docs\n  p2p call bob \"Translate docs/de.md\" --wait 20\n  p2p send \"How far are you?\"\n  p2p inbox"
)]
pub struct Cli {
    /// One JSON object on stdout, for errors too
    #[arg(long, global = true)]
    pub json: bool,
    /// The verb; without one, the overview
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Show the identity, relays, calls and unread items
    Status(verb::status::Args),
    /// List agents that are online
    List(verb::list::Args),
    /// Show this agent's name and keys
    Whoami(verb::whoami::Args),
    /// Call an agent
    Call(verb::call::Args),
    /// Accept or reject a call that rings here
    Answer(verb::answer::Args),
    /// Send a message in a call
    Send(verb::send::Args),
    /// Send a message in a call and wait for the reply
    Request(verb::request::Args),
    /// Send a direct message, outside any call
    Dm(verb::dm::Args),
    /// Take back a message or file that has not gone out
    Cancel(verb::cancel::Args),
    /// Send a file in a call
    Sendfile(verb::sendfile::Args),
    /// List files, or fetch one that was received
    Files(verb::files::Args),
    /// Read unread items
    Inbox(verb::inbox::Args),
    /// Show one message, call, file or question in full
    Read(verb::read::Args),
    /// List the readers of the inbox, or remove one
    Readers(verb::readers::Args),
    /// Wait for something unread
    Wait(verb::wait::Args),
    /// Follow what comes, one JSON line per event
    Watch(verb::watch::Args),
    /// Print one line about unread items, or nothing
    Pending(verb::pending::Args),
    /// Ask your human
    Escalate(verb::escalate::Args),
    /// Show the owners, and give owner's commands at a terminal
    Owner(verb::owner::Args),
    /// List questions to your human, and the answers
    Questions(verb::questions::Args),
    /// End a call
    End(verb::end::Args),
    /// List calls, newest first
    Calls(verb::calls::Args),
    /// Show the messages of a call
    Transcript(verb::transcript::Args),
    /// Check that both ends of a call have the same transcript
    Verify(verb::verify::Args),
    /// Delete ended calls
    Purge(verb::purge::Args),
    /// Manage names for keys, and who may ring
    Contacts(verb::contacts::Args),
    /// Manage tokens that let strangers ring
    Invite(verb::invite::Args),
    /// Copy the identity file
    Identity(verb::identity::Args),
    /// Manage the background service
    Daemon(verb::daemon::Args),
    /// Run a relay on this machine
    Relay(verb::relay::Args),
    /// Show every verb with two agents on this machine
    Demo(verb::demo::Args),
}

/// Result of a command line that does not name a verb to run.
#[derive(Debug)]
pub enum Unparsed {
    /// Help or the version, for stdout.
    Ready(String),
    /// An error in the command line.
    Wrong(RpcError),
}

/// Reads the command line. A program called `p2pd` is `p2p daemon run`.
///
/// # Errors
/// [`Unparsed`] if help was asked for, or the command line is wrong.
pub fn parse(args: &[OsString]) -> Result<Cli, Unparsed> {
    let mut args = args.to_vec();
    if args.first().is_some_and(|name| Path::new(name).file_name() == Some("p2pd".as_ref())) {
        args.splice(..1, ["p2p".into(), "daemon".into(), "run".into()]);
    }
    if args.get(1).is_some_and(|verb| verb == "help") {
        args.remove(1);
        args.push("--help".into());
    }
    // A mistyped option must not be sent to a peer as text: text that begins with a dash is
    // accepted only if nothing on the command line looks like an unknown option.
    let strict = each(Cli::command(), &|arg| arg.allow_hyphen_values(false));
    let parsed = match strict.try_get_matches_from(&args) {
        Err(_) if args.iter().any(is_dashed_words) => Cli::command().try_get_matches_from(&args),
        parsed => parsed,
    };
    parsed.and_then(|matches| Cli::from_arg_matches(&matches)).map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => Unparsed::Ready(error.to_string()),
        _ => Unparsed::Wrong(wrong(&error, &args)),
    })
}

/// Changes every argument of a command and of its subcommands.
fn each(command: Command, change: &dyn Fn(Arg) -> Arg) -> Command {
    command.mut_args(change).mut_subcommands(|sub| each(sub, change))
}

/// Returns true if an argument begins with a dash and cannot be meant as an option: `- one`, `-5`.
fn is_dashed_words(arg: &OsString) -> bool {
    let text = arg.to_string_lossy();
    let Some(rest) = text.strip_prefix('-') else { return false };
    let name = rest.strip_prefix('-').unwrap_or(rest);
    let before_value = name.split('=').next().unwrap_or_default();
    let is_option =
        name.starts_with(char::is_alphabetic) && !before_value.contains(char::is_whitespace);
    !rest.is_empty() && text != "--" && !is_option
}

/// Returns true if `--json` is among the arguments, even if they do not parse.
#[must_use]
pub fn wants_json(args: &[OsString]) -> bool {
    args.iter().skip(1).take_while(|arg| *arg != "--").any(|arg| arg == "--json")
}

fn wrong(error: &clap::Error, args: &[OsString]) -> RpcError {
    let text = error.to_string();
    let mut lines = text
        .lines()
        .map(|line| line.trim().trim_start_matches("error: "))
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
        // The hint gives the same advice with a command that can be pasted.
        .filter(|line| !line.is_empty() && !line.starts_with("tip: to pass"));
    let first = lines.next().unwrap_or("the command line is wrong").to_owned();
    let message = lines.fold(first, |message, line| match line.strip_prefix("tip: ") {
        Some(tip) => message + "; " + tip,
        None => message + " " + line,
    });
    let verb = args
        .iter()
        .skip(1)
        .filter_map(|arg| arg.to_str())
        .find(|arg| Cli::command().find_subcommand(arg).is_some());
    let help = verb.map_or("p2p --help".into(), |verb| format!("p2p {verb} --help"));
    let hint = match verb.and_then(|verb| as_words(verb, error, args)) {
        Some(command) => format!("{help}\nif it is text to send: {command}"),
        None => help,
    };
    RpcError::new(ErrorCode::Usage, message).hint(hint)
}

/// Returns the command line with the text behind a `--`, if the verb takes text.
fn as_words(verb: &str, error: &clap::Error, args: &[OsString]) -> Option<String> {
    let command = Cli::command();
    let verb = command.find_subcommand(verb)?;
    verb.get_positionals().find(|arg| arg.is_allow_hyphen_values_set())?;
    let unknown = match (error.get(ContextKind::InvalidArg), error.get(ContextKind::SuggestedArg)) {
        (Some(ContextValue::String(unknown)), None) => unknown,
        _ => return None,
    };
    let typed: Vec<_> = args.iter().skip(1).map(|arg| arg.to_string_lossy()).collect();
    let word = typed.iter().find(|arg| arg.starts_with('-') && arg.starts_with(unknown))?;
    let rest = typed.iter().filter(|arg| *arg != word).map(|arg| shell_word(arg));
    let rest: Vec<String> = rest.collect();
    Some(format!("p2p {} -- {}", rest.join(" "), shell_word(word)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::envelope::Envelope;

    fn args(line: &[&str]) -> Vec<OsString> {
        line.iter().map(OsString::from).collect()
    }

    fn every_command(command: &clap::Command, check: &mut impl FnMut(&clap::Command)) {
        check(command);
        command.get_subcommands().for_each(|sub| every_command(sub, check));
    }

    #[test]
    fn the_tree_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_help_of_every_verb_shows_examples() {
        let mut root = Cli::command();
        root.build();
        every_command(&root, &mut |command| {
            let help = command.clone().render_long_help().to_string();
            assert!(help.contains("Examples:\n"), "{} has none", command.get_name());
        });
    }

    #[test]
    fn peer_text_is_taken_from_a_quoted_heredoc_in_the_help_of_send() {
        let help = Cli::command().find_subcommand_mut("send").unwrap().render_long_help();
        assert!(help.to_string().contains("p2p send - <<'EOF'"));
    }

    #[test]
    fn a_wrong_command_line_is_a_usage_error_in_both_forms() {
        for line in [
            &["p2p", "--json", "sned"][..],
            &["p2p", "call", "--json"],
            &["p2p", "send", "--until", "never", "x", "--json"],
            &["p2p", "inbox", "--reader", "--json"],
        ] {
            let line = args(line);
            assert!(wants_json(&line));
            let Err(Unparsed::Wrong(error)) = parse(&line) else { panic!("{line:?} parsed") };
            assert_eq!(error.code, ErrorCode::Usage);
            assert!(!error.message.contains("error:") && !error.message.contains('\n'));
            let json = Envelope::error(&error, None, None).line().unwrap();
            assert!(json.starts_with("{\"v\":2,\"ok\":false,\"error\":{\"code\":\"usage\""));
        }
        assert!(!wants_json(&args(&["p2p", "send", "--", "--json"])));
    }

    #[test]
    fn the_hint_names_the_help_of_the_verb() {
        let Err(Unparsed::Wrong(error)) = parse(&args(&["p2p", "call"])) else { panic!() };
        assert_eq!(error.hint.as_deref(), Some("p2p call --help"));
    }

    #[test]
    fn the_old_skills_commands_parse_as_they_are() {
        for line in [
            &["p2p", "status"][..],
            &["p2p", "list"],
            &["p2p", "call", "abc", "topic"],
            &["p2p", "answer", "accept"],
            &["p2p", "answer", "reject", "I'm busy right now"],
            &["p2p", "send", "Hello"],
            &["p2p", "sendfile", "report.json", "eyJkYXRhIjogdHJ1ZX0="],
            &["p2p", "escalate", "Need human decision"],
            &["p2p", "end"],
        ] {
            assert!(parse(&args(line)).is_ok(), "{line:?}");
        }
    }

    #[test]
    fn words_may_begin_with_a_dash_and_options_may_follow() {
        let line = args(&["p2p", "send", "- one\n- two", "--call", "c7", "--json"]);
        let cli = parse(&line).unwrap();
        assert!(cli.json);
        let Some(Verb::Send(send)) = cli.verb else { panic!() };
        assert_eq!(send.words.text.as_deref(), Some("- one\n- two"));
        assert_eq!(send.call.as_deref(), Some("c7"));
        let cli = parse(&args(&["p2p", "send", "--call", "c7", "-"])).unwrap();
        let Some(Verb::Send(send)) = cli.verb else { panic!() };
        assert_eq!(send.words.text.as_deref(), Some("-"));
        for words in ["-5 degrees", "--", "--no, thanks", "- x --bogus", "---"] {
            let cli = parse(&args(&["p2p", "send", "--call", "c7", "--", words])).unwrap();
            assert!(
                matches!(cli.verb, Some(Verb::Send(send)) if send.words.text.as_deref() == Some(words))
            );
        }
    }

    #[test]
    fn a_mistyped_option_is_no_text() {
        for line in [
            &["p2p", "send", "--bogus"][..],
            &["p2p", "send", "-x"],
            &["p2p", "send", "--cal=c7"],
            &["p2p", "end", "--cal", "c7"],
            &["p2p", "dm", "bob", "--again!"],
            &["p2p", "answer", "reject", "--cal"],
            &["p2p", "escalate", "--quite"],
            &["p2p", "call", "bob", "docs", "-m", "--new"],
            &["p2p", "call", "bob", "docs", "-m", "- hello", "--bogus"],
        ] {
            let Err(Unparsed::Wrong(error)) = parse(&args(line)) else { panic!("{line:?} parsed") };
            assert_eq!(error.code, ErrorCode::Usage, "{line:?}");
        }
        let Err(Unparsed::Wrong(error)) = parse(&args(&["p2p", "send", "--bogus"])) else {
            panic!()
        };
        assert!(!error.message.contains("tip"), "{}", error.message);
        assert!(error.hint.unwrap().ends_with("p2p send -- --bogus"));
        let cli = parse(&args(&["p2p", "send", "--", "--bogus"])).unwrap();
        assert!(
            matches!(cli.verb, Some(Verb::Send(send)) if send.words.text.as_deref() == Some("--bogus"))
        );
        let cli = parse(&args(&["p2p", "call", "bob", "docs", "--message=--new"])).unwrap();
        assert!(matches!(cli.verb, Some(Verb::Call(_))));
    }

    #[test]
    fn help_is_had_by_the_word_too() {
        for (line, shown) in [
            (&["p2p", "help"][..], "Usage: p2p [OPTIONS] [COMMAND]"),
            (&["p2p", "help", "send"], "Usage: p2p send"),
            (&["p2p", "help", "daemon", "logs"], "Usage: p2p daemon logs"),
        ] {
            let Err(Unparsed::Ready(text)) = parse(&args(line)) else { panic!("{line:?}") };
            assert!(text.contains(shown), "{text}");
        }
        assert!(matches!(parse(&args(&["p2p", "help", "sned"])), Err(Unparsed::Wrong(_))));
    }

    #[test]
    fn at_least_one_is_shown() {
        for line in [
            &["p2p", "list", "--limit", "0"][..],
            &["p2p", "calls", "--limit", "0"],
            &["p2p", "daemon", "logs", "-n", "0"],
            &["p2p", "inbox", "--last", "0"],
            &["p2p", "transcript", "c7", "--tail", "0"],
        ] {
            assert!(matches!(parse(&args(line)), Err(Unparsed::Wrong(_))), "{line:?}");
        }
    }

    #[test]
    fn p2pd_is_the_daemon() {
        for name in ["p2pd", "/usr/local/bin/p2pd"] {
            let cli = parse(&args(&[name])).unwrap();
            assert!(matches!(cli.verb, Some(Verb::Daemon(daemon)) if daemon.is_run()));
        }
        assert!(parse(&args(&["p2p"])).unwrap().verb.is_none());
    }
}

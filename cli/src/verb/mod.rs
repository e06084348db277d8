//! One file per verb: its arguments on the command line, and its action. A verb talks to the
//! daemon through its [`Session`] and returns a value to show; it prints nothing itself.

pub mod answer;
pub mod call;
pub mod calls;
pub mod cancel;
pub mod contacts;
pub mod daemon;
pub mod demo;
pub mod dm;
pub mod end;
pub mod escalate;
pub mod files;
pub mod identity;
pub mod inbox;
pub mod invite;
pub mod list;
pub mod overview;
pub mod owner;
pub mod pending;
pub mod purge;
pub mod questions;
pub mod read;
pub mod readers;
pub mod relay;
pub mod request;
pub mod send;
pub mod sendfile;
pub mod status;
pub mod transcript;
pub mod verify;
pub mod wait;
pub mod watch;
pub mod whoami;

use crate::args::Verb;
use crate::outcome::Ending;
use crate::session::Session;

/// Runs a verb; without one, the overview.
///
/// # Errors
/// Fails as the verb does.
pub fn run(verb: Option<Verb>, session: &mut Session) -> Ending {
    match verb {
        None => overview::run(session),
        Some(Verb::Status(args)) => status::run(&args, session),
        Some(Verb::List(args)) => list::run(&args, session),
        Some(Verb::Whoami(args)) => whoami::run(&args, session),
        Some(Verb::Call(args)) => call::run(&args, session),
        Some(Verb::Answer(args)) => answer::run(&args, session),
        Some(Verb::Send(args)) => send::run(&args, session),
        Some(Verb::Request(args)) => request::run(args, session),
        Some(Verb::Dm(args)) => dm::run(&args, session),
        Some(Verb::Cancel(args)) => cancel::run(&args, session),
        Some(Verb::Sendfile(args)) => sendfile::run(&args, session),
        Some(Verb::Files(args)) => files::run(&args, session),
        Some(Verb::Inbox(args)) => inbox::run(&args, session),
        Some(Verb::Read(args)) => read::run(&args, session),
        Some(Verb::Readers(args)) => readers::run(&args, session),
        Some(Verb::Wait(args)) => wait::run(&args, session),
        Some(Verb::Watch(args)) => watch::run(&args, session),
        Some(Verb::Pending(args)) => pending::run(&args, session),
        Some(Verb::Escalate(args)) => escalate::run(&args, session),
        Some(Verb::Owner(args)) => owner::run(&args, session),
        Some(Verb::Questions(args)) => questions::run(&args, session),
        Some(Verb::End(args)) => end::run(&args, session),
        Some(Verb::Calls(args)) => calls::run(&args, session),
        Some(Verb::Transcript(args)) => transcript::run(&args, session),
        Some(Verb::Verify(args)) => verify::run(&args, session),
        Some(Verb::Purge(args)) => purge::run(&args, session),
        Some(Verb::Contacts(args)) => contacts::run(&args, session),
        Some(Verb::Invite(args)) => invite::run(&args, session),
        Some(Verb::Identity(args)) => identity::run(&args, session),
        Some(Verb::Daemon(args)) => daemon::run(&args, session),
        Some(Verb::Relay(_)) => relay::run(),
        Some(Verb::Demo(args)) => demo::run(&args, session),
    }
}

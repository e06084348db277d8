//! `p2p`: runs a verb, or the daemon. Only this file links the daemon; the verbs know only
//! the socket protocol, so that they start in milliseconds.

mod args;
#[cfg(test)]
mod hints;
mod input;
mod interrupt;
mod outcome;
mod render;
mod run;
mod session;
mod terminal;
mod verb;
mod wait;

use std::ffi::OsString;
use std::process;

use args::{Unparsed, Verb};
use p2p_client::{autostart, detach};
use p2p_ipc::{ErrorCode, ExitCode, Place, RpcError};
use render::Screen;
use render::service::RelayUp;
use verb::daemon;

fn main() -> process::ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    // Before there is any thread, and before anything is opened.
    if detach::is_asked_for(&args) {
        detach::detach();
    }
    let screen = Screen { json: args::wants_json(&args) };
    let code = match args::parse(&args) {
        Ok(cli) => match cli.verb {
            Some(Verb::Daemon(daemon)) if daemon.is_run() => serve(daemon.how(), screen),
            Some(Verb::Relay(relay)) => serve_relay(relay.port, screen),
            verb => match checked(verb.as_ref()) {
                Ok(()) => run::verb(verb, screen),
                Err(error) => fail(&error, screen),
            },
        },
        Err(Unparsed::Ready(text)) => {
            screen.ready(&text).map_or(ExitCode::Internal, |()| ExitCode::Ok)
        }
        Err(Unparsed::Wrong(error)) => fail(&error, screen),
    };
    process::ExitCode::from(code.code())
}

/// Checks that the file that `identity` copies holds a key. The verbs themselves know no keys.
fn checked(verb: Option<&Verb>) -> Result<(), RpcError> {
    match (verb, Place::from_env()) {
        (Some(Verb::Identity(_)), Ok(place)) => p2p_daemon::identity::check(&place.identity),
        _ => Ok(()),
    }
}

/// Runs the daemon until it is told to stop.
fn serve(how: &'static str, screen: Screen) -> ExitCode {
    let served = Place::from_env()
        .map_err(|e| RpcError::new(ErrorCode::Config, e.to_string()))
        .and_then(|place| p2p_daemon::run(p2p_daemon::Start { place, how }));
    match served {
        Ok(()) => ExitCode::Ok,
        // The verb that started the daemon reads the error from the log.
        Err(error) if how != daemon::FOREGROUND => {
            screen.cause_of_death(autostart::ERROR_PREFIX, &error);
            error.exit_code()
        }
        Err(error) => fail(&error, screen),
    }
}

/// Runs a relay until SIGINT or SIGTERM.
fn serve_relay(port: u16, screen: Screen) -> ExitCode {
    let ready = |url: &str| {
        // If the reader of the address has gone, a signal will follow and stop the relay.
        let _ = screen.announce(&RelayUp { url: url.to_owned() });
    };
    match p2p_daemon::demo_relay::serve(port, ready) {
        Ok(()) => ExitCode::Ok,
        Err(error) => fail(&error, screen),
    }
}

fn fail(error: &RpcError, screen: Screen) -> ExitCode {
    if screen.error(error).is_ok() { error.exit_code() } else { ExitCode::Internal }
}

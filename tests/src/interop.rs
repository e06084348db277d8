//! Programs by others that some tests need, and the notice when they are not installed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::binary::root;
use crate::relay::{Foreign, Relay, quiet_port};

/// Returns the folder where `.ci/run` installs them.
#[must_use]
pub fn folder() -> PathBuf {
    root().join("target/interop")
}

/// Returns the path of PyPI's `nostr-relay`: `P2P_TEST_NOSTR_RELAY`, or where `.ci/run` installs it.
#[must_use]
pub fn nostr_relay() -> Option<PathBuf> {
    let named = std::env::var_os("P2P_TEST_NOSTR_RELAY").filter(|path| !path.is_empty());
    let path = named.map_or_else(|| folder().join("venv/bin/nostr-relay"), PathBuf::from);
    path.exists().then_some(path)
}

/// Starts PyPI's `nostr-relay` on a port that stays free while it is down, with its database in
/// `folder`. Returns nothing where it is not installed. Its default size limit would refuse our
/// larger wraps, and its default age limit every wrap that is backdated as NIP-59 wants.
///
/// # Panics
/// If it does not start.
#[expect(clippy::expect_used, reason = "that is how a test fails")]
#[must_use]
pub fn foreign_relay(folder: &Path) -> Option<Relay> {
    let program = nostr_relay()?;
    let port = quiet_port();
    let config = folder.join("relay.yaml");
    let text = format!(
        "storage:\n  sqlalchemy.url: sqlite+aiosqlite:///{}\n  validators:\n    - nostr_relay.validators.is_not_too_large\n    - nostr_relay.validators.is_signed\nmax_event_size: 131072\nauthentication:\n  enabled: false\nverification:\n  nip05_verification: disabled\ngunicorn:\n  bind: 127.0.0.1:{port}\n  workers: 1\n  loglevel: warning\nsubscription_limit: 64\n",
        folder.join("relay.sqlite3").display()
    );
    std::fs::write(&config, text).expect("the relay's settings can be written");
    let args = vec!["-c".into(), config.into(), "serve".into()];
    Some(Relay::foreign(Foreign { program, args, folder: folder.to_owned(), port }))
}

/// Command that installs it.
pub const HOW_TO_NOSTR_RELAY: &str =
    "python3 -m venv target/interop/venv && target/interop/venv/bin/pip install nostr-relay==1.14";

/// Returns the `node_modules` with nostr-tools and ws, if Node can be run.
#[must_use]
pub fn nostr_tools() -> Option<PathBuf> {
    let modules = folder().join("node_modules");
    let there = ["nostr-tools", "ws"].iter().all(|name| modules.join(name).is_dir());
    (there && runs("node")).then_some(modules)
}

/// Tells whether a program can be started.
#[must_use]
pub fn runs(program: impl AsRef<Path>) -> bool {
    let mut command = Command::new(program.as_ref());
    let quiet = command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null());
    quiet.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Prints that a test was skipped and what it needs. With `CI=true` that is a failure.
///
/// # Panics
/// In CI.
pub fn skipped(test: &str, wants: &str, how: &str) {
    let notice = format!("SKIPPED: {test}: it needs {wants}\n  install it: {how}");
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{notice}");
    // Written past the capture of test output, so that a skip is seen.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("\n{notice}\n").as_bytes());
}

//! Programs of others that some tests need, and what happens where they are not installed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::binary::root;

/// Where `.ci/run` installs them.
#[must_use]
pub fn folder() -> PathBuf {
    root().join("target/interop")
}

/// PyPI's `nostr-relay`: `P2P_TEST_NOSTR_RELAY`, or where `.ci/run` put it.
#[must_use]
pub fn nostr_relay() -> Option<PathBuf> {
    let named = std::env::var_os("P2P_TEST_NOSTR_RELAY").filter(|path| !path.is_empty());
    let path = named.map_or_else(|| folder().join("venv/bin/nostr-relay"), PathBuf::from);
    path.exists().then_some(path)
}

/// The folder that holds `node_modules` with nostr-tools and ws, where Node can be run.
#[must_use]
pub fn nostr_tools() -> Option<PathBuf> {
    let modules = folder().join("node_modules");
    let there = ["nostr-tools", "ws"].iter().all(|name| modules.join(name).is_dir());
    (there && runs("node")).then_some(modules)
}

/// Whether a program can be started.
#[must_use]
pub fn runs(program: impl AsRef<Path>) -> bool {
    let mut command = Command::new(program.as_ref());
    let quiet = command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null());
    quiet.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Says loudly that a test did not run and what it wants. Where `CI` is `true`, that is a failure.
///
/// # Panics
/// In CI.
pub fn skipped(test: &str, wants: &str, how: &str) {
    let notice = format!("SKIPPED: {test}: it needs {wants}\n  install it: {how}");
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{notice}");
    // Past the capture of test output: a skip must be seen.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("\n{notice}\n").as_bytes());
}

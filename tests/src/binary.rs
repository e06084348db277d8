//! The `p2p` binary under test, built from this source tree.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Returns the binary: `P2P_BIN` if that is set, or else the one that Cargo builds from this source
/// with the profile of the running test. Cargo is called once per test process, because
/// `cargo test -p p2p-tests` builds libraries only and might find an old binary.
///
/// # Panics
/// If it cannot be built.
#[must_use]
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match std::env::var_os("P2P_BIN").filter(|path| !path.is_empty()) {
        Some(path) => path.into(),
        None => build(),
    })
}

/// Returns the root of the workspace.
#[must_use]
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("/"))
}

#[expect(clippy::expect_used, reason = "that is how a test fails")]
fn build() -> PathBuf {
    // target/<profile>/deps/<test>, or target/<profile>/chaos
    let test = std::env::current_exe().expect("a test knows its own path");
    let mut folder = test.parent().expect("a program lies in a folder");
    if folder.ends_with("deps") {
        folder = folder.parent().expect("tests lie in target/<profile>/deps");
    }
    let target = folder.parent().expect("a profile lies in a target folder");
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(other) => other,
    };
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--quiet", "--package", "p2p", "--profile", profile, "--target-dir"])
        .arg(target)
        .current_dir(root())
        .stdin(Stdio::null())
        .status()
        .expect("cargo can be started");
    assert!(status.success(), "p2p does not build: {status}");
    folder.join("p2p")
}

//! Who may import whom, and how long a file may be: the table in ARCHITECTURE.md, mechanically.

#![expect(clippy::unwrap_used, reason = "that is how a test fails")]

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use p2p_tests::root;

/// What the core must not even depend on: runtimes, clocks, randomness, networks.
const IMPURE: [&str; 18] = [
    "async-std",
    "chrono",
    "fastrand",
    "futures",
    "getrandom",
    "mio",
    "nostr",
    "nostr-relay-pool",
    "nostr-sdk",
    "rand",
    "rand_chacha",
    "rand_core",
    "reqwest",
    "rusqlite",
    "socket2",
    "time",
    "tokio",
    "tracing",
];
/// Words that only the relays' module may say.
const NOSTR: [&str; 3] = ["nostr_sdk", "nostr::", "nostr_relay_builder"];
/// Lines of the longest file.
const LONGEST: usize = 600;

/// Names of everything that a package of ours is built from, features resolved for it alone.
fn built_from(package: &str) -> BTreeSet<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["tree", "--offline", "--edges", "normal,build"])
        .args(["--prefix", "none", "--package", package])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    let names = tree.lines().filter_map(|line| line.split_whitespace().next());
    let names: BTreeSet<String> = names.map(str::to_owned).collect();
    assert!(names.contains(package), "{package} is not in its own tree");
    names
}

fn ours(names: &BTreeSet<String>) -> Vec<&str> {
    names
        .iter()
        .map(String::as_str)
        .filter(|name| *name == "p2p" || name.starts_with("p2p-"))
        .collect()
}

/// Every file of Rust below a folder of the workspace.
fn sources(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default().to_owned();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                folders.push(path);
            } else if path.extension() == Some(OsStr::new("rs")) {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty(), "there is no source in {folder}");
    found
}

/// Where a file says one of these words, outside comments: `path:line: word`.
fn says(path: &Path, words: &[&str]) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let code = line.split("//").next().unwrap_or_default();
        for word in words.iter().filter(|word| names(code, word)) {
            found.push(format!("{}:{number}: {word}", path.display()));
        }
    }
    found
}

/// Whether the word stands in the code by itself, not at the end of a longer one.
fn names(code: &str, word: &str) -> bool {
    let longer = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| !code[..at].ends_with(longer))
}

fn none(found: Vec<String>, rule: &str) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

#[test]
fn the_core_is_pure_and_knows_nothing_of_ours() {
    let names = built_from("p2p-core");
    let impure: Vec<_> = IMPURE.into_iter().filter(|name| names.contains(*name)).collect();
    assert_eq!(impure, [""; 0]);
    assert_eq!(ours(&names), ["p2p-core"]);
}

#[test]
fn the_socket_protocol_knows_nothing_of_ours() {
    assert_eq!(ours(&built_from("p2p-ipc")), ["p2p-ipc"]);
}

#[test]
fn the_daemon_knows_the_core_and_the_socket_protocol() {
    assert_eq!(ours(&built_from("p2p-daemon")), ["p2p-core", "p2p-daemon", "p2p-ipc"]);
}

#[test]
fn only_the_relays_module_knows_nostr_libraries() {
    let relays = root().join("daemon/src/relays");
    let files = ["core", "ipc", "cli", "daemon"].into_iter().flat_map(sources);
    let files = files.filter(|path| !path.starts_with(&relays));
    none(files.flat_map(|path| says(&path, &NOSTR)).collect(), "only daemon/src/relays may say it");
    let inside: Vec<_> =
        sources("daemon/src/relays").iter().flat_map(|p| says(p, &NOSTR)).collect();
    assert!(!inside.is_empty(), "and it does");
}

#[test]
fn verbs_know_the_socket_protocol_only() {
    let main = root().join("cli/src/main.rs");
    let words = ["p2p_daemon", "p2p_core"];
    let files = sources("cli/src").into_iter().filter(|path| *path != main);
    none(files.flat_map(|path| says(&path, &words)).collect(), "only main links the daemon");
    assert!(!says(&main, &words).is_empty(), "and it does");
}

#[test]
fn no_file_is_too_long_to_read() {
    let files = ["core", "ipc", "daemon", "cli", "tests"].into_iter().flat_map(sources);
    let long = files.filter_map(|path| {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        (lines > LONGEST).then(|| format!("{}: {lines} lines", path.display()))
    });
    none(long.collect(), "longer than a file may be");
}

#[test]
fn a_word_is_found_where_it_stands_by_itself() {
    for (code, word, found) in [
        ("use nostr::Event;", "nostr::", true),
        ("crate::nostr::Event", "nostr::", true),
        ("my_nostr::Event", "nostr::", false),
        ("use nostr_sdk as sdk;", "nostr_sdk", true),
        ("let nostr = 1;", "nostr::", false),
    ] {
        assert_eq!(names(code, word), found, "{code}");
    }
}

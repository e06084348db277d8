//! Checks the imports between the files of this package.
#![expect(clippy::unwrap_used, reason = "a test fails by it")]

use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            found.push(path);
        }
    }
}

fn all() -> Vec<(PathBuf, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    sources(&src, &mut found);
    assert!(found.len() > 30, "the sources were not found");
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        (path.strip_prefix(&src).unwrap().to_owned(), text)
    };
    found.into_iter().map(read).collect()
}

/// Verbs start in milliseconds because they link nothing but the socket protocol.
#[test]
fn main_alone_knows_the_daemon() {
    for (path, text) in all() {
        let mentions = text.contains(concat!("p2p_", "daemon"));
        assert_eq!(mentions, path == Path::new("main.rs"), "{}", path.display());
    }
}

#[test]
fn only_the_render_layer_prints() {
    for (path, text) in all() {
        if path.starts_with("render") {
            continue;
        }
        for printing in ["println!", "print!(", "io::stdout", "io::stderr"] {
            assert!(!text.contains(printing), "{} in {}", printing, path.display());
        }
    }
}

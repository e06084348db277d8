//! The promises of `docs/promises.md` name their tests. These tests must exist.
#![expect(clippy::unwrap_used, reason = "that is how a test fails")]

use std::fs;
use std::path::{Path, PathBuf};

use p2p_tests::root;

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let skipped = path.file_name().is_some_and(|name| name == "target" || name == ".git");
        if path.is_dir() && !skipped {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_promise_names_an_existing_test() {
    let mut files = Vec::new();
    sources(root(), &mut files);
    let sources: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let page = fs::read_to_string(root().join("docs/promises.md")).unwrap();
    let promises: Vec<&str> = page.split("\n- ").skip(1).collect();
    assert!(promises.len() >= 8, "the page has only {} promises", promises.len());
    let mut missing: Vec<&str> = Vec::new();
    for promise in promises {
        // A command has blanks, the name of a test has none.
        let code = promise.split('`').skip(1).step_by(2);
        let names: Vec<&str> = code.filter(|name| !name.contains(' ')).collect();
        assert!(!names.is_empty(), "no test is named: {promise}");
        missing.extend(names.into_iter().filter(|name| !sources.contains(&format!("fn {name}("))));
    }
    assert_eq!(missing, [""; 0], "tests that do not exist");
}

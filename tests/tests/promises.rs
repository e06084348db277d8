//! The README's promises name their tests; here it is checked that there are such tests.

use std::fs;
use std::path::{Path, PathBuf};

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
fn every_promise_names_a_test_that_there_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    sources(root, &mut files);
    let sources: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let section =
        readme.split("## What we promise\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let promises: Vec<&str> = section.split("\n- ").skip(1).collect();
    assert!(promises.len() >= 8, "where are the promises?");
    for promise in promises {
        // A command has blanks.
        let code = promise.split('`').skip(1).step_by(2);
        let names: Vec<&str> = code.filter(|name| !name.contains(' ')).collect();
        assert!(!names.is_empty(), "no test is named: {promise}");
        for name in names {
            assert!(sources.contains(&format!("fn {name}(")), "there is no test {name}");
        }
    }
}

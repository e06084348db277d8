//! Claims of the pages in `docs/`: the promises name tests that exist, and the examples of
//! `config.toml` are valid.
#![expect(clippy::unwrap_used, reason = "that is how a test fails")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use p2p_config::Config;
use p2p_tests::root;

fn page(name: &str) -> String {
    fs::read_to_string(root().join("docs").join(name)).unwrap()
}

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
    let page = page("promises.md");
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

/// Reads each example of `config.toml` on a page.
fn examples(name: &str) -> Vec<Config> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    let page = page(name);
    let blocks = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let read = |text: &str| {
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        Config::read(&path, |_| None).unwrap()
    };
    blocks.map(read).collect()
}

#[test]
fn the_examples_of_the_configuration_are_valid() {
    for name in ["config.md", "owner.md"] {
        let examples = examples(name);
        assert_eq!(examples.len(), 1, "{name}");
        assert_eq!(examples[0].retired, [""; 0], "{name} shows keys that are ignored");
    }
}

#[test]
fn the_page_on_configuration_shows_the_defaults() {
    let shown = examples("config.md").remove(0);
    let default = Config::read(Path::new("/nonexistent/config.toml"), |_| None).unwrap();
    let defaults = |config: &Config| {
        let Config { limits, retention, max_calls, ring, policy, presence, .. } = config;
        let Config { disclose_read, invisible, .. } = config;
        format!(
            "{limits:?} {retention:?} {max_calls} {ring:?} {policy:?} {presence:?} {disclose_read} \
             {invisible}"
        )
    };
    assert_eq!(defaults(&shown), defaults(&default));
}

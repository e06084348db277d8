//! The list of exceptions in `tolerated.txt`. Each entry must still be needed, so that it only shrinks.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use p2p_tests::root;

/// Returns the entries of a section.
pub fn section(name: &str) -> BTreeSet<String> {
    sections().remove(name).unwrap_or_else(|| panic!("tolerated.txt has no section [{name}]"))
}

/// Fails unless what breaks a rule is what is tolerated, and says what to do.
pub fn compare(section: &str, rule: &str, broken: &BTreeSet<String>) {
    let tolerated = self::section(section);
    let new: Vec<_> = broken.difference(&tolerated).cloned().collect();
    assert!(new.is_empty(), "{rule}:\n  {}", new.join("\n  "));
    let gone: Vec<_> = tolerated.difference(broken).cloned().collect();
    assert!(
        gone.is_empty(),
        "no longer needed in [{section}] of tolerated.txt \
         (`cargo test -p p2p-tests --test architecture shrink -- --ignored` removes it):\n  {}",
        gone.join("\n  ")
    );
}

/// Removes from a section what is no longer broken.
pub fn shrink(section: &str, broken: &BTreeSet<String>) {
    rewrite(section, |entry| broken.contains(entry).then(|| entry.to_owned()));
}

/// Lowers the counts of a section, whose entries are a name and a count.
pub fn lower(section: &str, counts: &BTreeSet<String>) {
    let count = |line: &str| {
        let (name, count) = line.split_once(' ').unwrap();
        (name.to_owned(), count.parse::<usize>().unwrap())
    };
    let counts: BTreeMap<_, _> = counts.iter().map(|line| count(line)).collect();
    rewrite(section, |entry| {
        let (name, most) = count(entry);
        counts.get(&name).map(|now| format!("{name} {}", most.min(*now)))
    });
}

fn rewrite(section: &str, change: impl Fn(&str) -> Option<String>) {
    let mut kept = Vec::new();
    let mut within = false;
    for line in fs::read_to_string(file()).unwrap().lines() {
        if line.starts_with('[') {
            within = line == format!("[{section}]");
        }
        let entry = !(line.is_empty() || line.starts_with(['[', '#']));
        kept.extend(if within && entry { change(line) } else { Some(line.to_owned()) });
    }
    fs::write(file(), kept.join("\n") + "\n").unwrap();
}

fn file() -> PathBuf {
    root().join("tests/tests/architecture/tolerated.txt")
}

fn sections() -> BTreeMap<String, BTreeSet<String>> {
    let mut sections: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut current = String::new();
    for line in fs::read_to_string(file()).unwrap().lines() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            current = name.to_owned();
            sections.entry(current.clone()).or_default();
        } else {
            sections.entry(current.clone()).or_default().insert(line.to_owned());
        }
    }
    sections
}

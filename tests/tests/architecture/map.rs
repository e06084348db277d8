//! Claims of ARCHITECTURE.md and the other pages: the table of imports, files, crates, links.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use p2p_tests::root;

/// A row of the table of imports.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Folder of the crate.
    pub folder: String,
    /// Folders of the crates that every file of it may import; nothing where it may import all.
    pub any_file: Option<BTreeSet<String>>,
    /// Folders of the crates that `main` alone may import.
    pub main_alone: BTreeSet<String>,
    /// Folders of the crates that only its tests may import.
    pub tests_alone: BTreeSet<String>,
}

/// Returns the table of imports by the name of the crate.
///
/// The last column reads `a, b; main alone: c; tests: d`. `nothing of ours` and `all` are words of
/// their own; what follows a full stop is for people.
pub fn table(text: &str) -> BTreeMap<String, Row> {
    let mut table = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [folder, name, _, imports] = cells[..] else { continue };
        let (folder, name) = (plain(folder), plain(name));
        if name.is_empty() {
            continue;
        }
        let mut row = Row { folder, any_file: Some(BTreeSet::new()), ..Row::default() };
        let imports = imports.split('.').next().unwrap_or_default();
        for part in imports.split(';').map(str::trim) {
            match part.split_once(':') {
                Some(("main alone", list)) => row.main_alone = names(list),
                Some(("tests", list)) => row.tests_alone = names(list),
                Some((other, _)) => panic!("{name}: `{other}:` is not known"),
                None if part == "all" => row.any_file = None,
                None if part == "nothing of ours" => {}
                None => row.any_file = Some(names(part)),
            }
        }
        assert!(table.insert(name.clone(), row).is_none(), "{name} has two rows");
    }
    table
}

fn plain(cell: &str) -> String {
    cell.trim_matches('`').trim_end_matches('/').to_owned()
}

fn names(list: &str) -> BTreeSet<String> {
    list.split(',').map(|name| plain(name.trim())).filter(|name| !name.is_empty()).collect()
}

/// Returns the files and folders that a page names in backticks: what has a slash or the ending of a
/// file, and reads like a path.
pub fn paths(text: &str) -> BTreeSet<String> {
    let prose: Vec<_> = text.split("```").step_by(2).collect();
    let prose = prose.join("");
    let spans = prose.split('`').skip(1).step_by(2);
    let like = |span: &&str| {
        let ending = [".rs", ".toml", ".md", ".sql", ".mjs"].iter().any(|end| span.ends_with(end));
        let whole = span.contains('/') && span.split('/').all(|part| !part.contains('.')) || ending;
        let plain = |c: char| c.is_ascii_alphanumeric() || "/_-.".contains(c);
        whole && !span.starts_with(['/', '.', '-']) && span.chars().all(plain)
    };
    spans.filter(like).map(|span| span.trim_end_matches('/').to_owned()).collect()
}

/// Returns the crates of ours that a page names in backticks.
pub fn crates(text: &str) -> BTreeSet<String> {
    let prose: Vec<_> = text.split("```").step_by(2).collect();
    let prose = prose.join("");
    let ours = |span: &&str| {
        span.strip_prefix("p2p-").is_some_and(|rest| rest.chars().all(|c| c.is_ascii_lowercase()))
    };
    prose.split('`').skip(1).step_by(2).filter(ours).map(str::to_owned).collect()
}

/// Returns the links of a page that lead to files that do not exist.
pub fn dead_links(page: &Path) -> Vec<String> {
    let text = fs::read_to_string(page).unwrap();
    let folder = page.parent().unwrap_or(root());
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let files = targets.filter(|target| !target.contains("://") && !target.starts_with('#'));
    let dead = files.filter(|target| {
        let file = target.split('#').next().unwrap_or_default();
        !folder.join(file).exists()
    });
    dead.map(|target| format!("{}: {target}", page.display())).collect()
}

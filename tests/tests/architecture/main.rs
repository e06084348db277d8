//! The rules of the house, as a machine checks them: who may import whom, how long a file or a
//! function may be, which names are taken, how a doc comment opens, and that the map is true.
//!
//! To see the circles of imports with the names that each import takes:
//! `cargo test -p p2p-tests --test architecture print_circles -- --ignored --nocapture`

#![expect(clippy::unwrap_used, clippy::panic, reason = "that is how a test fails")]

mod analyser;
mod imports;
mod map;
mod measure;
mod modules;
mod tolerated;
mod workspace;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use p2p_tests::root;

use imports::Imports;
use modules::{Build, Tree};
use workspace::{Crate, built_from, crates, files, relative, sources};

/// Packages that the core may not depend on, even indirectly: runtimes, clocks, randomness, networks.
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
/// Lines of the longest file.
const LONGEST_FILE: usize = 600;
/// Lines of the longest function outside of tests.
const LONGEST_FUNCTION: usize = 60;

fn no(found: Vec<String>, rule: &str) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

fn read(page: &str) -> String {
    fs::read_to_string(root().join(page)).unwrap()
}

/// Returns the imports of each module tree of a crate.
fn imports_of(package: &Crate) -> Vec<Imports> {
    package.roots().iter().map(|root| imports::of(&Tree::read(root))).collect()
}

/// Describes the circles of imports in a crate.
fn circles_of(package: &Crate) -> Vec<String> {
    let src = root().join(&package.folder).join("src");
    let show = |path: &Path| path.strip_prefix(&src).unwrap_or(path).display().to_string();
    let trees = imports_of(package);
    let circles = trees.iter().flat_map(|imports| {
        let circles = imports::circles(imports).into_iter();
        circles.map(|circle| imports::describe(imports, &circle, &show)).collect::<Vec<_>>()
    });
    circles.collect()
}

#[test]
fn no_files_of_a_crate_import_each_other_in_a_circle() {
    let mut broken = BTreeSet::new();
    let mut text = String::new();
    for package in crates() {
        let circles = circles_of(&package);
        if !circles.is_empty() {
            if !tolerated::section("circles").contains(&package.name) {
                text += &format!("{}: {}", package.name, circles.join(""));
            }
            broken.insert(package.name);
        }
    }
    tolerated::compare("circles", &format!("files import each other in a circle\n{text}"), &broken);
}

/// Prints the circles of all crates, or of the one that `P2P_CRATE` names.
#[test]
#[ignore = "prints what the rule above would say of every crate"]
fn print_circles() {
    let only = std::env::var("P2P_CRATE").ok();
    for package in crates().iter().filter(|p| only.as_ref().is_none_or(|only| *only == p.name)) {
        for circle in circles_of(package) {
            println!("\n{}: {circle}", package.name);
        }
    }
}

/// Prints every import between the files of the crate that `P2P_CRATE` names.
#[test]
#[ignore = "prints the imports of one crate"]
fn print_imports() {
    let only = std::env::var("P2P_CRATE").unwrap_or_default();
    for package in crates().iter().filter(|package| package.name == only) {
        for (from, imports) in imports_of(package).into_iter().flatten() {
            println!("{}", relative(&from));
            for (to, names) in imports {
                let names: Vec<_> = names.into_iter().collect();
                println!("    -> {}: {}", relative(&to), names.join(", "));
            }
        }
    }
}

#[test]
fn the_core_depends_on_no_runtime_clock_randomness_or_network() {
    let names = built_from("p2p-core");
    let impure: Vec<_> = IMPURE.into_iter().filter(|name| names.contains(*name)).collect();
    assert_eq!(impure, [""; 0]);
}

#[test]
fn crates_import_what_the_table_in_the_map_says() {
    let mut table = map::table(&read("ARCHITECTURE.md"));
    let crates = crates();
    let folders: BTreeMap<_, _> =
        crates.iter().map(|c| (c.name.clone(), c.folder.clone())).collect();
    let folders = |names: &BTreeSet<String>| -> BTreeSet<String> {
        names.iter().map(|name| folders[name].clone()).collect()
    };
    for package in &crates {
        let row = table.remove(&package.name);
        let row = row.unwrap_or_else(|| panic!("the map has no row for {}", package.name));
        assert_eq!(row.folder, package.folder, "folder of {}", package.name);
        let Some(any_file) = row.any_file else { continue };
        let may: BTreeSet<_> = any_file.union(&row.main_alone).cloned().collect();
        assert_eq!(folders(&package.imports), may, "{} imports (left), may (right)", package.name);
        let tests = folders(&package.test_imports);
        let tests: BTreeSet<_> = tests.difference(&may).cloned().collect();
        assert_eq!(tests, row.tests_alone, "tests of {} import (left), may (right)", package.name);
        for folder in row.main_alone {
            only_main_names(package, crates.iter().find(|c| c.folder == folder).unwrap());
        }
    }
    assert!(table.is_empty(), "not crates of the workspace: {:?}", table.keys());
}

fn only_main_names(package: &Crate, imported: &Crate) {
    let main = root().join(&package.folder).join("src/main.rs");
    let name = imported.name.replace('-', "_");
    let mut named = Vec::new();
    for root in package.roots() {
        for module in Tree::read(&root).modules.iter().filter(|m| m.build == Build::Any) {
            if imports::names_crate(&module.items, &name) {
                named.push(module.file.clone());
            }
        }
    }
    let others: Vec<_> = named.iter().filter(|file| **file != main).map(|f| relative(f)).collect();
    no(others, &format!("only main.rs may name {name}"));
    assert!(named.contains(&main), "main.rs does not name {name}: change the table");
}

#[test]
fn one_crate_knows_the_nostr_libraries() {
    /// Folder of that crate.
    const NOSTR_CRATE: &str = "relays";
    let nostr = |package: &&Crate| {
        package.folder != "tests" && package.foreign.iter().any(|name| name.starts_with("nostr"))
    };
    let crates = crates();
    let knowing: Vec<_> = crates.iter().filter(nostr).map(|c| c.folder.as_str()).collect();
    assert_eq!(knowing, [NOSTR_CRATE]);
}

#[test]
fn files_and_crates_that_the_map_names_exist() {
    let text = read("ARCHITECTURE.md");
    let missing = map::paths(&text).into_iter().filter(|path| !root().join(path).exists());
    no(missing.collect(), "ARCHITECTURE.md names files that do not exist");
    let crates: BTreeSet<_> = crates().into_iter().map(|package| package.name).collect();
    let missing = map::crates(&text).into_iter().filter(|name| !crates.contains(name));
    no(missing.collect(), "ARCHITECTURE.md names crates that do not exist");
}

#[test]
fn links_between_pages_lead_somewhere() {
    let pages = files("").into_iter().filter(|path| path.extension().is_some_and(|e| e == "md"));
    no(pages.flat_map(|page| map::dead_links(&page)).collect(), "links to files that do not exist");
}

#[test]
fn no_file_is_longer_than_600_lines() {
    let files = crates().into_iter().flat_map(|package| sources(&package.folder));
    let long = files.filter_map(|path| {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        (lines > LONGEST_FILE).then(|| format!("{}: {lines} lines", relative(&path)))
    });
    no(long.collect(), "longer than a file may be");
}

fn long_functions() -> BTreeSet<String> {
    let mut long = BTreeSet::new();
    for package in crates() {
        for path in sources(&format!("{}/src", package.folder)) {
            for (name, lines) in measure::file(&path).functions {
                if lines > LONGEST_FUNCTION {
                    long.insert(format!("{} {name}", package.name));
                }
            }
        }
    }
    long
}

#[test]
fn no_function_is_longer_than_60_lines() {
    tolerated::compare("functions", "longer than a function may be", &long_functions());
}

/// Returns the names of public types that the workspace has more than once.
fn types_used_twice() -> BTreeSet<String> {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in crates() {
        for path in sources(&format!("{}/src", package.folder)) {
            for name in measure::file(&path).types {
                places.entry(name).or_default().push(relative(&path));
            }
        }
    }
    places.retain(|_, places| places.len() > 1);
    places.into_iter().map(|(name, places)| format!("{name}: {}", places.join(" "))).collect()
}

fn first_words(lines: &BTreeSet<String>) -> BTreeSet<String> {
    lines.iter().filter_map(|line| line.split(':').next()).map(str::to_owned).collect()
}

#[test]
fn a_public_type_name_is_used_once_in_the_workspace() {
    let twice = types_used_twice();
    let tolerated = tolerated::section("types");
    let new = twice.iter().filter(|line| !tolerated.contains(line.split(':').next().unwrap()));
    no(new.cloned().collect(), "the workspace has two types of the same name");
    tolerated::compare("types", "", &first_words(&twice));
}

/// Returns how many doc comments of each crate open with a relative clause.
fn clauses() -> BTreeSet<String> {
    let mut counts = BTreeSet::new();
    for package in crates() {
        let files = sources(&package.folder);
        let count: usize = files.iter().map(|path| measure::file(path).clauses.len()).sum();
        if count > 0 {
            counts.insert(format!("{} {count}", package.name));
        }
    }
    counts
}

#[test]
fn doc_comments_open_with_a_noun_or_a_verb() {
    let ceiling = |lines: &BTreeSet<String>| -> BTreeMap<String, usize> {
        let parts = lines.iter().map(|line| line.split_once(' ').unwrap());
        parts.map(|(name, count)| (name.to_owned(), count.parse().unwrap())).collect()
    };
    let tolerated = ceiling(&tolerated::section("docs"));
    for (name, count) in ceiling(&clauses()) {
        let most = tolerated.get(&name).copied().unwrap_or_default();
        assert!(
            count <= most,
            "{name}: {count} doc comments open with a relative clause, at most {most} may; \
             `P2P_CRATE={name} cargo test -p p2p-tests --test architecture print_clauses -- \
             --ignored --nocapture` prints them"
        );
    }
    tolerated::compare("docs", "", &clauses());
}

/// Prints the doc comments of the crate that `P2P_CRATE` names which open with a relative clause.
#[test]
#[ignore = "prints what the rule above counts"]
fn print_clauses() {
    let only = std::env::var("P2P_CRATE").ok();
    let (mut docs, mut clauses) = (0, 0);
    for package in crates().iter().filter(|p| only.as_ref().is_none_or(|only| *only == p.name)) {
        for path in sources(&package.folder) {
            let measures = measure::file(&path);
            docs += measures.docs;
            clauses += measures.clauses.len();
            measures.clauses.iter().for_each(|line| println!("{}: {line}", relative(&path)));
        }
    }
    println!("{clauses} of {docs} doc comments");
}

/// Prints all exceptions that there are now, in the format of `tolerated.txt`.
#[test]
#[ignore = "prints what tolerated.txt would have to say"]
fn print_exceptions() {
    let circles = crates().into_iter().filter(|package| !circles_of(package).is_empty());
    let sections: [(&str, BTreeSet<String>); 4] = [
        ("circles", circles.map(|package| package.name).collect()),
        ("types", first_words(&types_used_twice())),
        ("functions", long_functions()),
        ("docs", clauses()),
    ];
    for (name, entries) in sections {
        println!("[{name}]");
        entries.iter().for_each(|entry| println!("{entry}"));
    }
}

/// Removes from `tolerated.txt` what is no longer needed, and lowers its counts. It adds nothing.
#[test]
#[ignore = "changes tolerated.txt"]
fn shrink() {
    let with_circles = crates().into_iter().filter(|package| !circles_of(package).is_empty());
    tolerated::shrink("circles", &with_circles.map(|package| package.name).collect());
    tolerated::shrink("types", &first_words(&types_used_twice()));
    tolerated::shrink("functions", &long_functions());
    tolerated::lower("docs", &clauses());
}

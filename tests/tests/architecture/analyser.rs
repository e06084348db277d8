//! Tests of the analyser itself on small crates that are written here. They show that it can fail.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::imports::{self, Imports};
use crate::modules::Tree;
use crate::{map, measure};

/// Returns the imports of a crate whose files are given, as lines `from -> to: names`.
fn imports(files: &[(&str, &str)]) -> (Imports, Vec<String>) {
    let files: BTreeMap<PathBuf, String> =
        files.iter().map(|(path, text)| (PathBuf::from(path), (*text).to_owned())).collect();
    let tree = Tree::of(Path::new("lib.rs"), &|path| files.get(path).cloned());
    let imports = imports::of(&tree);
    let mut lines = Vec::new();
    for (from, to) in &imports {
        for (to, names) in to {
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            lines.push(format!("{} -> {}: {}", from.display(), to.display(), names.join(", ")));
        }
    }
    (imports, lines)
}

fn circles(files: &[(&str, &str)]) -> Vec<Vec<String>> {
    let (imports, _) = imports(files);
    let circles = imports::circles(&imports);
    let show = |path: &&Path| path.display().to_string();
    circles.iter().map(|circle| circle.iter().map(show).collect()).collect()
}

const TWO: &str = "mod a; mod b;";

#[test]
fn two_files_that_use_each_other_are_a_circle() {
    let a = "use crate::b::B; pub struct A;";
    let b = "use super::a::A; pub struct B;";
    assert_eq!(circles(&[("lib.rs", TWO), ("a.rs", a), ("b.rs", b)]), [["a.rs", "b.rs"]]);
    let b = "pub struct B;";
    assert_eq!(circles(&[("lib.rs", TWO), ("a.rs", a), ("b.rs", b)]), [[""; 0]; 0]);
}

#[test]
fn a_circle_of_three_is_found_and_described() {
    let lib = "mod a; mod b; mod c; mod d;";
    let files = [
        ("lib.rs", lib),
        ("a.rs", "use crate::b::B; pub fn a() {}"),
        ("b.rs", "pub struct B; fn f() { crate::c::c() }"),
        ("c.rs", "pub fn c() { super::a::a() }"),
        ("d.rs", "fn d() { crate::a::a() }"),
    ];
    assert_eq!(circles(&files), [["a.rs", "b.rs", "c.rs"]]);
    let (imports, _) = imports(&files);
    let circle = &imports::circles(&imports)[0];
    let text = imports::describe(&imports, circle, &|path| path.display().to_string());
    assert_eq!(
        text,
        "3 files; shortest: a.rs -> b.rs -> c.rs -> a.rs\n    \
         a.rs -> b.rs: B\n    b.rs -> c.rs: c\n    c.rs -> a.rs: a\n"
    );
}

#[test]
fn every_way_to_write_an_import_counts() {
    for a in [
        "use crate::b::B;",
        "use crate::b::{self, B};",
        "use crate::{b::{B as Other}};",
        "use crate::b; type T = b::B;",
        "use crate::b as other; type T = other::B;",
        "use super::b::B;",
        "pub use crate::b::B;",
        "type T = crate::b::B;",
        "fn f(_: Vec<crate::b::B>) {}",
        "fn f() { use crate::b::B; }",
        "fn f() { use crate::b; b::B::new(); }",
        "fn f() { crate::b::B::new(); }",
        "fn f() { println!(\"{}\", crate::b::B::new()); }",
        "fn f() { use crate::b; vec![1, b::B]; }",
        "impl crate::b::B {}",
        "#[serde(with = \"crate::b::B\")] struct S;",
        "#[derive(super::b::B)] struct S;",
        "mod inner { use super::super::b::B; }",
    ] {
        let files = [("lib.rs", TWO), ("a.rs", a), ("b.rs", "pub struct B;")];
        assert_eq!(imports(&files).1, ["a.rs -> b.rs: B"], "{a}");
    }
    let files = [("lib.rs", TWO), ("a.rs", "use crate::b::*;"), ("b.rs", "pub struct B;")];
    assert_eq!(imports(&files).1, ["a.rs -> b.rs: *"]);
}

#[test]
fn what_is_not_an_import_does_not_count() {
    for a in [
        "",
        "mod inner {}",
        "use crate::b;",
        "use std::fmt; use b::B;",
        "use ::b::B;",
        "pub(in crate::a) struct A;",
        "/// See [`crate::b::B`].\npub struct A;",
        "fn f() { let b = 1; b; }",
    ] {
        let files = [("lib.rs", TWO), ("a.rs", a), ("b.rs", "pub struct B;")];
        assert_eq!(imports(&files).1, [""; 0], "{a}");
    }
}

#[test]
fn a_re_export_counts_for_the_file_that_defines_the_item() {
    let files = [
        ("lib.rs", "mod a; mod b; pub use b::B;"),
        ("a.rs", "use crate::B; use crate::b::Deep;"),
        ("b/mod.rs", "mod deep; pub use deep::Deep; pub struct B;"),
        ("b/deep.rs", "pub struct Deep;"),
    ];
    let expected = [
        "a.rs -> b/deep.rs: Deep",
        "a.rs -> b/mod.rs: B",
        "b/mod.rs -> b/deep.rs: Deep",
        "lib.rs -> b/mod.rs: B",
    ];
    assert_eq!(imports(&files).1, expected);
}

#[test]
fn a_parent_that_a_child_uses_may_not_use_the_child() {
    let child = "pub struct Child(super::Parent);";
    let parent = "mod child; pub struct Parent;";
    assert_eq!(circles(&[("lib.rs", parent), ("child.rs", child)]), [[""; 0]; 0]);
    let parent = "mod child; pub use child::Child; pub struct Parent;";
    assert_eq!(circles(&[("lib.rs", parent), ("child.rs", child)]), [["child.rs", "lib.rs"]]);
}

#[test]
fn test_code_may_look_at_what_it_tests() {
    let lib = "mod a; #[cfg(test)] mod stage; #[cfg(test)] mod other;";
    let a = "pub struct A; #[cfg(test)] mod tests { use super::*; use crate::stage::Stage; }";
    let stage = "use crate::a::A; pub struct Stage;";
    let files = [("lib.rs", lib), ("a.rs", a), ("stage.rs", stage), ("other.rs", "")];
    assert_eq!(imports(&files).1, ["a.rs -> stage.rs: Stage"]);
    let stage = "use crate::other::Other; pub struct Stage;";
    let other = "use crate::stage::Stage; pub struct Other;";
    let files = [("lib.rs", lib), ("a.rs", a), ("stage.rs", stage), ("other.rs", other)];
    assert_eq!(circles(&files), [["other.rs", "stage.rs"]]);
    let a = "pub struct A; #[cfg(unix)] mod tests { use crate::b::B; }";
    let files = [("lib.rs", TWO), ("a.rs", a), ("b.rs", "pub struct B(crate::a::A);")];
    assert_eq!(circles(&files), [["a.rs", "b.rs"]]);
}

#[test]
fn macros_are_found_where_they_are_defined() {
    let b = "#[macro_export] macro_rules! exported { () => {} } macro_rules! near { () => {} } \
             pub(crate) use near;";
    let a = "fn f() { crate::exported!(); crate::b::near!(); }";
    let files = [("lib.rs", TWO), ("a.rs", a), ("b.rs", b)];
    assert_eq!(imports(&files).1, ["a.rs -> b.rs: exported, near"]);
}

#[test]
fn files_are_measured() {
    let text = "//! Whatever opens this file.\n\
                /// What it is.\npub struct A {\n/// How long.\na: u8,\n/// Name of it.\nb: u8 }\n\
                impl A {\n/// Returns it.\nfn f(\n) {\n}\n}\n\
                /// Whether so.\npub(crate) enum B { /// Who is\nOne }\n\
                #[cfg(test)] mod tests { pub struct C; fn long() {\n\n} }";
    let measures = measure::text_of(text).unwrap();
    assert_eq!(measures.functions, [("A::f".to_owned(), 3)]);
    assert_eq!(measures.types, ["A"]);
    assert_eq!(measures.docs, 7);
    let opened = ["Whatever opens this file.", "What it is.", "How long.", "Whether so.", "Who is"];
    assert_eq!(measures.clauses, opened);
}

#[test]
fn the_table_and_the_paths_of_a_page_are_read() {
    let page = "| folder | crate | what | may import |\n| --- | --- | --- | --- |\n\
                | `core/` | `p2p-core` | x | nothing of ours. No clock; no I/O |\n\
                | `cli/` | `p2p` | a `verb/` | ipc, core; main alone: daemon; tests: tests |\n\
                | `tests/` | `p2p-tests` | x | all |\n| `skill/` | | x | |\n\
                See `core/src/lib.rs`, `wire/`, `p2p-core`, `a/b c`, `Type::name`, `/run/x.rs`.";
    let table = map::table(page);
    assert_eq!(table.len(), 3);
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(table["p2p-core"].any_file, Some(set(&[])));
    assert_eq!(table["p2p-tests"].any_file, None);
    let cli = &table["p2p"];
    assert_eq!(cli.any_file, Some(set(&["ipc", "core"])));
    assert_eq!((&cli.main_alone, &cli.tests_alone), (&set(&["daemon"]), &set(&["tests"])));
    assert!(map::paths(page).contains("core/src/lib.rs"));
    assert!(map::paths(page).contains("wire"));
    assert!(!map::paths(page).contains("/run/x.rs"));
    assert_eq!(map::crates(page), set(&["p2p-core", "p2p-tests"]));
}

//! The crates of the workspace, as cargo and the file system describe them.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use p2p_tests::root;
use serde_json::Value;

/// A crate of the workspace.
pub struct Crate {
    /// Name of the package: `p2p-core`.
    pub name: String,
    /// Folder below the workspace's root: `core`.
    pub folder: String,
    /// Crates of the workspace that it is built from.
    pub imports: BTreeSet<String>,
    /// Crates of the workspace that only its tests are built from.
    pub test_imports: BTreeSet<String>,
    /// Packages from elsewhere that it is built from directly.
    pub foreign: BTreeSet<String>,
}

impl Crate {
    /// Returns the root files of its module trees: `src/lib.rs`, `src/main.rs`, `src/bin/*.rs`.
    pub fn roots(&self) -> Vec<PathBuf> {
        let src = root().join(&self.folder).join("src");
        let mut roots: Vec<_> = ["lib.rs", "main.rs"]
            .iter()
            .map(|name| src.join(name))
            .filter(|p| p.exists())
            .collect();
        if let Ok(bins) = fs::read_dir(src.join("bin")) {
            let bins = bins.map(|entry| entry.unwrap().path());
            roots.extend(bins.filter(|path| path.extension() == Some(OsStr::new("rs"))));
        }
        roots
    }
}

/// Returns the crates of the workspace, ordered by folder.
pub fn crates() -> Vec<Crate> {
    let metadata = cargo(&["metadata", "--offline", "--no-deps", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let ours: BTreeSet<&str> = packages.iter().map(|p| p["name"].as_str().unwrap()).collect();
    let mut crates: Vec<_> = packages.iter().map(|package| read(package, &ours)).collect();
    crates.sort_by(|a, b| a.folder.cmp(&b.folder));
    crates
}

fn read(package: &Value, ours: &BTreeSet<&str>) -> Crate {
    let manifest = Path::new(package["manifest_path"].as_str().unwrap());
    let folder = relative(manifest.parent().unwrap());
    let mut found = Crate {
        name: package["name"].as_str().unwrap().to_owned(),
        folder,
        imports: BTreeSet::new(),
        test_imports: BTreeSet::new(),
        foreign: BTreeSet::new(),
    };
    for dependency in package["dependencies"].as_array().unwrap() {
        let name = dependency["name"].as_str().unwrap();
        let list = match (ours.contains(name), dependency["kind"].as_str()) {
            (true, Some("dev")) => &mut found.test_imports,
            (true, _) => &mut found.imports,
            (false, Some("dev")) => continue,
            (false, _) => &mut found.foreign,
        };
        list.insert(name.to_owned());
    }
    found
}

/// Returns the names of all packages that a crate is built from, itself included.
pub fn built_from(package: &str) -> BTreeSet<String> {
    let tree = cargo(&[
        "tree",
        "--offline",
        "--edges",
        "normal,build",
        "--prefix",
        "none",
        "--package",
        package,
    ]);
    let names = tree.lines().filter_map(|line| line.split_whitespace().next());
    let names: BTreeSet<String> = names.map(str::to_owned).collect();
    assert!(names.contains(package), "{package} is not in its own tree");
    names
}

/// Returns every Rust file below a folder of the workspace, sorted.
pub fn sources(folder: &str) -> Vec<PathBuf> {
    let mut found = files(folder);
    found.retain(|path| path.extension() == Some(OsStr::new("rs")));
    assert!(!found.is_empty(), "there is no source in {folder}");
    found
}

/// Returns every file below a folder of the workspace, sorted, without build products.
pub fn files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default().to_owned();
            if name == "target" || name.starts_with('.') {
                continue;
            }
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// Returns a path as it is written from the workspace's root.
pub fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

fn cargo(arguments: &[&str]) -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo).args(arguments).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

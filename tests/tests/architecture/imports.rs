//! The imports between the files of a crate, and the circles that they form.
//!
//! An import is any path that leads to an item of another file: in a `use` (wherever it stands), in
//! an expression, a type, a macro's arguments or an attribute. A path that passes through modules or
//! re-exports counts for the file that defines the item, and for that file only. `mod x;` is not an
//! import, nor is a `use` that only names a module: the paths that begin there are. A glob counts for
//! the file of the module or enum that it opens.
//!
//! Code under `#[cfg(test)]` is a user of the crate: its imports of files that are in every build do
//! not count. Imports from one test file to another do.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemUse, Macro, Meta};

use crate::modules::{Build, ModuleId, Target, Tree, build_of, imports};

/// Imports of a crate: from file, to file, names taken.
pub type Imports = BTreeMap<PathBuf, BTreeMap<PathBuf, BTreeSet<String>>>;

/// Returns the imports between the files of a module tree.
pub fn of(tree: &Tree) -> Imports {
    let mut test_only: BTreeMap<&Path, bool> = BTreeMap::new();
    for module in &tree.modules {
        let only = test_only.entry(&module.file).or_insert(true);
        *only &= module.build == Build::Test;
    }
    let mut walk = Walk { tree, module: 0, build: Build::Any, test_only, imports: Imports::new() };
    for (id, module) in tree.modules.iter().enumerate() {
        walk.module = id;
        walk.build = module.build;
        walk.imports.entry(module.file.clone()).or_default();
        module.items.iter().for_each(|item| walk.visit_item(item));
    }
    walk.imports
}

struct Walk<'a> {
    tree: &'a Tree,
    module: ModuleId,
    build: Build,
    test_only: BTreeMap<&'a Path, bool>,
    imports: Imports,
}

impl Walk<'_> {
    fn path(&mut self, path: &[String]) {
        for target in self.tree.resolve(self.module, path) {
            if let Target::Item { module, name } = target {
                self.import(module, name);
            }
        }
    }

    fn glob(&mut self, path: &[String]) {
        for target in self.tree.resolve(self.module, path) {
            match target {
                Target::Item { module, name } => self.import(module, format!("{name}::*")),
                Target::Module(module) => self.import(module, "*".to_owned()),
            }
        }
    }

    fn import(&mut self, module: ModuleId, name: String) {
        let from = &self.tree.modules[self.module].file;
        let to = &self.tree.modules[module].file;
        let user = self.build == Build::Test && !self.test_only[to.as_path()];
        if from != to && !user {
            let names = self.imports.entry(from.clone()).or_default();
            names.entry(to.clone()).or_default().insert(name);
        }
    }

    fn within(&mut self, attributes: &[Attribute], visit: impl FnOnce(&mut Self)) {
        let around = self.build;
        if build_of(attributes) == Build::Test {
            self.build = Build::Test;
        }
        visit(self);
        self.build = around;
    }

    /// Reads `a::b` out of tokens that are not parsed. A single name is taken only where it is called
    /// a path by its neighbours: the `use` that brought it here counts already.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match &token {
                TokenTree::Ident(name) if path.is_empty() || colons == 2 => {
                    path.push(name.to_string());
                    colons = 0;
                    continue;
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' && !path.is_empty() => {
                    colons += 1;
                    continue;
                }
                _ => {}
            }
            self.finish(&mut path);
            colons = 0;
            match token {
                TokenTree::Ident(name) => path.push(name.to_string()),
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
        self.finish(&mut path);
    }

    fn finish(&mut self, path: &mut Vec<String>) {
        if path.len() > 1 {
            self.path(path);
        }
        path.clear();
    }
}

impl<'ast> Visit<'ast> for Walk<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        self.within(attributes(item), |walk| visit::visit_item(walk, item));
    }

    fn visit_impl_item(&mut self, item: &'ast syn::ImplItem) {
        let attributes = match item {
            syn::ImplItem::Fn(item) => item.attrs.as_slice(),
            syn::ImplItem::Const(item) => &item.attrs,
            _ => &[],
        };
        self.within(attributes, |walk| visit::visit_impl_item(walk, item));
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        for import in imports(item) {
            match import.alias {
                Some(_) => self.path(&import.path),
                None => self.glob(&import.path),
            }
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            let path: Vec<_> = path.segments.iter().map(|s| s.ident.to_string()).collect();
            self.path(&path);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast Macro) {
        self.visit_path(&item.path);
        self.tokens(item.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        let Meta::List(list) = &attribute.meta else { return };
        // `#[serde(with = "crate::path")]` and `#[derive(crate::Derive)]`.
        for token in list.tokens.clone() {
            if let TokenTree::Literal(literal) = token
                && let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string())
                && let Ok(path) = text.parse::<syn::Path>()
            {
                self.visit_path(&path);
            }
        }
        self.tokens(list.tokens.clone());
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Returns the groups of files that reach each other, largest first.
pub fn circles(imports: &Imports) -> Vec<Vec<&Path>> {
    let reached: BTreeMap<&Path, BTreeSet<&Path>> =
        imports.keys().map(|file| (file.as_path(), reach(imports, file))).collect();
    let mut circles: Vec<Vec<&Path>> = Vec::new();
    for (file, others) in &reached {
        if others.contains(file) && !circles.iter().any(|circle| circle.contains(file)) {
            let back = |other: &&&Path| reached.get(**other).is_some_and(|r| r.contains(file));
            circles.push(others.iter().filter(back).copied().collect());
        }
    }
    circles.sort_by_key(|circle| std::cmp::Reverse(circle.len()));
    circles
}

/// Returns the files that can be reached from a file by one or more imports.
fn reach<'a>(imports: &'a Imports, file: &Path) -> BTreeSet<&'a Path> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&Path> = vec![file];
    while let Some(file) = next.pop() {
        for to in imports.get(file).into_iter().flat_map(BTreeMap::keys) {
            if reached.insert(to.as_path()) {
                next.push(to);
            }
        }
    }
    reached
}

/// Describes a circle: its shortest round first, then every import inside it with the names taken.
pub fn describe(imports: &Imports, circle: &[&Path], show: &dyn Fn(&Path) -> String) -> String {
    let round = circle.iter().filter_map(|file| round(imports, circle, file)).min_by_key(Vec::len);
    let round: Vec<_> = round.unwrap_or_default().into_iter().map(show).collect();
    let mut text = format!("{} files; shortest: {}\n", circle.len(), round.join(" -> "));
    for from in circle {
        for to in circle {
            if let Some(names) = imports[*from].get(*to) {
                let names: Vec<_> = names.iter().map(String::as_str).collect();
                text += &format!("    {} -> {}: {}\n", show(from), show(to), names.join(", "));
            }
        }
    }
    text
}

/// Returns the shortest way from a file back to itself.
fn round<'a>(imports: &Imports, circle: &[&'a Path], start: &'a Path) -> Option<Vec<&'a Path>> {
    let mut ways: Vec<Vec<&Path>> = vec![vec![start]];
    let mut seen = BTreeSet::new();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            let last = way[way.len() - 1];
            for next in circle.iter().filter(|next| imports[last].contains_key(**next)) {
                let way: Vec<_> = way.iter().chain([next]).copied().collect();
                if *next == start {
                    return Some(way);
                }
                if seen.insert(*next) {
                    longer.push(way);
                }
            }
        }
        ways = longer;
    }
    None
}

/// Tells whether code names another crate in a path.
pub fn names_crate(items: &[Item], name: &str) -> bool {
    let mut search = Search { name, found: false };
    items.iter().for_each(|item| search.visit_item(item));
    search.found
}

struct Search<'a> {
    name: &'a str,
    found: bool,
}

impl<'ast> Visit<'ast> for Search<'_> {
    fn visit_ident(&mut self, ident: &'ast syn::Ident) {
        self.found |= ident == self.name;
    }

    fn visit_macro(&mut self, item: &'ast Macro) {
        self.found |= item.tokens.to_string().split_whitespace().any(|word| word == self.name);
    }
}

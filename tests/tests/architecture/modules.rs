//! The module tree of a crate: which names each module has, and the file where each is defined.
//!
//! It follows `mod`, `use`, renames, re-exports and globs, and resolves a path as the compiler
//! would, as far as the files of one crate go. It knows nothing of types: a method call is not a
//! path, and `Type::function` belongs to the file that defines `Type`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, Meta, Token, UseTree};

/// Index of a module in its [`Tree`].
pub type ModuleId = usize;

/// A name in a module.
#[derive(Clone, Debug)]
pub enum Name {
    /// A module.
    Module(ModuleId),
    /// An item that the module itself defines.
    Item,
    /// An alias that a `use` introduces; the path is written from this module.
    Alias(Vec<String>),
}

/// A module of the crate.
pub struct Module {
    /// Its name; empty for the root.
    name: String,
    /// The file that holds it; several modules can share one.
    pub file: PathBuf,
    /// The module around it.
    pub parent: Option<ModuleId>,
    /// The builds that have the module.
    pub build: Build,
    /// Its items. The code of modules inside it is theirs, not its own.
    pub items: Vec<Item>,
    names: BTreeMap<String, Vec<Name>>,
    globs: Vec<Vec<String>>,
}

/// The builds that a piece of code is part of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Build {
    /// Every build.
    Any,
    /// Tests only: it stands under `#[cfg(test)]` or `#[test]`.
    Test,
}

/// All modules of a crate. The root has index 0.
pub struct Tree {
    /// The modules.
    pub modules: Vec<Module>,
}

/// The end of a resolved path.
#[derive(PartialEq, Eq, Debug)]
pub enum Target {
    /// A module.
    Module(ModuleId),
    /// An item, and the module that defines it.
    Item {
        /// The module that defines the item.
        module: ModuleId,
        /// The item's name where it is defined.
        name: String,
    },
}

/// Returns the text of a file, where there is one.
pub type Load<'a> = dyn Fn(&Path) -> Option<String> + 'a;

/// Aliases and globs that are being resolved.
type Open = Vec<(ModuleId, String)>;

impl Module {
    fn new(name: String, file: PathBuf, parent: Option<ModuleId>, build: Build) -> Self {
        let (items, names, globs) = (Vec::new(), BTreeMap::new(), Vec::new());
        Self { name, file, parent, build, items, names, globs }
    }
}

impl Tree {
    /// Reads the module tree that begins at a root file.
    pub fn read(root: &Path) -> Self {
        Self::of(root, &|path| fs::read_to_string(path).ok())
    }

    /// Reads a module tree; `load` returns the text of a file.
    pub fn of(root: &Path, load: &Load) -> Self {
        let mut tree = Self { modules: Vec::new() };
        let text = load(root).unwrap_or_else(|| panic!("{} is missing", root.display()));
        let items = parse(root, &text);
        let folder = root.parent().unwrap().to_owned();
        let root = Module::new(String::new(), root.to_owned(), None, Build::Any);
        tree.add(root, &folder, items, load);
        tree
    }

    fn add(&mut self, module: Module, folder: &Path, items: Vec<Item>, load: &Load) -> ModuleId {
        let id = self.modules.len();
        let file = module.file.clone();
        self.modules.push(module);
        let mut own = Vec::new();
        for item in items {
            match item {
                Item::Mod(module) => {
                    let name = module.ident.to_string();
                    let child = self.add_child(id, &file, folder, module, load);
                    self.define(id, name, Name::Module(child));
                }
                item => {
                    self.define_item(id, &item);
                    own.push(item);
                }
            }
        }
        let mut local = LocalUses { found: Vec::new() };
        own.iter().for_each(|item| local.visit_item(item));
        local.found.iter().for_each(|item| self.define_use(id, item));
        self.modules[id].items = own;
        id
    }

    fn add_child(
        &mut self,
        parent: ModuleId,
        file: &Path,
        folder: &Path,
        module: ItemMod,
        load: &Load,
    ) -> ModuleId {
        let name = module.ident.to_string();
        let name = name.trim_start_matches("r#");
        let build = match self.modules[parent].build {
            Build::Any => build_of(&module.attrs),
            Build::Test => Build::Test,
        };
        if let Some((_, items)) = module.content {
            let child = Module::new(name.to_owned(), file.to_owned(), Some(parent), build);
            return self.add(child, &folder.join(name), items, load);
        }
        let flat = folder.join(format!("{name}.rs"));
        let deep = folder.join(name).join("mod.rs");
        let (path, text) = [flat, deep]
            .into_iter()
            .find_map(|path| load(&path).map(|text| (path, text)))
            .unwrap_or_else(|| panic!("no file for `mod {name}` of {}", file.display()));
        let items = parse(&path, &text);
        let child = Module::new(name.to_owned(), path, Some(parent), build);
        self.add(child, &folder.join(name), items, load)
    }

    fn define(&mut self, module: ModuleId, name: String, is: Name) {
        self.modules[module].names.entry(name).or_default().push(is);
    }

    fn define_item(&mut self, module: ModuleId, item: &Item) {
        if let Item::Use(item) = item {
            return self.define_use(module, item);
        }
        let Some(name) = item_name(item) else { return };
        let exported = matches!(item, Item::Macro(item) if has(&item.attrs, "macro_export"));
        if exported && module != 0 {
            let alias = self.path_of(module).into_iter().chain([name.clone()]);
            let alias = ["crate".to_owned()].into_iter().chain(alias).collect();
            self.define(0, name.clone(), Name::Alias(alias));
        }
        self.define(module, name, Name::Item);
    }

    fn define_use(&mut self, module: ModuleId, item: &ItemUse) {
        for import in imports(item) {
            match import.alias {
                Some(alias) => self.define(module, alias, Name::Alias(import.path)),
                None => self.modules[module].globs.push(import.path),
            }
        }
    }

    /// Returns the names of the modules from the root to this one.
    pub fn path_of(&self, module: ModuleId) -> Vec<String> {
        let Some(parent) = self.modules[module].parent else { return Vec::new() };
        let mut path = self.path_of(parent);
        path.push(self.modules[module].name.clone());
        path
    }

    /// Resolves a path that is written in a module; nothing where it leads out of the crate.
    pub fn resolve(&self, from: ModuleId, path: &[String]) -> Vec<Target> {
        self.resolve_within(from, path, &mut Vec::new())
    }

    /// [`Self::resolve`], but for the aliases and globs that are being resolved already.
    fn resolve_within(&self, from: ModuleId, path: &[String], open: &mut Open) -> Vec<Target> {
        let Some((first, rest)) = path.split_first() else {
            return vec![Target::Module(from)];
        };
        match first.as_str() {
            "crate" => return self.resolve_within(0, rest, open),
            "self" => return self.resolve_within(from, rest, open),
            "super" => {
                let Some(parent) = self.modules[from].parent else { return Vec::new() };
                return self.resolve_within(parent, rest, open);
            }
            _ => {}
        }
        let module = &self.modules[from];
        let mut found = Vec::new();
        for name in module.names.get(first).into_iter().flatten() {
            match name {
                Name::Module(id) => found.extend(self.resolve_within(*id, rest, open)),
                Name::Item => found.push(Target::Item { module: from, name: first.clone() }),
                Name::Alias(alias) => {
                    let targets = self.once(from, first.clone(), alias, open);
                    found.extend(self.go_on(targets, rest, open));
                }
            }
        }
        if found.is_empty() {
            for glob in &module.globs {
                let targets = self.once(from, format!("{}::*", glob.join("::")), glob, open);
                let key = (from, format!("*::{first}"));
                if !open.contains(&key) {
                    open.push(key);
                    found.extend(self.go_on(targets, path, open));
                    open.pop();
                }
            }
        }
        found
    }

    /// Resolves an alias or glob unless that is going on already: `use nix::nix` names two things.
    fn once(&self, from: ModuleId, name: String, path: &[String], open: &mut Open) -> Vec<Target> {
        let key = (from, name);
        if open.contains(&key) {
            return Vec::new();
        }
        open.push(key);
        let found = self.resolve_within(from, path, open);
        open.pop();
        found
    }

    fn go_on(&self, targets: Vec<Target>, rest: &[String], open: &mut Open) -> Vec<Target> {
        let go_on = |target| match target {
            Target::Module(id) => self.resolve_within(id, rest, open),
            item @ Target::Item { .. } => vec![item],
        };
        targets.into_iter().flat_map(go_on).collect()
    }
}

/// A path that a `use` names.
pub struct Import {
    /// Its segments.
    pub path: Vec<String>,
    /// The name that it has from there on; nothing for a glob.
    pub alias: Option<String>,
}

/// Returns each path that a `use` names. A path from the outside (`::x`) is left out.
pub fn imports(item: &ItemUse) -> Vec<Import> {
    let mut found = Vec::new();
    if item.leading_colon.is_none() {
        collect(&item.tree, &mut Vec::new(), &mut found);
    }
    found
}

fn collect(tree: &UseTree, path: &mut Vec<String>, found: &mut Vec<Import>) {
    let with = |path: &[String], name: String| {
        let this = name == "self" && !path.is_empty();
        path.iter().cloned().chain((!this).then_some(name)).collect::<Vec<_>>()
    };
    match tree {
        UseTree::Path(part) => {
            path.push(part.ident.to_string());
            collect(&part.tree, path, found);
            path.pop();
        }
        UseTree::Name(part) => {
            let path = with(path, part.ident.to_string());
            found.push(Import { alias: path.last().cloned(), path });
        }
        UseTree::Rename(part) => {
            let path = with(path, part.ident.to_string());
            found.push(Import { path, alias: Some(part.rename.to_string()) });
        }
        UseTree::Glob(_) => found.push(Import { path: path.clone(), alias: None }),
        UseTree::Group(group) => group.items.iter().for_each(|part| collect(part, path, found)),
    }
}

/// Tells in which builds code with these attributes is.
pub fn build_of(attributes: &[Attribute]) -> Build {
    let test = |meta: &Meta| meta.path().is_ident("test");
    let gated = attributes.iter().any(|attribute| {
        test(&attribute.meta)
            || (attribute.path().is_ident("cfg")
                && attribute
                    .parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)
                    .is_ok_and(|all| all.iter().any(test)))
    });
    if gated { Build::Test } else { Build::Any }
}

fn has(attributes: &[Attribute], name: &str) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident(name))
}

/// Returns the name that an item defines.
pub fn item_name(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

/// Parses a file, and names it when that fails.
pub fn parse(path: &Path, text: &str) -> Vec<Item> {
    let file = syn::parse_file(text);
    file.unwrap_or_else(|error| panic!("{}: {error}", path.display())).items
}

/// `use` items inside bodies of functions.
struct LocalUses {
    found: Vec<ItemUse>,
}

impl<'ast> Visit<'ast> for LocalUses {
    fn visit_block(&mut self, block: &'ast syn::Block) {
        for statement in &block.stmts {
            if let syn::Stmt::Item(Item::Use(item)) = statement {
                self.found.push(item.clone());
            }
        }
        visit::visit_block(self, block);
    }
}

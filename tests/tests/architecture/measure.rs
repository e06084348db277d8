//! Measures of a source file: long functions, names of public types, openings of doc comments.

use std::fs;
use std::path::Path;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Block, Expr, Item, Lit, Meta, Signature, Visibility};

use crate::modules::{Build, build_of};

/// First words of a relative clause. A type's doc opens with a noun, a function's with a verb.
const CLAUSES: [&str; 12] = [
    "What", "Whatever", "When", "Whenever", "Where", "Wherever", "Whether", "Which", "Who",
    "Whoever", "Whose", "How",
];

/// The measures of one file.
#[derive(Default)]
pub struct Measures {
    /// Functions outside of tests: name and lines.
    pub functions: Vec<(String, usize)>,
    /// Names of types and traits that are `pub`, outside of tests.
    pub types: Vec<String>,
    /// Doc comments.
    pub docs: usize,
    /// First lines of the doc comments that open with a relative clause.
    pub clauses: Vec<String>,
}

/// Measures a file.
pub fn file(path: &Path) -> Measures {
    let text = fs::read_to_string(path).unwrap();
    text_of(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Measures the text of a file.
pub fn text_of(text: &str) -> syn::Result<Measures> {
    let file = syn::parse_file(text)?;
    let mut measure = Measure { found: Measures::default(), build: Build::Any, owner: None };
    measure.docs(&file.attrs);
    measure.visit_file(&file);
    Ok(measure.found)
}

struct Measure {
    found: Measures,
    build: Build,
    owner: Option<String>,
}

impl Measure {
    fn function(&mut self, signature: &Signature, body: &Block) {
        if self.build == Build::Test {
            return;
        }
        let name = signature.ident.to_string();
        let name = self.owner.as_ref().map_or(name.clone(), |owner| format!("{owner}::{name}"));
        let lines = body.span().end().line + 1 - signature.span().start().line;
        self.found.functions.push((name, lines));
    }

    fn docs(&mut self, attributes: &[Attribute]) {
        let first = attributes.iter().find_map(|attribute| match &attribute.meta {
            Meta::NameValue(doc) if doc.path.is_ident("doc") => match &doc.value {
                Expr::Lit(text) => match &text.lit {
                    Lit::Str(text) => Some(text.value()),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        });
        let Some(first) = first else { return };
        self.found.docs += 1;
        let word =
            first.trim_start().split(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
        if CLAUSES.contains(&word) {
            self.found.clauses.push(first.trim().to_owned());
        }
    }

    fn public(&mut self, visibility: &Visibility, name: &syn::Ident) {
        if self.build == Build::Any && matches!(visibility, Visibility::Public(_)) {
            self.found.types.push(name.to_string());
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
}

impl<'ast> Visit<'ast> for Measure {
    fn visit_item(&mut self, item: &'ast Item) {
        match item {
            Item::Enum(item) => self.public(&item.vis, &item.ident),
            Item::Struct(item) => self.public(&item.vis, &item.ident),
            Item::Trait(item) => self.public(&item.vis, &item.ident),
            Item::Type(item) => self.public(&item.vis, &item.ident),
            Item::Union(item) => self.public(&item.vis, &item.ident),
            _ => {}
        }
        visit::visit_item(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.docs(&item.attrs);
        self.within(&item.attrs, |measure| {
            item.content.iter().flat_map(|(_, items)| items).for_each(|i| measure.visit_item(i));
        });
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.docs(&item.attrs);
        self.within(&item.attrs, |measure| {
            measure.function(&item.sig, &item.block);
            measure.visit_block(&item.block);
        });
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let owner = match &*item.self_ty {
            syn::Type::Path(path) => path.path.segments.last().map(|s| s.ident.to_string()),
            _ => None,
        };
        let around = std::mem::replace(&mut self.owner, owner);
        self.within(&item.attrs, |measure| visit::visit_item_impl(measure, item));
        self.owner = around;
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.docs(&item.attrs);
        let around = self.owner.replace(item.ident.to_string());
        visit::visit_item_trait(self, item);
        self.owner = around;
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.docs(&item.attrs);
        self.within(&item.attrs, |measure| {
            measure.function(&item.sig, &item.block);
            measure.visit_block(&item.block);
        });
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        self.docs(&item.attrs);
        if let Some(body) = &item.default {
            self.function(&item.sig, body);
            self.visit_block(body);
        }
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.docs(&item.attrs);
        visit::visit_item_struct(self, item);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.docs(&item.attrs);
        visit::visit_item_enum(self, item);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.docs(&item.attrs);
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.docs(&item.attrs);
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        self.docs(&item.attrs);
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        self.docs(&field.attrs);
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        self.docs(&variant.attrs);
        visit::visit_variant(self, variant);
    }

    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        self.docs(&item.attrs);
    }
}

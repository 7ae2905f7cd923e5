//! The rules between the layers of a context, read from the paths that its source names.

use std::fs;
use std::path::Path;

use syn::visit::{self, Visit};
use syn::{Attribute, Ident, Item, UseTree};

/// What a layer may name. `crate::…` are the context's own modules; a prefix allows all below it.
struct Layer {
    name: &'static str,
    allowed: &'static [&'static str],
}

/// Descriptions of values (serde, deserr, utoipa) are derived, do nothing by themselves, and are allowed everywhere.
/// What is not allowed is what reaches out: SQL, HTTP, the broker, the container, the clock, randomness.
const LAYERS: &[Layer] = &[
    Layer {
        name: "domain",
        allowed: &[
            "async_trait",
            "core",
            "crate::domain",
            "crate::error",
            "deserr",
            "serde",
            "servertree_kernel::domain",
            "servertree_kernel::fields",
            "servertree_kernel::id",
            "servertree_kernel::number",
            "servertree_kernel::text",
            "std",
            "utoipa",
        ],
    },
    Layer {
        name: "application",
        allowed: &[
            "async_trait",
            "core",
            "crate::application",
            "crate::domain",
            "crate::error",
            "crate::events",
            "serde",
            "servertree_kernel",
            "shaku",
            "std",
            "utoipa",
        ],
    },
    Layer {
        name: "infrastructure",
        allowed: &[
            "async_trait",
            "core",
            "crate::application",
            "crate::domain",
            "crate::error",
            "crate::infrastructure",
            "sea_query",
            "serde",
            "servertree_kernel",
            "shaku",
            "sqlx",
            "std",
        ],
    },
    Layer {
        name: "interface",
        allowed: &[
            "actix_web",
            "core",
            "crate::application",
            "crate::domain",
            "crate::error",
            "crate::interface",
            "serde",
            "servertree_kernel",
            "std",
            "utoipa",
            "utoipa_actix_web",
        ],
    },
];

/// What no layer may name, whatever is allowed above it.
const REFUSED: &[&str] = &["std::time::SystemTime", "std::time::Instant", "std::env", "std::fs", "std::net"];
/// What the two inner layers may not name of the kernel.
const EDGES: &[&str] = &["servertree_kernel::database::Database", "servertree_kernel::plugin"];

pub fn violations(root: &Path) -> Vec<String> {
    let mut violations = Vec::new();
    let contexts = fs::read_dir(root.join("contexts")).expect("a folder of contexts");
    for context in contexts.map(|entry| entry.expect("a folder").path()) {
        for layer in LAYERS {
            for (path, text) in rust_files(&context.join("src").join(layer.name)) {
                let place = format!("{}/{path}", layer.name);
                let names = named_paths(&text).unwrap_or_else(|error| panic!("{place}: {error}"));
                let context = context.file_name().expect("a name").to_string_lossy().into_owned();
                violations.extend(
                    names
                        .iter()
                        .filter(|name| !is_allowed(layer, name))
                        .map(|name| format!("{context}: {place} uses {name}")),
                );
            }
        }
    }
    violations
}

fn is_allowed(layer: &Layer, name: &str) -> bool {
    let below = |prefix: &&str| name == *prefix || name.starts_with(&format!("{prefix}::"));
    let is_inner = matches!(layer.name, "domain" | "application");
    let refused = REFUSED.iter().any(below) || (is_inner && EDGES.iter().any(below));
    layer.allowed.iter().any(below) && !refused
}

/// The Rust files below `folder`, by their path in it, with their text.
pub fn rust_files(folder: &Path) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else {
        return files;
    };
    for path in entries.map(|entry| entry.expect("a file").path()) {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() {
            files
                .extend(rust_files(&path).into_iter().map(|(below, text)| (format!("{name}/{below}"), text)));
        } else if name.ends_with(".rs") {
            files.push((name, fs::read_to_string(&path).expect("a text")));
        }
    }
    files
}

/// The paths that lead out of a file: what it uses, and what it names in full. Its tests do not count.
fn named_paths(text: &str) -> syn::Result<Vec<String>> {
    let file = syn::parse_file(text)?;
    if is_for_tests(&file.attrs) {
        return Ok(Vec::new());
    }
    let mut names = Names::default();
    names.visit_file(&file);
    let Names { mut outer, local } = names;
    outer.retain(|name| {
        name.split("::").next().is_some_and(|first| !local.iter().any(|local| local == first))
    });
    outer.sort();
    outer.dedup();
    Ok(outer)
}

/// `outer` are the paths; `local` the names that this file itself declares or uses, and those of primitive types.
struct Names {
    outer: Vec<String>,
    local: Vec<String>,
}

impl Default for Names {
    fn default() -> Self {
        let primitives = ["char", "str", "bool", "u8", "u16", "u32", "u64", "usize", "i32", "i64", "f64"];
        Self { outer: Vec::new(), local: primitives.map(str::to_owned).into() }
    }
}

impl Visit<'_> for Names {
    fn visit_item(&mut self, item: &Item) {
        match item {
            Item::Mod(module) if is_for_tests(&module.attrs) => {}
            Item::Mod(module) => {
                self.local.push(module.ident.to_string());
                visit::visit_item(self, item);
            }
            Item::Use(item) if is_for_tests(&item.attrs) => {}
            Item::Use(item) => self.add_tree("", &item.tree),
            item => visit::visit_item(self, item),
        }
    }

    fn visit_path(&mut self, path: &syn::Path) {
        // A path of one segment is a local name; those of more begin at a crate, or at something that was used.
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let is_outer = segments.len() > 1 && segments[0].chars().all(|c| c.is_lowercase() || c == '_');
        if is_outer && !matches!(segments[0].as_str(), "self" | "super") {
            self.add(&segments.join("::"));
        }
        visit::visit_path(self, path);
    }
}

impl Names {
    fn add_tree(&mut self, prefix: &str, tree: &UseTree) {
        match tree {
            UseTree::Path(path) => {
                let prefix = format!("{prefix}{}::", path.ident);
                self.add_tree(&prefix, &path.tree);
            }
            UseTree::Name(name) => self.add_used(prefix, &name.ident, &name.ident),
            UseTree::Rename(name) => self.add_used(prefix, &name.ident, &name.rename),
            UseTree::Glob(_) => self.add(prefix.trim_end_matches("::")),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.add_tree(prefix, tree)),
        }
    }

    fn add_used(&mut self, prefix: &str, name: &Ident, local: &Ident) {
        self.add(&format!("{prefix}{name}"));
        // A use of a whole crate brings no name that was not there.
        if !prefix.is_empty() {
            self.local.push(local.to_string());
        }
    }

    fn add(&mut self, name: &str) {
        // `super::` and `self::` stay within the layer, or lead to its neighbours by way of `crate::`.
        if !name.starts_with("super") && !name.starts_with("self") {
            self.outer.push(name.to_owned());
        }
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.meta.require_list().is_ok_and(|list| list.tokens.to_string() == "test")
    })
}

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
            // What can be permitted is a matter of the domain where permissions are what it is about. It is pure.
            "servertree_kernel::permission",
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
            "argon2",
            "async_trait",
            "base64",
            "core",
            "crate::application",
            "crate::domain",
            "crate::error",
            "crate::infrastructure",
            "getrandom",
            "sea_query",
            "serde",
            "serde_json",
            "servertree_kernel",
            "sha2",
            "shaku",
            "sqlx",
            "std",
            "tokio",
            "tracing",
            "zeroize",
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
            "deserr",
            "serde",
            "serde_json",
            "servertree_kernel",
            "std",
            "utoipa",
            "utoipa_actix_web",
        ],
    },
];

/// The modules at the root of a context, which all of its layers share: they point inwards, too.
const SHARED: Layer = Layer {
    name: "",
    allowed: &[
        "core",
        "crate::domain",
        "crate::error",
        "crate::events",
        "serde",
        "servertree_kernel",
        "std",
        "thiserror",
        "utoipa",
    ],
};

/// What no layer may name, whatever is allowed above it.
const REFUSED: &[&str] = &["std::time::SystemTime", "std::time::Instant", "std::env", "std::fs", "std::net"];
/// What the two inner layers may not name of the kernel.
const EDGES: &[&str] = &["servertree_kernel::database::Database", "servertree_kernel::plugin"];

pub fn violations(root: &Path) -> Vec<String> {
    let mut violations = Vec::new();
    let contexts = fs::read_dir(root.join("contexts")).expect("a folder of contexts");
    for context in contexts.map(|entry| entry.expect("a folder").path()) {
        let source = context.join("src");
        let mut files: Vec<(&Layer, String, String)> = Vec::new();
        for layer in LAYERS {
            let of_layer = rust_files(&source.join(layer.name)).into_iter();
            files.extend(of_layer.map(|(path, text)| (layer, format!("{}/{path}", layer.name), text)));
        }
        let shared = ["error.rs", "events.rs"]
            .into_iter()
            .filter_map(|name| Some((&SHARED, name.to_owned(), fs::read_to_string(source.join(name)).ok()?)));
        files.extend(shared);
        let context = context.file_name().expect("a name").to_string_lossy().into_owned();
        for (layer, place, text) in files {
            let names = named_paths(&place, &text).unwrap_or_else(|error| panic!("{place}: {error}"));
            let refused = names.iter().filter(|name| !is_allowed(layer, name));
            violations.extend(refused.map(|name| format!("{context}: {place} uses {name}")));
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

/// The paths that lead out of the file at `place`: what it uses, and what it names in full. Its tests do not count.
fn named_paths(place: &str, text: &str) -> syn::Result<Vec<String>> {
    let file = syn::parse_file(text)?;
    if is_for_tests(&file.attrs) || place.ends_with("/tests.rs") {
        return Ok(Vec::new());
    }
    let mut names = Names::at(place);
    names.visit_file(&file);
    let Names { mut outer, local, .. } = names;
    outer.retain(|name| {
        name.split("::").next().is_some_and(|first| !local.iter().any(|local| local == first))
    });
    outer.sort();
    outer.dedup();
    Ok(outer)
}

struct Names {
    /// The module that the file is: `crate::domain::server`.
    module: Vec<String>,
    /// The paths that it names.
    outer: Vec<String>,
    /// The names that the file itself declares or uses, and those of primitive types.
    local: Vec<String>,
}

impl Names {
    fn at(place: &str) -> Self {
        let path = place.trim_end_matches(".rs").trim_end_matches("/mod");
        let module = std::iter::once("crate").chain(path.split('/')).map(str::to_owned).collect();
        let primitives = ["char", "str", "bool", "u8", "u16", "u32", "u64", "usize", "i32", "i64", "f64"];
        Self { module, outer: Vec::new(), local: primitives.map(str::to_owned).into() }
    }

    /// The path with `self` and `super` replaced by the module they stand for.
    fn absolute(&self, name: &str) -> String {
        let mut rest = name.split("::").peekable();
        let mut base = self.module.clone();
        match rest.peek() {
            Some(&"self") => drop(rest.next()),
            Some(&"super") => {}
            _ => return name.to_owned(),
        }
        while rest.peek() == Some(&"super") {
            rest.next();
            base.pop();
        }
        base.extend(rest.map(str::to_owned));
        base.join("::")
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
        if is_outer {
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
            // `path::{self}` is `path`.
            UseTree::Name(name) if name.ident == "self" => {
                self.add(prefix.trim_end_matches("::"));
                self.local.extend(prefix.trim_end_matches("::").rsplit("::").next().map(str::to_owned));
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
        self.outer.push(self.absolute(name));
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.meta.require_list().is_ok_and(|list| list.tokens.to_string() == "test")
    })
}

//! The rules of tables: each belongs to one owner, whose name it begins with, and nobody else names it.

use std::fs;
use std::path::Path;

use syn::{Item, ItemEnum};

use super::layers::rust_files;

/// What the kernel's tables begin with.
const KERNEL_PREFIXES: &[&str] = &["event", "idempotency", "locks", "secret"];

pub fn violations(root: &Path) -> Vec<String> {
    let mut violations = Vec::new();
    for owner in folders(&root.join("migrations")) {
        for (path, text) in sql_files(&root.join("migrations").join(&owner)) {
            let created = text.split("CREATE TABLE ").skip(1).filter_map(table_name);
            let foreign = created.filter(|table| !belongs(table, &owner));
            violations.extend(
                foreign.map(|table| format!("migrations/{owner}/{path} creates {table}, not its own")),
            );
        }
    }
    for context in folders(&root.join("contexts")) {
        for (path, text) in rust_files(&root.join("contexts").join(&context).join("src")) {
            let foreign = named_tables(&text).into_iter().filter(|table| !belongs(table, &context));
            violations.extend(foreign.map(|table| format!("{context}: {path} names {table}, not its own")));
        }
    }
    violations
}

/// The name in what follows `CREATE TABLE`.
fn table_name(rest: &str) -> Option<&str> {
    rest.strip_prefix("IF NOT EXISTS ").unwrap_or(rest).split_whitespace().next()
}

fn belongs(table: &str, owner: &str) -> bool {
    match owner {
        "kernel" => KERNEL_PREFIXES.iter().any(|prefix| table.starts_with(prefix)),
        owner => table.starts_with(owner),
    }
}

/// The tables that a file names: as an enum of columns with `Table` among them.
fn named_tables(text: &str) -> Vec<String> {
    let file = syn::parse_file(text).expect("a Rust file");
    let is_table = |item: &ItemEnum| item.variants.iter().any(|variant| variant.ident == "Table");
    let tables = file.items.into_iter().filter_map(|item| match item {
        Item::Enum(item) if is_table(&item) => Some(snake_case(&item.ident.to_string())),
        _ => None,
    });
    tables.collect()
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

fn folders(parent: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
    let folders = entries.map(|entry| entry.expect("an entry")).filter(|entry| entry.path().is_dir());
    folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

fn sql_files(owner: &Path) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for engine in folders(owner) {
        for entry in fs::read_dir(owner.join(&engine)).expect("a folder").map(|entry| entry.expect("a file"))
        {
            let name = format!("{engine}/{}", entry.file_name().to_string_lossy());
            files.push((name, fs::read_to_string(entry.path()).expect("a text")));
        }
    }
    files
}

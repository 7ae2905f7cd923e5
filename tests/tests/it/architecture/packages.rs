//! The rules between packages, read from `cargo metadata`, and those of how contexts are registered.

use std::fs;
use std::path::Path;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

use super::layers::rust_files;

const KERNEL: &str = "servertree-kernel";
const HOST: &str = "servertree-host";

pub fn violations(root: &Path) -> Vec<String> {
    let metadata = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .no_deps()
        .other_options(["--offline".to_owned()])
        .exec()
        .expect("cargo metadata");
    let contexts: Vec<&Package> =
        metadata.packages.iter().filter(|package| is_context(&metadata, package)).collect();
    let mut violations = Vec::new();
    for package in &metadata.packages {
        let is_kernel = package.name.as_str() == KERNEL;
        if !is_kernel && !contexts.contains(&package) {
            continue;
        }
        for dependency in &package.dependencies {
            let is_context = contexts.iter().any(|context| context.name.as_str() == dependency.name);
            // A package may name itself among those for its tests, to get its own test kit.
            let is_itself =
                dependency.name == package.name.as_str() && dependency.kind == DependencyKind::Development;
            if (is_context || dependency.name == HOST) && !is_itself {
                violations.push(format!("{} must not depend on {}", package.name, dependency.name));
            }
        }
    }
    violations.extend(contexts.iter().flat_map(|context| registration(root, &metadata, context)));
    violations
}

fn is_context(metadata: &Metadata, package: &Package) -> bool {
    package.manifest_path.starts_with(metadata.workspace_root.join("contexts"))
}

/// A context is named in `host/src/contexts.rs`, behind a feature of its name, and nowhere else in the host.
fn registration(root: &Path, metadata: &Metadata, context: &Package) -> Vec<String> {
    let folder = context.manifest_path.parent().and_then(|folder| folder.file_name()).expect("a folder");
    let crate_name = context.name.replace('-', "_");
    let mut violations = Vec::new();
    let list = fs::read_to_string(root.join("host/src/contexts.rs")).unwrap_or_default();
    let line = format!("#[cfg(feature = \"{folder}\")]\nuse {crate_name} as _;");
    if !list.contains(&line) {
        violations
            .push(format!("contexts/{folder} is not registered in host/src/contexts.rs: it lacks\n{line}"));
    }
    let host = metadata.packages.iter().find(|package| package.name.as_str() == HOST);
    if !host.is_some_and(|host| host.features.contains_key(folder)) {
        violations.push(format!("host has no feature '{folder}'"));
    }
    for (path, text) in rust_files(&root.join("host/src")) {
        if path != "contexts.rs" && text.contains(&crate_name) {
            violations.push(format!("host/src/{path} names {crate_name}; only contexts.rs may"));
        }
    }
    violations
}

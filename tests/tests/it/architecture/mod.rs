//! The rules of the structure, held against the workspace; and each rule held against a workspace that breaks it.

mod fixture;
mod layers;
mod packages;
mod tables;

use std::path::Path;

use fixture::Fixture;
use servertree_tests::workspace_root;

/// All that is wrong with the workspace at `root`, a line each.
fn violations(root: &Path) -> Vec<String> {
    let mut violations = packages::violations(root);
    violations.extend(layers::violations(root));
    violations.extend(tables::violations(root));
    violations
}

#[test]
fn the_workspace_keeps_the_rules() {
    let violations = violations(workspace_root());
    assert!(violations.is_empty(), "{violations:#?}");
}

#[test]
fn a_sound_fixture_keeps_the_rules() {
    let fixture = Fixture::sound();
    assert_eq!(violations(fixture.root()), Vec::<String>::new());
}

/// Each fixture breaks one rule, and that one is named.
#[test]
fn each_rule_is_seen_to_be_broken() {
    let server = "contexts/server/src";
    let rows: [(&str, Fixture, &str); 23] = [
        (
            "the kernel on a context",
            Fixture::sound().depends("kernel", "servertree-server", "../contexts/server"),
            "servertree-kernel must not depend on servertree-server",
        ),
        (
            "the kernel on the host",
            Fixture::sound().depends("kernel", "servertree-host", "../host"),
            "servertree-kernel must not depend on servertree-host",
        ),
        (
            "a context on another",
            Fixture::sound().context("application").depends(
                "contexts/server",
                "servertree-application",
                "../application",
            ),
            "servertree-server must not depend on servertree-application",
        ),
        (
            "a context on the host",
            Fixture::sound().depends("contexts/server", "servertree-host", "../../host"),
            "servertree-server must not depend on servertree-host",
        ),
        (
            "a context that is not registered",
            Fixture::sound().context("racks"),
            "contexts/racks is not registered in host/src/contexts.rs",
        ),
        (
            "a context without a feature",
            Fixture::sound().file("host/Cargo.toml", &fixture::host_manifest(&[])),
            "host has no feature 'server'",
        ),
        (
            "the host names a context elsewhere",
            Fixture::sound().file("host/src/http.rs", "pub fn x() { servertree_server::x(); }"),
            "host/src/http.rs names servertree_server",
        ),
        (
            "the domain on SQL",
            Fixture::sound().file(&format!("{server}/domain/server.rs"), "use sqlx::FromRow;"),
            "domain/server.rs uses sqlx",
        ),
        (
            "the domain on the clock, by a full path",
            Fixture::sound().file(
                &format!("{server}/domain/server.rs"),
                "pub fn now() -> std::time::SystemTime { std::time::SystemTime::now() }",
            ),
            "domain/server.rs uses std::time",
        ),
        (
            "the domain on the kernel's edges",
            Fixture::sound()
                .file(&format!("{server}/domain/server.rs"), "use servertree_kernel::http::Body;"),
            "domain/server.rs uses servertree_kernel::http",
        ),
        (
            "the domain on the application",
            Fixture::sound()
                .file(&format!("{server}/domain/server.rs"), "use crate::application::register::X;"),
            "domain/server.rs uses crate::application",
        ),
        (
            "the application on the infrastructure",
            Fixture::sound()
                .file(&format!("{server}/application/find.rs"), "use crate::infrastructure::Sql;"),
            "application/find.rs uses crate::infrastructure",
        ),
        (
            "the application on HTTP",
            Fixture::sound().file(&format!("{server}/application/find.rs"), "use actix_web::web;"),
            "application/find.rs uses actix_web",
        ),
        (
            "the interface on the infrastructure",
            Fixture::sound().file(&format!("{server}/interface/http.rs"), "use crate::infrastructure::Sql;"),
            "interface/http.rs uses crate::infrastructure",
        ),
        (
            "the infrastructure on the interface",
            Fixture::sound()
                .file(&format!("{server}/infrastructure/store.rs"), "use crate::interface::http::X;"),
            "infrastructure/store.rs uses crate::interface",
        ),
        (
            "the domain on randomness",
            Fixture::sound().file(
                &format!("{server}/domain/server.rs"),
                "pub fn id() -> uuid::Uuid { uuid::Uuid::now_v7() }",
            ),
            "domain/server.rs uses uuid",
        ),
        (
            "the domain on the infrastructure, by way of its parent",
            Fixture::sound()
                .file(&format!("{server}/domain/server.rs"), "use super::super::infrastructure::Sql;"),
            "domain/server.rs uses crate::infrastructure",
        ),
        (
            "the domain on the container",
            Fixture::sound().file(
                &format!("{server}/domain/server.rs"),
                "#[derive(shaku::Component)] struct X;\nuse shaku::Component;",
            ),
            "domain/server.rs uses shaku",
        ),
        (
            "a shared module on HTTP",
            Fixture::sound().file(&format!("{server}/error.rs"), "use actix_web::web;"),
            "error.rs uses actix_web",
        ),
        (
            "a shared module on a layer",
            Fixture::sound().file(&format!("{server}/events.rs"), "use crate::infrastructure::Sql;"),
            "events.rs uses crate::infrastructure",
        ),
        (
            "a context that names the table of another",
            Fixture::sound()
                .file(&format!("{server}/infrastructure/store.rs"), "enum EventLog { Table, Id }"),
            "infrastructure/store.rs names event_log, not its own",
        ),
        (
            "a context that makes a table of another",
            Fixture::sound()
                .file("migrations/server/sqlite/0001_x.sql", "CREATE TABLE applications (id BLOB);"),
            "migrations/server/sqlite/0001_x.sql creates applications, not its own",
        ),
        (
            "a context that makes a table of another, unless it is there",
            Fixture::sound().file(
                "migrations/server/mysql/0001_x.sql",
                "CREATE TABLE IF NOT EXISTS applications (id BINARY(16));",
            ),
            "migrations/server/mysql/0001_x.sql creates applications, not its own",
        ),
    ];
    for (what, fixture, expected) in rows {
        let found = violations(fixture.root());
        assert!(found.iter().any(|violation| violation.contains(expected)), "{what}: {found:#?}");
    }
}

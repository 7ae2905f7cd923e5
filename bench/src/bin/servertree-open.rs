//! The program `servertree` with a context in place of authorization that lets everybody do everything: what a request costs
//! without accounts, sessions, roles and grants.

use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use include_dir::Dir;
use servertree_kernel::authentication::TokenVerifier;
use servertree_kernel::database::Migrations;
use servertree_kernel::message::Caller;
use servertree_kernel::permission::{Grants, Permission, PermissionChecker};
use servertree_kernel::plugin::{Context, Registered};
use servertree_kernel::problem::Failure;

static NO_TABLES: Dir<'static> = Dir::new("", &[]);

static CONTEXT: Context = Context {
    name: "open",
    summary: "Lets everybody do everything",
    migrations: Migrations { owner: "open", folder: &NO_TABLES },
    routes: |_| {},
    events: &[],
    subscriptions: &[],
    upcasters: &[],
    problems: &[],
    open: &[],
    objects: &[],
    sections: &[],
    secrets: &[],
    register: |_, registry| {
        registry.token_verifier(Arc::new(Open));
        registry.permission_checker(Arc::new(Open));
    },
};

inventory::submit! { Registered(&CONTEXT) }

struct Open;

#[async_trait]
impl TokenVerifier for Open {
    async fn verify(&self, _: &str) -> Result<Option<Caller>, Failure> {
        Ok(Some(Caller::named("anybody")))
    }
}

#[async_trait]
impl PermissionChecker for Open {
    async fn grants(&self, _: &Caller, permissions: &[Permission]) -> Result<Vec<Grants>, Failure> {
        Ok(vec![Grants::everything("anybody"); permissions.len()])
    }
}

fn main() -> ExitCode {
    servertree_host::main()
}

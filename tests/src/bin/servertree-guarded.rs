//! The program `servertree` with one more context, which knows a few callers by tokens that say who they are and what they may:
//! what the authorization context will do in earnest.

use std::process::ExitCode;
use std::sync::Arc;

use async_trait::async_trait;
use include_dir::Dir;
use serde_json::json;
use servertree_kernel::authentication::TokenVerifier;
use servertree_kernel::criteria::Field;
use servertree_kernel::database::Migrations;
use servertree_kernel::message::{Account, Caller, Proof};
use servertree_kernel::permission::{
    Condition, Decisions, Grant, Grants, Permission, PermissionChecker, Question, Verdict,
};
use servertree_kernel::plugin::{Context, Registered};
use servertree_kernel::problem::{Failure, Internal};
use servertree_tests as _;
use uuid::Uuid;

static NO_TABLES: Dir<'static> = Dir::new("", &[]);

static CONTEXT: Context = Context {
    name: "guard",
    summary: "Knows a few callers",
    migrations: Migrations { owner: "guard", folder: &NO_TABLES },
    routes: |_| {},
    events: &[],
    subscriptions: &[],
    upcasters: &[],
    problems: &[],
    open: &[("GET", "/guard/open"), ("POST", "/guard/open")],
    objects: &[],
    sections: &[],
    secrets: &[],
    register: |_, registry| {
        registry.token_verifier(Arc::new(Guard));
        registry.permission_checker(Arc::new(Guard));
        registry.decisions(Arc::new(Guard));
    },
};

inventory::submit! { Registered(&CONTEXT) }

struct Guard;

/// `viewer`, `operator`, `staging-operator`, or one of them with `-reading`: a token of a person who has just that role.
#[async_trait]
impl TokenVerifier for Guard {
    async fn verify(&self, token: &str) -> Result<Option<Caller>, Failure> {
        if token == "broken" {
            return Err(Internal("the guard fell asleep".to_owned()).into());
        }
        let role = token.trim_end_matches("-reading");
        let is_known = ["nobody", "viewer", "operator", "staging-operator"].contains(&role);
        let account =
            Account { user: Uuid::from_u128(1), proof: Proof::Session(Uuid::from_u128(2)), until: None };
        let caller = Caller::with_account(role.into(), account);
        let caller = if role == token { caller } else { caller.read_only() };
        Ok(is_known.then_some(caller))
    }
}

const FIELDS: &[Field] = &[Field::text("environment", "environment", "environment")];

#[async_trait]
impl PermissionChecker for Guard {
    async fn grants(&self, caller: &Caller, permissions: &[Permission]) -> Result<Vec<Grants>, Failure> {
        let reads = |permission: &Permission| *permission == Permission::new("read", "server");
        let grants = |permission: &Permission| match caller.subject() {
            "viewer" if reads(permission) => Grants::everything("viewer"),
            "operator" => Grants::everything("operator"),
            "staging-operator" => Grants::new(vec![Grant {
                role: "staging-operator".into(),
                condition: Condition::parse(FIELDS, &json!({"environment": {"eq": "staging"}})).ok(),
            }]),
            _ => Grants::none(),
        };
        Ok(permissions.iter().map(grants).collect())
    }
}

#[async_trait]
impl Decisions for Guard {
    async fn decide(&self, _: &Question) -> Result<Verdict, Failure> {
        Ok(Verdict { allowed: false, reason: "undecided".to_owned() })
    }
}

fn main() -> ExitCode {
    servertree_host::main()
}

//! What the tests of this context have in common: a context with objects to permit things on, and people who log in.
#![cfg(test)]

use std::sync::Arc;

use include_dir::Dir;
use servertree_kernel::criteria::Field;
use servertree_kernel::database::Migrations;
use servertree_kernel::message::Caller;
use servertree_kernel::permission::{Audience, ObjectType};
use servertree_kernel::plugin::{Context, Registered};
use servertree_kernel::problem::Failure;
use servertree_kernel::testkit::{Builder, Testbed};

use crate::CONTEXT;
use crate::application::create_role::CreateRole;
use crate::application::create_user::CreateUser;
use crate::application::find_role::RoleView;
use crate::application::find_user::UserView;
use crate::application::log_in::{LogIn, LoggedIn};
use crate::domain::{Password, PasswordAttempt, RoleName, Username};

pub const PASSWORD: &str = "correct horse battery";

const FIELDS: &[Field] =
    &[Field::text("environment", "environment", "environment"), Field::integer("size", "size")];

static NO_TABLES: Dir<'static> = Dir::new("", &[]);

/// Things, of which there are none: all that counts is what may be done to them.
static THINGS: Context = Context {
    name: "things",
    summary: "Things",
    migrations: Migrations { owner: "things", folder: &NO_TABLES },
    routes: |_| {},
    events: &[],
    subscriptions: &[],
    upcasters: &[],
    problems: &[],
    open: &[],
    objects: &[
        ObjectType {
            name: "thing",
            actions: &["read", "create", "update", "discard"],
            fields: FIELDS,
            audience: Audience::Inventory,
        },
        // As events of roles are shown with.
        ObjectType { name: "server", actions: &["update"], fields: FIELDS, audience: Audience::Inventory },
        ObjectType {
            name: "thing.secret",
            actions: &["read", "reveal"],
            fields: FIELDS,
            audience: Audience::Confidential,
        },
    ],
    sections: &[],
    secrets: &[],
    register: |_, _| {},
};

inventory::submit! { Registered(&THINGS) }

/// A testbed of this context.
pub fn testbed() -> Builder {
    Testbed::of(&[&CONTEXT])
}

/// Whoever works on the machine itself: who makes the first users of a test.
pub fn operator() -> Caller {
    Caller::local_operator()
}

pub fn user(name: &str, roles: &[&str]) -> CreateUser {
    CreateUser {
        username: Username::parse(name.to_owned()).unwrap(),
        password: Password::parse(PASSWORD.to_owned()).unwrap(),
        roles: roles.iter().map(|role| RoleName::parse((*role).to_owned()).unwrap()).collect(),
    }
}

/// Somebody who has an account and logged in.
pub async fn somebody(test: &Testbed, name: &str, roles: &[&str]) -> (UserView, Caller) {
    let user = test.dispatch_as(&operator(), user(name, roles)).await.unwrap();
    (user, caller(test, name).await)
}

/// A user, as a request with their access token is seen.
pub async fn caller(test: &Testbed, name: &str) -> Caller {
    let logged_in = log_in(test, name, PASSWORD).await.unwrap();
    verify(test, logged_in.access_token.expose()).await.unwrap()
}

pub async fn log_in(test: &Testbed, name: &str, password: &str) -> Result<LoggedIn, Failure> {
    let password = PasswordAttempt::parse(password.to_owned()).unwrap();
    let command = LogIn { username: name.to_owned(), password, user_agent: None };
    test.dispatch_as(&Caller::anonymous(), command).await
}

pub async fn verify(test: &Testbed, token: &str) -> Option<Caller> {
    let verifier = Arc::clone(test.application.token_verifier.as_ref().unwrap());
    verifier.verify(token).await.unwrap()
}

/// An own role with these grants.
pub async fn role(test: &Testbed, name: &str, grants: serde_json::Value) -> RoleView {
    let draft = serde_json::json!({"name": name, "grants": grants});
    let draft = servertree_kernel::fields::parse(draft).unwrap();
    test.dispatch_as(&operator(), CreateRole { draft }).await.unwrap()
}

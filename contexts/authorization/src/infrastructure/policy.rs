//! The policy, as the tables have it: looked up for one user at a time, and remembered.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use sea_query::{Alias, Expr, ExprTrait, Query, SelectStatement};
use servertree_kernel::fields::Json;
use servertree_kernel::message::Caller;
use servertree_kernel::permission::{
    Decisions, Grants, ObjectType, Permission, PermissionChecker, Question, Verdict,
};
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::{ReadUow, Reads};
use shaku::Component;
use sqlx::FromRow;

use super::memory::{Lookup, Recollection};
use super::role_row::RoleRow;
use super::tables::{AuthorizationRoles, AuthorizationUserRoles, AuthorizationUsers};
use crate::application::policy::{Policy, Subject, decide};
use crate::application::role_set::{RoleSet, RoleTable};
use crate::domain::{BuiltIn, RoleId, UserId};

/// Looks the policy up.
#[derive(Component)]
#[shaku(interface = Policy)]
pub struct SqlPolicy {
    #[shaku(inject)]
    memory: Arc<dyn Recollection>,
    #[shaku(inject)]
    reads: Arc<dyn Reads>,
}

/// A user, joined with one of their roles.
#[derive(FromRow)]
struct SubjectRow {
    id: UserId,
    active: bool,
    role_id: Option<RoleId>,
}

#[async_trait]
impl Policy for SqlPolicy {
    async fn subject(&self, username: &str) -> Result<Option<Subject>, Failure> {
        match self.memory.subject(username) {
            Some(subject) => Ok(Some(subject)),
            // Boxed: what is remembered is asked for most, and need not bring along the room for a look-up.
            None => Box::pin(self.look_up(username)).await,
        }
    }
}

impl SqlPolicy {
    async fn look_up(&self, username: &str) -> Result<Option<Subject>, Failure> {
        // Before anything is read: what changes from here on is looked up again.
        let lookup = self.memory.begin();
        let mut uow = self.reads.begin();
        let rows: Vec<SubjectRow> = uow.fetch_all(&subject_of(username)).await?;
        let Some(first) = rows.first() else { return Ok(None) };
        let ids = rows.iter().filter_map(|row| row.role_id).chain([BuiltIn::User.id()]);
        let roles = self.role_set(ids.collect(), lookup, &mut uow).await?;
        let subject = Subject { id: first.id, active: first.active, roles };
        self.memory.remember_subject(lookup, username.into(), subject.clone());
        Ok(Some(subject))
    }

    /// What these roles hold together. Everybody has what the role `user` gives.
    async fn role_set(
        &self,
        ids: BTreeSet<RoleId>,
        lookup: Lookup,
        uow: &mut ReadUow,
    ) -> Result<Arc<RoleSet>, Failure> {
        if let Some(set) = self.memory.role_set(&ids) {
            return Ok(set);
        }
        let set = Arc::new(RoleSet::new(self.tables(&ids, lookup, uow).await?));
        self.memory.remember_role_set(lookup, ids, Arc::clone(&set));
        Ok(set)
    }

    async fn tables(
        &self,
        ids: &BTreeSet<RoleId>,
        lookup: Lookup,
        uow: &mut ReadUow,
    ) -> Result<Vec<Arc<RoleTable>>, Failure> {
        let mut tables: Vec<Arc<RoleTable>> = ids.iter().filter_map(|id| self.memory.role(*id)).collect();
        let is_missing = |id: &RoleId| tables.iter().all(|table| table.id != *id);
        let missing: Vec<RoleId> = ids.iter().copied().filter(is_missing).collect();
        if missing.is_empty() {
            return Ok(tables);
        }
        let select = RoleRow::select().and_where(Expr::col(AuthorizationRoles::Id).is_in(missing)).take();
        for row in uow.fetch_all::<RoleRow>(&select).await? {
            let table = Arc::new(RoleTable::new(row.id, &row.name, row.grants()));
            self.memory.remember_role(lookup, Arc::clone(&table));
            tables.push(table);
        }
        Ok(tables)
    }
}

fn subject_of(username: &str) -> SelectStatement {
    let user_id = Expr::col((AuthorizationUsers::Table, AuthorizationUsers::Id));
    let of_user = Expr::col((AuthorizationUserRoles::Table, AuthorizationUserRoles::UserId)).eq(user_id);
    Query::select()
        .columns(
            [AuthorizationUsers::Id, AuthorizationUsers::Active]
                .map(|column| (AuthorizationUsers::Table, column)),
        )
        .expr_as(
            Expr::col((AuthorizationUserRoles::Table, AuthorizationUserRoles::RoleId)),
            Alias::new("role_id"),
        )
        .from(AuthorizationUsers::Table)
        .left_join(AuthorizationUserRoles::Table, of_user)
        .and_where(Expr::col(AuthorizationUsers::Username).eq(username))
        .take()
}

/// Knows the grants of callers.
#[derive(Component)]
#[shaku(interface = PermissionChecker)]
pub struct Checker {
    #[shaku(inject)]
    memory: Arc<dyn Recollection>,
    #[shaku(inject)]
    policy: Arc<dyn Policy>,
}

#[async_trait]
impl PermissionChecker for Checker {
    async fn grants(&self, caller: &Caller, permissions: &[Permission]) -> Result<Vec<Grants>, Failure> {
        // Whoever works on the machine itself could do all of it, anyway.
        if caller.is_local_operator() {
            return Ok(vec![Grants::everything("local-operator"); permissions.len()]);
        }
        // Mostly remembered: then there is nothing to wait for.
        let subject = match self.memory.subject(caller.subject()) {
            Some(subject) => Some(subject),
            None => self.policy.subject(caller.subject()).await?,
        };
        match subject {
            Some(subject) => Ok(permissions.iter().map(|permission| subject.grants(*permission)).collect()),
            None => Ok(vec![Grants::none(); permissions.len()]),
        }
    }
}

/// Decides for other services.
#[derive(Component)]
#[shaku(interface = Decisions)]
pub struct Decider {
    #[shaku(inject)]
    policy: Arc<dyn Policy>,
}

#[async_trait]
impl Decisions for Decider {
    async fn decide(&self, question: &Question) -> Result<Verdict, Failure> {
        let object_type = ObjectType::find(&question.object_type);
        let permission =
            object_type.and_then(|known| known.permissions().find(|one| one.action == question.action));
        // Nobody may do what there is not.
        let Some(permission) = permission else {
            return Ok(Verdict { allowed: false, reason: "unknown_permission".to_owned() });
        };
        let object = Json(question.properties.clone());
        let object = match &question.object_id {
            Some(id) => object.with("id", id.clone()),
            None => object,
        };
        let subject = self.policy.subject(&question.subject.to_ascii_lowercase()).await?;
        let decision = decide(subject.as_ref(), permission, &object);
        Ok(Verdict { allowed: decision.allowed, reason: decision.reason.as_str().to_owned() })
    }
}

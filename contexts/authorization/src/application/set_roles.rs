//! Set the roles of a user.

use std::sync::Arc;

use super::acting::{require_grants_of, subordinate};
use super::find_user::UserView;
use super::policy::Policy;
use crate::domain::{RoleName, RoleRef, Roles, UserId, Users};
use async_trait::async_trait;
use servertree_kernel::command::{Command, CommandHandler};
use servertree_kernel::domain::Precondition;
use servertree_kernel::message::Message;
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::WriteUow;
use shaku::Component;

/// Give a user just these roles.
#[derive(Clone)]
pub struct SetRoles {
    pub id: UserId,
    pub roles: Vec<RoleName>,
    pub precondition: Precondition,
}

impl Command for SetRoles {
    type Output = UserView;
    const NAME: &'static str = "authorization.set_roles";
    const NEEDS: Permission = Permission::new("set_roles", "user");
}

#[derive(Component)]
#[shaku(interface = CommandHandler<SetRoles>)]
pub struct Handler {
    #[shaku(inject)]
    users: Arc<dyn Users>,
    #[shaku(inject)]
    roles: Arc<dyn Roles>,
    #[shaku(inject)]
    policy: Arc<dyn Policy>,
}

#[async_trait]
impl CommandHandler<SetRoles> for Handler {
    async fn handle(
        &self,
        command: SetRoles,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<UserView, Failure> {
        let (mut user, actor) = subordinate(self.users.as_ref(), command.id, message, uow).await?;
        command.precondition.require(user.revision())?;
        let roles = self.roles.named(&command.roles, uow).await?;
        let is_new = |role: &&RoleRef| !user.state().roles.contains(role);
        let new: Vec<RoleRef> = roles.iter().filter(is_new).cloned().collect();
        require_grants_of(&new, self.roles.as_ref(), self.policy.as_ref(), message, uow).await?;
        user.set_roles(roles, actor, message.now)?;
        self.users.save(&mut user, uow).await?;
        Ok(UserView::from(&user))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    use servertree_kernel::message::Caller;
    use servertree_kernel::permission::PermissionChecker;
    use servertree_kernel::testkit::Testbed;

    use super::*;
    use crate::application::change_role::ChangeRole;
    use crate::application::create_role::CreateRole;
    use crate::application::find_role::FindRole;
    use crate::application::find_user::FindUser;
    use crate::application::grant_admin::GrantAdmin;
    use crate::application::inactivate_user::InactivateUser;
    use crate::application::reactivate_user::ReactivateUser;
    use crate::application::remove_role::RemoveRole;
    use crate::application::revoke_admin::RevokeAdmin;
    use crate::domain::{BuiltIn, RoleId};
    use crate::testing::{operator, role, somebody, testbed, user};

    fn set(id: UserId, roles: &[&str]) -> SetRoles {
        let roles = roles.iter().map(|role| RoleName::parse((*role).to_owned()).unwrap()).collect();
        SetRoles { id, roles, precondition: Precondition::Any }
    }

    async fn refusal(test: &Testbed, caller: &Caller, command: SetRoles) -> &'static str {
        test.dispatch_as(caller, command).await.unwrap_err().problem().code
    }

    #[tokio::test]
    async fn nobody_acts_on_their_equals() {
        let test = testbed().start().await;
        let (root, root_caller) = somebody(&test, "root", &["super_admin"]).await;
        let (admin, admin_caller) = somebody(&test, "adm", &["admin"]).await;
        let (other, _) = somebody(&test, "adm2", &["admin", "viewer"]).await;
        let (bob, bob_caller) = somebody(&test, "bob", &[]).await;
        for target in [&root, &admin, &other] {
            assert_eq!(refusal(&test, &admin_caller, set(target.id, &["user"])).await, "not_above");
        }
        assert_eq!(refusal(&test, &admin_caller, set(bob.id, &["admin"])).await, "not_above");
        assert_eq!(refusal(&test, &root_caller, set(bob.id, &["super_admin"])).await, "not_above");
        assert_eq!(refusal(&test, &root_caller, set(root.id, &["user"])).await, "not_above");
        assert_eq!(refusal(&test, &bob_caller, set(bob.id, &["operator"])).await, "not_permitted");
        let failure = test.dispatch_as(&admin_caller, GrantAdmin { id: bob.id }).await.unwrap_err();
        assert_eq!(failure.problem().code, "not_permitted");
        let promoted = test.dispatch_as(&root_caller, GrantAdmin { id: bob.id }).await.unwrap();
        assert_eq!(promoted.roles, ["user", "admin"]);
        let demoted = test.dispatch_as(&root_caller, RevokeAdmin { id: bob.id }).await.unwrap();
        assert_eq!(demoted.roles, ["user"]);
        assert_eq!(refusal(&test, &root_caller, set(bob.id, &["viewer", "nothing"])).await, "invalid_fields");
        test.finish().await;
    }

    const GRANTS: [&str; 4] = [
        r#"[{"action":"read","object_type":"thing"}]"#,
        r#"[{"action":"update","object_type":"thing","condition":{"environment":{"eq":"staging"}}}]"#,
        r#"[{"action":"reveal","object_type":"thing.secret"},{"action":"check","object_type":"permission"}]"#,
        "[]",
    ];

    /// Somebody tries something.
    #[derive(Clone, Debug)]
    enum Try {
        Hire { roles: Vec<usize> },
        Remove { role: usize },
        Create { grants: usize },
        Change { role: usize, grants: usize },
        Set { user: usize, roles: Vec<usize> },
        Promote { user: usize },
        Demote { user: usize },
        Inactivate { user: usize },
        Reactivate { user: usize },
    }

    fn attempt() -> impl Strategy<Value = (usize, Try)> {
        let (user, role, grants) = (0..5_usize, 0..8_usize, 0..GRANTS.len());
        let what = prop_oneof![
            proptest::collection::vec(role.clone(), 0..3).prop_map(|roles| Try::Hire { roles }),
            role.clone().prop_map(|role| Try::Remove { role }),
            grants.clone().prop_map(|grants| Try::Create { grants }),
            (role.clone(), grants).prop_map(|(role, grants)| Try::Change { role, grants }),
            (user.clone(), proptest::collection::vec(role, 0..3))
                .prop_map(|(user, roles)| Try::Set { user, roles }),
            user.clone().prop_map(|user| Try::Promote { user }),
            user.clone().prop_map(|user| Try::Demote { user }),
            user.clone().prop_map(|user| Try::Inactivate { user }),
            user.clone().prop_map(|user| Try::Reactivate { user }),
        ];
        // Never the first: nobody among them is a super admin.
        (1..5_usize, what)
    }

    /// What each of them may do, and whether they are active.
    async fn rights(
        test: &Testbed,
        users: &[UserId],
        callers: &[Caller],
    ) -> Vec<(HashMap<Permission, bool>, bool)> {
        let permissions: Vec<Permission> =
            servertree_kernel::permission::ObjectType::all().flat_map(|known| known.permissions()).collect();
        let policy: Arc<dyn PermissionChecker> = Arc::clone(&test.application.permissions);
        let mut all = Vec::new();
        for (id, caller) in users.iter().zip(callers) {
            let grants = policy.grants(caller, &permissions).await.unwrap();
            let may =
                permissions.iter().copied().zip(grants.iter().map(|grants| !grants.is_empty())).collect();
            let active = test.ask_as(&operator(), FindUser { id: *id }).await.unwrap().active;
            all.push((may, active));
        }
        all
    }

    /// An admin, an operator, a viewer with an own role and a plain user conspire: whatever they try, in whatever order, none of
    /// them ever has a right that the admin has not had from the beginning, and the super admin is left alone.
    #[tokio::test]
    async fn no_chain_leads_above() {
        let test = testbed().start().await;
        role(&test, "helper", serde_json::from_str(GRANTS[1]).unwrap()).await;
        let (mut users, mut callers) = (Vec::new(), Vec::new());
        let people: [(&str, &[&str]); 5] = [
            ("root", &["super_admin"]),
            ("adm", &["admin"]),
            ("ops", &["operator"]),
            ("vic", &["viewer", "helper"]),
            ("joe", &[]),
        ];
        for (name, roles) in people {
            let (user, caller) = somebody(&test, name, roles).await;
            users.push(user.id);
            callers.push(caller);
        }
        let before = rights(&test, &users, &callers).await;
        let mut roles: Vec<(RoleId, String)> =
            BuiltIn::ALL.into_iter().map(|role| (role.id(), role.name().to_owned())).collect();
        let (mut runner, mut done) = (TestRunner::deterministic(), 0);
        for number in 0..400 {
            let (who, what) = attempt().new_tree(&mut runner).unwrap().current();
            let caller = &callers[who].clone();
            let draft = |grants: usize| {
                let json = format!(r#"{{"name":"own-{number}","grants":{}}}"#, GRANTS[grants]);
                servertree_kernel::fields::parse(serde_json::from_str(&json).unwrap()).unwrap()
            };
            let one = |role: usize| roles[role % roles.len()].clone();
            let names_of =
                |chosen: Vec<usize>| chosen.into_iter().map(|role| one(role).1).collect::<Vec<String>>();
            let outcome = match what.clone() {
                Try::Hire { roles } => {
                    let (name, roles) = (format!("new-{number}"), names_of(roles));
                    let roles: Vec<&str> = roles.iter().map(String::as_str).collect();
                    let hired = test.dispatch_as(caller, user(&name, &roles)).await;
                    hired.map(|user| {
                        users.push(user.id);
                        callers.push(Caller::named(&name));
                    })
                }
                Try::Remove { role } => {
                    let id = one(role).0;
                    let removed =
                        test.dispatch_as(caller, RemoveRole { id, precondition: Precondition::Any }).await;
                    removed.map(|()| roles.retain(|known| known.0 != id))
                }
                Try::Create { grants } => {
                    let created = test.dispatch_as(caller, CreateRole { draft: draft(grants) }).await;
                    created.map(|role| roles.push((role.id, role.name)))
                }
                Try::Change { role, grants } => {
                    let change =
                        ChangeRole { id: one(role).0, draft: draft(grants), precondition: Precondition::Any };
                    let changed = test.dispatch_as(caller, change).await;
                    changed.map(|role| {
                        roles.retain_mut(|known| {
                            if known.0 == role.id {
                                known.1.clone_from(&role.name);
                            }
                            true
                        })
                    })
                }
                Try::Set { user, roles } => {
                    let names = names_of(roles);
                    let names: Vec<&str> = names.iter().map(String::as_str).collect();
                    test.dispatch_as(caller, set(users[user], &names)).await.map(drop)
                }
                Try::Promote { user } => {
                    test.dispatch_as(caller, GrantAdmin { id: users[user] }).await.map(drop)
                }
                Try::Demote { user } => {
                    test.dispatch_as(caller, RevokeAdmin { id: users[user] }).await.map(drop)
                }
                Try::Inactivate { user } => {
                    test.dispatch_as(caller, InactivateUser { id: users[user] }).await.map(drop)
                }
                Try::Reactivate { user } => {
                    test.dispatch_as(caller, ReactivateUser { id: users[user] }).await.map(drop)
                }
            };
            done += usize::from(outcome.is_ok());
            let after = rights(&test, &users, &callers).await;
            assert_eq!(after[0], before[0], "after {who} tried {what:?}");
            assert_eq!(after[1], before[1], "after {who} tried {what:?}");
            for (may, _) in &after[2..] {
                let beyond = may.iter().find(|(permission, has)| {
                    let administers = ["user", "role"].contains(&permission.object_type);
                    **has && (administers || !before[1].0[*permission])
                });
                assert_eq!(beyond, None, "after {who} tried {what:?}");
            }
        }
        assert!(done > 40, "only {done} of the tries came to something");
        let root = test.ask_as(&operator(), FindUser { id: users[0] }).await.unwrap();
        assert_eq!(root.revision, 1);
        assert!(test.ask_as(&operator(), FindRole { id: BuiltIn::Admin.id() }).await.unwrap().built_in);
        test.finish().await;
    }

    #[tokio::test]
    async fn a_change_of_a_role_holds_at_once() {
        let test = testbed().start().await;
        let helper = role(&test, "helper", serde_json::from_str(GRANTS[3]).unwrap()).await;
        let (_, vic) = somebody(&test, "vic", &["helper"]).await;
        let read = [Permission::new("read", "thing")];
        let policy: Arc<dyn PermissionChecker> = Arc::clone(&test.application.permissions);
        assert!(policy.grants(&vic, &read).await.unwrap()[0].is_empty());
        let json = format!(r#"{{"name":"helper","grants":{}}}"#, GRANTS[0]);
        let draft = servertree_kernel::fields::parse(serde_json::from_str(&json).unwrap()).unwrap();
        let change = ChangeRole { id: helper.id, draft, precondition: Precondition::Any };
        test.dispatch_as(&operator(), change).await.unwrap();
        assert!(!policy.grants(&vic, &read).await.unwrap()[0].is_empty());
        test.finish().await;
    }
}

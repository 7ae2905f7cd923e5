//! The authorization context: who has an account, how they show it is theirs, and who may do what.
//!
//! This file is its manifest, and reads as its table of contents.

mod domain;
mod error;
mod events;
mod infrastructure;
mod interface;
#[cfg(test)]
mod testing;

use servertree_kernel::clock::{Clock, IdGenerator};
use servertree_kernel::secrets::Secrets;
use servertree_kernel::settings::Sections;
use servertree_kernel::uow::Reads;

servertree_kernel::context! {
    name: "authorization",
    summary: "Accounts, sessions, users, roles: who asks, and what they may",
    migrations: "$CARGO_MANIFEST_DIR/../../migrations/authorization",
    routes: interface::routes,
    events: events::ALL,
    problems: error::PROBLEMS,
    open: [("POST", "/account/signup"), ("POST", "/account/login")],
    objects: [
        application::find_account::OBJECT,
        application::find_user::OBJECT,
        application::find_role::OBJECT,
        application::check_permission::OBJECT,
    ],
    sections: [application::settings::AccountSettings],
    uses: [dyn Clock, dyn IdGenerator, dyn Reads, dyn Secrets, dyn Sections],
    adapters: [
        application::endings::AllEndings,
        application::note_token_uses::NotedUses,
        infrastructure::Argon2Passwords,
        infrastructure::Checker,
        infrastructure::Decider,
        infrastructure::Forgetting,
        infrastructure::KnownCallers,
        infrastructure::Memory,
        infrastructure::MemoryAttempts,
        infrastructure::SignedAccessTokens,
        infrastructure::SqlAccountViews,
        infrastructure::SqlChanges,
        infrastructure::SqlEndedSessions,
        infrastructure::SqlLastUses,
        infrastructure::SqlLogIns,
        infrastructure::SqlPolicy,
        infrastructure::SqlRoles,
        infrastructure::SqlRoleViews,
        infrastructure::SqlSessions,
        infrastructure::SqlTokens,
        infrastructure::SqlUsers,
        infrastructure::SqlUserViews,
    ],
    provides: [decisions, permission_checker, token_verifier],
    use_cases: {
        command sign_up::SignUp,
        command log_in::LogIn,
        command log_out::LogOut,
        command renew_session::RenewSession,
        command renew_access::RenewAccess,
        command change_password::ChangePassword,
        command end_session::EndSession,
        command create_token::CreateToken,
        command remove_token::RemoveToken,
        query find_account::FindAccount,
        query find_sessions::FindSessions,
        query find_tokens::FindTokens,
        command create_user::CreateUser,
        command inactivate_user::InactivateUser,
        command reactivate_user::ReactivateUser,
        command grant_admin::GrantAdmin,
        command revoke_admin::RevokeAdmin,
        command set_password::SetPassword,
        command set_roles::SetRoles,
        query find_user::FindUser,
        query find_users::FindUsers,
        command create_role::CreateRole,
        command change_role::ChangeRole,
        command remove_role::RemoveRole,
        query find_role::FindRole,
        query find_roles::FindRoles,
        query check_permission::CheckPermission,
        query check_permissions::CheckPermissions,
        query explain_permission::ExplainPermission,
        command create_first_administrator::CreateFirstAdministrator,
        command create_administrator::CreateAdministrator,
        command reset_password::ResetPassword,
        command inactivate_administrator::InactivateAdministrator,
        job follow_changes::FollowChanges,
        job note_token_uses::NoteTokenUses,
        job prune_sessions::PruneSessions,
    },
    shared: [access_tokens, acting, endings, policy, remembered, role_set, settings],
}

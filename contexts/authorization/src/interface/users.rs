//! The routes of users, as administrators see them.

use actix_web::{HttpResponse, get, post, put, web};
use deserr::Deserr;
use serde_json::Value;
use servertree_kernel::criteria::{Criteria, Slice};
use servertree_kernel::fields::FieldErrors;
use servertree_kernel::http::{
    ALWAYS, API_BASE, BODY, Body, Call, Created, Entity, IfMatch, ListParameters, Look, ONCE, Once, Page,
    PostAnswer,
};
use servertree_kernel::idempotency::Answer;
use servertree_kernel::problem::{CONCURRENT_CHANGE, Failure, INVALID_PARAMETER, NOT_FOUND, STALE_REVISION};
use servertree_kernel::problem_responses;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::application::create_user::CreateUser;
use crate::application::find_user::{FindUser, UserView};
use crate::application::find_users::FindUsers;
use crate::application::grant_admin::GrantAdmin;
use crate::application::inactivate_user::InactivateUser;
use crate::application::reactivate_user::ReactivateUser;
use crate::application::revoke_admin::RevokeAdmin;
use crate::application::set_password::SetPassword;
use crate::application::set_roles::SetRoles;
use crate::domain::{Password, RoleName, RoleNames, UserId, Username};
use crate::error::{GRANT_LACKED, NOT_ABOVE, SESSION_NEEDED, TOO_MANY_ROLES, USERNAME_TAKEN};

/// All of them.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(create_user)
        .service(list_users)
        .service(find_user)
        .service(inactivate_user)
        .service(reactivate_user)
        .service(grant_admin)
        .service(revoke_admin)
        .service(set_password)
        .service(set_roles);
}

problem_responses! {
    CreateProblems: ALWAYS, BODY, &[&NOT_ABOVE, &GRANT_LACKED, &SESSION_NEEDED, &USERNAME_TAKEN];
    ListProblems: ALWAYS, &[&INVALID_PARAMETER];
    FindProblems: ALWAYS, &[&NOT_FOUND];
    ChangeProblems: ALWAYS, ONCE, &[&NOT_ABOVE, &NOT_FOUND, &CONCURRENT_CHANGE, &TOO_MANY_ROLES];
    PasswordProblems: ALWAYS, BODY, &[&NOT_ABOVE, &SESSION_NEEDED, &NOT_FOUND, &CONCURRENT_CHANGE];
    RolesProblems: ALWAYS, BODY, &[&INVALID_PARAMETER, &NOT_ABOVE, &GRANT_LACKED, &NOT_FOUND, &CONCURRENT_CHANGE,
        &STALE_REVISION, &TOO_MANY_ROLES];
}

/// A new user.
#[derive(Deserr, ToSchema)]
#[deserr(error = FieldErrors, deny_unknown_fields)]
struct CreateUserBody {
    /// The name to log in with.
    username: Username,
    /// The password: not among the commonest, and not the name.
    #[schema(example = "correct horse battery")]
    password: Password,
    /// The names of their roles; `user`, if there are none.
    #[deserr(default)]
    #[schema(required = false, value_type = Vec<RoleName>, example = json!(["viewer"]))]
    roles: RoleNames,
}

/// Create a user
///
/// Nobody gives a role that is equal to or higher than their own, nor one that holds what they lack.
#[utoipa::path(
    tag = "users",
    request_body(content = CreateUserBody, content_type = "application/json"),
    responses(
        (status = 201, description = "Created", body = UserView,
            headers(("Location" = String, description = "Where the user is"), ("ETag" = String))),
        CreateProblems
    )
)]
#[post("/users")]
async fn create_user(call: Call, Body(body): Body<CreateUserBody>) -> Result<Answer, Failure> {
    let CreateUserBody { username, password, roles } = body;
    let entity: UserView = call.dispatch(CreateUser { username, password, roles: roles.into() }).await?;
    Created { location: format!("{API_BASE}/users/{}", entity.id), entity }.render()
}

/// List users
///
/// A page of the users that match, by name unless told otherwise. `roles.name` filters by role.
#[utoipa::path(
    tag = "users",
    params(ListParameters),
    responses((status = 200, description = "A page of users", body = Page<UserView>), ListProblems)
)]
#[get("/users")]
async fn list_users(call: Call, criteria: Criteria<UserView>) -> Result<Slice<UserView>, Failure> {
    call.ask(FindUsers { criteria }).await
}

/// Find a user
#[utoipa::path(
    tag = "users",
    params(("id" = UserId, Path, description = "The id of the user"),
        ("If-None-Match" = Option<String>, Header, description = "The ETag of what the caller has")),
    responses(
        (status = 200, description = "The user", body = UserView, headers(("ETag" = String))),
        (status = 304, description = "The caller has it as it is", headers(("ETag" = String))),
        FindProblems
    )
)]
#[get("/users/{id}")]
async fn find_user(call: Call, id: web::Path<UserId>) -> Result<Entity<UserView>, Failure> {
    Ok(Entity(call.ask(FindUser { id: *id }).await?))
}

/// Declares a route that changes a user without a body: what it says, where it is, what it does.
macro_rules! change {
    ($(#[doc = $doc:literal])+ $route:ident, $path:literal, $command:ident) => {
        $(#[doc = $doc])+
        #[utoipa::path(
            tag = "users",
            params(("id" = UserId, Path, description = "The id of the user"),
                ("Idempotency-Key" = Option<String>, Header,
                    description = "Sent again with the same key, it takes effect once")),
            responses(
                (status = 200, description = "The user as it is now", body = UserView, headers(("ETag" = String))),
                ChangeProblems
            )
        )]
        #[post($path)]
        async fn $route(call: Call, id: web::Path<UserId>, once: Once) -> Result<Answer, Failure> {
            let look = |_: &Value| Some(Look::at(FindUser { id: *id }));
            call.dispatch_once(once, $command { id: *id }, Entity, look).await
        }
    };
}

change!(
    /// Inactivate a user
    ///
    /// They cannot log in any more; all their sessions and tokens end.
    inactivate_user, "/users/{id}/inactivate", InactivateUser
);
change!(
    /// Reactivate a user
    ///
    /// They can log in again.
    reactivate_user, "/users/{id}/reactivate", ReactivateUser
);
change!(
    /// Make a user an admin
    ///
    /// For super admins only.
    grant_admin, "/users/{id}/grant_admin", GrantAdmin
);
change!(
    /// Take the role `admin` from a user
    ///
    /// For super admins only.
    revoke_admin, "/users/{id}/revoke_admin", RevokeAdmin
);

/// Another password.
#[derive(Deserr, ToSchema)]
#[deserr(error = FieldErrors, deny_unknown_fields)]
struct SetPasswordBody {
    /// The one that it is to be.
    #[schema(example = "staple battery horse")]
    new_password: Password,
}

/// Set the password of a user
///
/// Of one below the caller: one's own is changed at `/account/password`. All sessions and tokens of the user end.
#[utoipa::path(
    tag = "users",
    params(("id" = UserId, Path, description = "The id of the user")),
    request_body(content = SetPasswordBody, content_type = "application/json"),
    responses((status = 204, description = "Set"), PasswordProblems)
)]
#[put("/users/{id}/password")]
async fn set_password(
    call: Call,
    id: web::Path<UserId>,
    Body(body): Body<SetPasswordBody>,
) -> Result<HttpResponse, Failure> {
    call.dispatch(SetPassword { id: *id, password: body.new_password }).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Roles.
#[derive(Deserr, ToSchema)]
#[deserr(error = FieldErrors, deny_unknown_fields)]
struct SetRolesBody {
    /// The names of all the roles that the user is to have.
    #[schema(value_type = Vec<RoleName>, example = json!(["viewer"]))]
    roles: RoleNames,
}

/// Set the roles of a user
///
/// Those that are not named are taken away; without any, it is `user`. It holds from the next request.
#[utoipa::path(
    tag = "users",
    params(("id" = UserId, Path, description = "The id of the user"),
        ("If-Match" = Option<String>, Header, description = "The ETag of what the change is based on")),
    request_body(content = SetRolesBody, content_type = "application/json"),
    responses(
        (status = 200, description = "The user as it is now", body = UserView, headers(("ETag" = String))),
        RolesProblems
    )
)]
#[put("/users/{id}/roles")]
async fn set_roles(
    call: Call,
    id: web::Path<UserId>,
    IfMatch(precondition): IfMatch,
    Body(body): Body<SetRolesBody>,
) -> Result<Entity<UserView>, Failure> {
    Ok(Entity(call.dispatch(SetRoles { id: *id, roles: body.roles.into(), precondition }).await?))
}

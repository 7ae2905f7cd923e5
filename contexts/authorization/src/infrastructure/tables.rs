//! The tables of the context.

use sea_query::Iden;

#[derive(Iden, Clone, Copy)]
pub(super) enum AuthorizationUsers {
    Table,
    Id,
    Username,
    Password,
    Active,
    Revision,
    CreatedAt,
    ModifiedAt,
}

#[derive(Iden, Clone, Copy)]
pub(super) enum AuthorizationUserRoles {
    Table,
    UserId,
    RoleId,
}

/// A view: with the names of the roles.
#[derive(Iden, Clone, Copy)]
pub(super) enum AuthorizationUserRoleNames {
    Table,
    UserId,
    Id,
    Name,
}

#[derive(Iden, Clone, Copy)]
pub(super) enum AuthorizationRoles {
    Table,
    Id,
    Name,
    BuiltIn,
    Grants,
    Revision,
    CreatedAt,
    ModifiedAt,
}

#[derive(Iden, Clone, Copy)]
pub(super) enum AuthorizationSessions {
    Table,
    Id,
    UserId,
    Address,
    Network,
    UserAgent,
    OpenedAt,
    ExpiresAt,
    ClosedAt,
    Revision,
}

#[derive(Iden, Clone, Copy)]
pub(super) enum AuthorizationTokens {
    Table,
    Id,
    UserId,
    Name,
    Hash,
    ReadOnly,
    CreatedAt,
    ExpiresAt,
    LastUsedAt,
}

#[derive(Iden, Clone, Copy)]
pub(super) enum AuthorizationChanges {
    Table,
    Id,
    Count,
}

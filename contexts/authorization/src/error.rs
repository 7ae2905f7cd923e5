//! What can go wrong in this context, and which type of problem each is to whoever asked.

use std::time::Duration;

use servertree_kernel::database::DatabaseError;
use servertree_kernel::domain::Invalid;
use servertree_kernel::fields::FieldError;
use servertree_kernel::problem::{
    CONCURRENT_CHANGE, INTERNAL, INVALID_FIELDS, Internal, NOT_AUTHENTICATED, NOT_FOUND, Problem,
    ProblemType, UNAVAILABLE,
};
use servertree_kernel::secrets::SecretsError;
use thiserror::Error;

use crate::domain::{RoleName, Username};

servertree_kernel::problems! {
    pub PROBLEMS;

    WRONG_CREDENTIALS: Unauthenticated "wrong_credentials", "Wrong username or password",
        "There is no active user of this name with this password. Which of it is wrong is not said: that would help only those \
         who guess.";
    WRONG_PASSWORD: Forbidden "wrong_password", "The current password is wrong",
        "To have another password takes the current one.";
    LOGGED_IN: Conflict "logged_in", "Logged in already",
        "The request carries a session that goes on. Log out first, or leave its access token out.";
    SIGN_UP_CLOSED: Forbidden "sign_up_closed", "Nobody can sign up here",
        "Accounts are given by administrators: ask one of them. (`accounts.signup` opens the sign-up.)";
    TOO_MANY_ATTEMPTS: TooMany "too_many_attempts", "Too many attempts",
        "There were too many attempts to log in to this account, or from this address. `Retry-After` says when the next one is \
         let through. Where the account has logged in before, attempts of others do not count.";
    USERNAME_TAKEN: Conflict "username_taken", "A user of this name exists",
        "Names of users are unique, for ever: what somebody did stays theirs. Choose another one.";
    ROLE_NAME_TAKEN: Conflict "role_name_taken", "A role of this name exists",
        "Names of roles are unique. Choose another one.";
    ROLE_IN_USE: Conflict "role_in_use", "Users have this role",
        "A role that users have cannot be removed. Take it from them first: the list of users, filtered by `roles.name`, \
         names them.";
    BUILT_IN_ROLE: Conflict "built_in_role", "The role is built in",
        "What built-in roles hold is fixed. Make a role of your own instead.";
    NOT_ABOVE: Forbidden "not_above", "Not above this user or role",
        "Nobody acts on users of an equal or a higher rank than their own, nor gives or takes roles of such. From low to high: \
         `user`; `viewer`, `operator` and own roles; `admin`; `super_admin`.";
    LAST_SUPER_ADMIN: Conflict "last_super_admin", "The last super admin",
        "Somebody has to be there who can do everything. Create another one first.";
    GRANT_LACKED: Forbidden "grant_lacked", "Nobody gives what they lack",
        "A role cannot be given, made or changed by somebody who has not got all that it holds.";
    SESSION_NEEDED: Forbidden "session_needed", "Only for those who logged in",
        "Tokens for programs do not manage tokens, passwords or sessions. Log in instead.";
    TOO_MANY_ROLES: Conflict "too_many_roles", "Too many roles",
        "A user has 16 roles at most: make one of several.";
    TOO_MANY_TOKENS: Conflict "too_many_tokens", "Too many tokens",
        "A user has 100 tokens at most. Remove one that is not needed.";
}

/// What can go wrong with accounts and permissions.
#[derive(Debug, Error)]
pub enum Error {
    #[error("the username or the password is wrong")]
    WrongCredentials,
    #[error("the current password is wrong")]
    WrongPassword,
    #[error("log out first, or leave the access token out")]
    LoggedIn,
    #[error("ask an administrator for an account")]
    SignUpClosed,
    #[error("too many attempts")]
    TooManyAttempts { retry_after: Duration },
    #[error("a user named '{}' exists already", .0.as_str())]
    UsernameTaken(Username),
    #[error("a role named '{}' exists already", .0.as_str())]
    RoleNameTaken(RoleName),
    #[error("the role '{}' is still given to users", .0.as_str())]
    RoleInUse(RoleName),
    #[error("the role '{}' is built in", .0.as_str())]
    BuiltInRole(RoleName),
    #[error("only somebody of a higher rank may do that")]
    NotAbove,
    #[error("there is no other super admin who can log in")]
    LastSuperAdmin,
    #[error("to {action} {object_type} is more than the caller may themselves")]
    GrantLacked { action: &'static str, object_type: &'static str },
    #[error("log in for that: a token is not enough")]
    SessionNeeded,
    #[error("there are 100 tokens already")]
    TooManyTokens,
    #[error("there is nothing with this id")]
    NotFound,
    #[error("it was changed by somebody else meanwhile; read it again")]
    ConcurrentChange,
    #[error("{} {}", .0.field, .0.message)]
    Field(FieldError),
    #[error("there is no user '{}'", .0.as_str())]
    NoSuchUser(Username),
    #[error("a user has {allowed} roles at most")]
    TooManyRoles { allowed: usize },
    #[error("who is asking has no account")]
    NoAccount,
    #[error("passwords are being checked as fast as possible, and too many are waiting")]
    HashingBusy,
    #[error("it could not be found out in time {0}")]
    Late(String),
    #[error("a password could not be hashed: {0}")]
    Hashing(String),
    #[error("stored with a value that is not allowed: {0}")]
    Corrupt(String),
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Internal(#[from] Internal),
}

impl Error {
    /// A field is at fault.
    pub fn field(name: impl Into<String>, invalid: Invalid) -> Self {
        let Invalid { code, message } = invalid;
        Self::Field(FieldError { field: name.into(), code, message })
    }

    /// There is no such role.
    pub fn unknown_role(name: &RoleName) -> Self {
        let message = format!("names the role '{}', which there is not", name.as_str());
        Self::field("roles", Invalid { code: "unknown_value", message })
    }
}

impl Problem for Error {
    fn problem(&self) -> &'static ProblemType {
        match self {
            Self::WrongCredentials => &WRONG_CREDENTIALS,
            Self::WrongPassword => &WRONG_PASSWORD,
            Self::LoggedIn => &LOGGED_IN,
            Self::SignUpClosed => &SIGN_UP_CLOSED,
            Self::TooManyAttempts { .. } => &TOO_MANY_ATTEMPTS,
            Self::UsernameTaken(_) => &USERNAME_TAKEN,
            Self::RoleNameTaken(_) => &ROLE_NAME_TAKEN,
            Self::RoleInUse(_) => &ROLE_IN_USE,
            Self::BuiltInRole(_) => &BUILT_IN_ROLE,
            Self::NotAbove => &NOT_ABOVE,
            Self::LastSuperAdmin => &LAST_SUPER_ADMIN,
            Self::GrantLacked { .. } => &GRANT_LACKED,
            Self::SessionNeeded => &SESSION_NEEDED,
            Self::TooManyRoles { .. } => &TOO_MANY_ROLES,
            Self::TooManyTokens => &TOO_MANY_TOKENS,
            Self::NotFound | Self::NoSuchUser(_) => &NOT_FOUND,
            Self::ConcurrentChange => &CONCURRENT_CHANGE,
            Self::Field(_) => &INVALID_FIELDS,
            Self::NoAccount => &NOT_AUTHENTICATED,
            Self::HashingBusy | Self::Late(_) => &UNAVAILABLE,
            Self::Hashing(_) | Self::Corrupt(_) => &INTERNAL,
            Self::Secrets(error) => error.problem(),
            Self::Database(error) => error.problem(),
            Self::Internal(error) => error.problem(),
        }
    }

    fn fields(&self) -> &[FieldError] {
        match self {
            Self::Field(error) => std::slice::from_ref(error),
            _ => &[],
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooManyAttempts { retry_after } => Some(*retry_after),
            _ => None,
        }
    }
}

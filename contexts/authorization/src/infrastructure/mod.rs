//! Users, roles, sessions and tokens in SQL; passwords; what is remembered of all of them.

mod access_tokens;
mod account_views;
mod argon2_passwords;
mod changes;
mod known_callers;
mod log_ins;
mod memory;
mod memory_attempts;
mod policy;
mod role_row;
mod role_store;
mod role_views;
mod session_store;
mod tables;
mod token_store;
mod upkeep;
mod user_row;
mod user_store;
mod user_views;

pub use access_tokens::SignedAccessTokens;
pub use account_views::SqlAccountViews;
pub use argon2_passwords::Argon2Passwords;
pub use changes::SqlChanges;
pub use known_callers::KnownCallers;
pub use log_ins::SqlLogIns;
pub use memory::{Forgetting, Memory};
pub use memory_attempts::MemoryAttempts;
pub use policy::{Checker, Decider, SqlPolicy};
pub use role_store::SqlRoles;
pub use role_views::SqlRoleViews;
pub use session_store::SqlSessions;
pub use token_store::SqlTokens;
pub use upkeep::{SqlEndedSessions, SqlLastUses};
pub use user_store::SqlUsers;
pub use user_views::SqlUserViews;

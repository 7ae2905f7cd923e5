//! Users, what they may do, and how they show who they are.

mod actor;
mod attempts;
mod built_in;
mod grant;
mod password;
mod passwords;
mod question;
mod repositories;
mod role;
mod session;
mod token;
mod user;
mod values;

pub use actor::{Actor, Rank};
pub use attempts::{Admitted, Attempt, Attempts};
pub use built_in::BuiltIn;
pub use grant::{Grant, GrantText, Grants};
pub use password::{Password, PasswordAttempt, PasswordHash};
pub use passwords::{Asker, Passwords};
pub use question::{Question, QuestionText};
pub use repositories::{Roles, Sessions, Tokens, Users};
pub use role::{Role, RoleDraft, RoleEvent, RoleState};
pub use session::{CloseReason, Session, SessionEvent, SessionState};
pub use token::{Token, TokenDraft, TokenEvent, TokenState};
pub use user::{Registration, RoleRef, User, UserEvent, UserState};
pub use values::{RoleId, RoleName, RoleNames, SessionId, TokenHash, TokenId, TokenName, UserId, Username};

//! What a log-in needs to know, in one statement outside of any transaction.

use std::sync::Arc;

use async_trait::async_trait;
use sea_query::{Expr, ExprTrait, Func, Query, SelectStatement};
use servertree_kernel::domain::{IpAddress, Uuid};
use servertree_kernel::uow::Reads;
use shaku::Component;
use sqlx::FromRow;

use super::tables::{AuthorizationSessions, AuthorizationUsers};
use crate::application::log_in::{LogInState, LogIns};
use crate::domain::{PasswordHash, UserId, Username};
use crate::error::Error;

/// Looks into the tables `authorization_users` and `authorization_sessions`.
#[derive(Component)]
#[shaku(interface = LogIns)]
pub struct SqlLogIns {
    #[shaku(inject)]
    reads: Arc<dyn Reads>,
}

#[derive(FromRow)]
struct LogInRow {
    id: Option<UserId>,
    password: Option<String>,
    is_known_address: bool,
}

#[async_trait]
impl LogIns for SqlLogIns {
    async fn find(
        &self,
        username: &Username,
        address: Option<IpAddress>,
    ) -> Result<Option<LogInState>, Error> {
        let row: Option<LogInRow> = self.reads.begin().fetch_optional(&log_in_of(username, address)).await?;
        let Some(LogInRow { id: Some(user), password: Some(password), is_known_address }) = row else {
            return Ok(None);
        };
        Ok(Some(LogInState { user, password: PasswordHash::new(password), is_known_address }))
    }
}

/// One row, whether anybody has the name or not, after the same look-ups: how long it takes does not tell.
fn log_in_of(username: &Username, address: Option<IpAddress>) -> SelectStatement {
    use AuthorizationUsers::{Id, Password, Table, Username};
    let user_id = || Expr::col((Table, Id));
    let nobody = Expr::val(UserId::from(Uuid::nil()));
    let from_there = Query::select()
        .expr(Expr::val(1))
        .from(AuthorizationSessions::Table)
        .and_where(
            Expr::col((AuthorizationSessions::Table, AuthorizationSessions::UserId))
                .eq(Func::coalesce([user_id(), nobody])),
        )
        .and_where(
            Expr::col((AuthorizationSessions::Table, AuthorizationSessions::Network))
                .eq(address.map(|address| address.network().to_string())),
        )
        .take();
    let asked = Query::select().expr_as(Expr::val(username.as_str()), "asked").take();
    Query::select()
        .columns([(Table, Id), (Table, Password)])
        .expr_as(Expr::exists(from_there), "is_known_address")
        .from_subquery(asked, "log_in")
        .left_join(Table, Expr::col((Table, Username)).eq(Expr::col(("log_in", "asked"))))
        .take()
}

//! Changes that processes tell each other of, by a number: each that makes something stale raises it, in its transaction.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sea_query::{Expr, ExprTrait, Query, SelectStatement};
use servertree_kernel::domain::WriteUow;
use servertree_kernel::uow::Reads;
use shaku::Component;
use sqlx::FromRow;

use super::tables::AuthorizationChanges;
use crate::application::follow_changes::Changes;
use crate::application::remembered::{Forgotten, Remembered};
use crate::error::Error;

/// How long it may take to find out: others must not go on for longer with what has ended.
const WITHIN: Duration = Duration::from_millis(400);

/// Counts changes in the table `authorization_changes`.
#[derive(Component)]
#[shaku(interface = Changes)]
pub struct SqlChanges {
    #[shaku(inject)]
    reads: Arc<dyn Reads>,
}

#[derive(FromRow)]
struct CountRow {
    count: i64,
}

#[async_trait]
impl Changes for SqlChanges {
    async fn count(&self) -> Result<i64, Error> {
        let mut uow = self.reads.begin();
        let count = count();
        let counted = tokio::time::timeout(WITHIN, uow.fetch_optional::<CountRow>(&count));
        let late = |_| Error::Late("whether other processes changed something".to_owned());
        counted.await.map_err(late)??.map(|row| row.count).ok_or_else(missing)
    }
}

/// Has it forgotten here right after the commit, and elsewhere soon after.
pub(super) async fn tell(
    what: Forgotten,
    remembered: &Arc<dyn Remembered>,
    uow: &mut WriteUow,
) -> Result<(), Error> {
    let update = Query::update()
        .table(AuthorizationChanges::Table)
        .value(AuthorizationChanges::Count, Expr::col(AuthorizationChanges::Count).add(1))
        .and_where(Expr::col(AuthorizationChanges::Id).eq(1))
        .take();
    uow.execute(&update).await?;
    // The row is locked: this is the number of this very change.
    let row: Option<CountRow> = uow.fetch_optional(&count()).await?;
    let number = row.ok_or_else(missing)?.count;
    let remembered = Arc::clone(remembered);
    uow.after_commit(move |lasts| {
        remembered.forget(what);
        // Else somebody else's change may get this number.
        if lasts {
            remembered.changed_here(number);
        }
    });
    Ok(())
}

fn count() -> SelectStatement {
    Query::select().column(AuthorizationChanges::Count).from(AuthorizationChanges::Table).take()
}

fn missing() -> Error {
    Error::Corrupt("authorization_changes has no row".to_owned())
}

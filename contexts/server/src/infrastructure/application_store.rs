//! What is known of applications, in SQL.

use async_trait::async_trait;
use sea_query::{Expr, ExprTrait, Iden, OnConflict, Query, SelectStatement};
use servertree_kernel::criteria::fold;
use servertree_kernel::domain::{Revision, WriteUow};
use shaku::Component;
use sqlx::FromRow;

use crate::domain::{Application, ApplicationId, ApplicationRepository};
use crate::error::Error;

#[derive(Iden, Clone, Copy)]
pub(super) enum ServerApplications {
    Table,
    ApplicationId,
    Name,
    NameKey,
    Version,
    VersionKey,
    Discarded,
    Revision,
}

/// The columns that change.
const CHANGING: [ServerApplications; 6] = [
    ServerApplications::Name,
    ServerApplications::NameKey,
    ServerApplications::Version,
    ServerApplications::VersionKey,
    ServerApplications::Discarded,
    ServerApplications::Revision,
];

/// Keeps what is known of applications in the table `server_applications`.
#[derive(Component)]
#[shaku(interface = ApplicationRepository)]
pub struct SqlApplications;

#[derive(FromRow)]
struct ApplicationRow {
    application_id: ApplicationId,
    name: String,
    version: String,
    discarded: bool,
    revision: i64,
}

impl ApplicationRow {
    fn select(which: Expr) -> SelectStatement {
        Query::select()
            .columns([
                ServerApplications::ApplicationId,
                ServerApplications::Name,
                ServerApplications::Version,
                ServerApplications::Discarded,
                ServerApplications::Revision,
            ])
            .from(ServerApplications::Table)
            .and_where(which)
            .take()
    }
}

impl From<ApplicationRow> for Application {
    fn from(row: ApplicationRow) -> Self {
        Self { id: row.application_id, name: row.name, version: row.version, discarded: row.discarded }
    }
}

#[async_trait]
impl ApplicationRepository for SqlApplications {
    async fn find_many(&self, ids: &[ApplicationId], uow: &mut WriteUow) -> Result<Vec<Application>, Error> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let which = Expr::col(ServerApplications::ApplicationId).is_in(ids.iter().copied());
        let rows: Vec<ApplicationRow> = uow.fetch_all(&ApplicationRow::select(which)).await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    async fn find(
        &self,
        id: ApplicationId,
        uow: &mut WriteUow,
    ) -> Result<Option<(Application, Revision)>, Error> {
        let which = Expr::col(ServerApplications::ApplicationId).eq(id);
        let row: Option<ApplicationRow> = uow.fetch_optional(&ApplicationRow::select(which)).await?;
        Ok(row.map(|row| (row.revision.unsigned_abs(), row)).map(|(revision, row)| (row.into(), revision)))
    }

    async fn save(
        &self,
        application: &Application,
        revision: Revision,
        uow: &mut WriteUow,
    ) -> Result<(), Error> {
        let Application { id, name, version, discarded } = application;
        let insert = Query::insert()
            .into_table(ServerApplications::Table)
            .columns([ServerApplications::ApplicationId].into_iter().chain(CHANGING))
            .values_panic([
                (*id).into(),
                name.as_str().into(),
                fold(name).into(),
                version.as_str().into(),
                fold(version).into(),
                (*discarded).into(),
                revision.cast_signed().into(),
            ])
            .on_conflict(
                OnConflict::column(ServerApplications::ApplicationId).update_columns(CHANGING).to_owned(),
            )
            .take();
        uow.execute(&insert).await?;
        Ok(())
    }
}

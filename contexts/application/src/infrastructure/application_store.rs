//! Applications, written and read one at a time.

use async_trait::async_trait;
use sea_query::{Expr, ExprTrait, LockType, Query};
use servertree_kernel::criteria::fold;
use servertree_kernel::database::DatabaseError;
use servertree_kernel::domain::{Aggregate, WriteUow};
use shaku::Component;

use super::application_row::{ApplicationRow, Applications, CHANGING, SEARCHED};
use crate::domain::{Application, ApplicationId, ApplicationRepository, Specification};
use crate::error::Error;

/// The index that keeps name and version unique among applications that are not discarded.
const UNIQUE_NAME: &str = "ux_applications_live_name_version";

/// Keeps applications in the table `applications`.
#[derive(Component)]
#[shaku(interface = ApplicationRepository)]
pub struct SqlApplications;

#[async_trait]
impl ApplicationRepository for SqlApplications {
    async fn get(&self, id: ApplicationId, uow: &mut WriteUow) -> Result<Application, Error> {
        // It is one row: whoever had to wait for the lock reads it as it is then.
        let select = ApplicationRow::select()
            .and_where(Expr::col(Applications::Id).eq(id))
            .lock(LockType::Update)
            .take();
        let row: Option<ApplicationRow> = uow.fetch_optional(&select).await?;
        row.ok_or(Error::NotFound(id))?.into_application()
    }

    async fn save(&self, application: &mut Application, uow: &mut WriteUow) -> Result<(), Error> {
        if !application.recorder().has_changes() {
            return Ok(());
        }
        let stored = application.recorder().stored();
        let saved =
            if stored == 0 { insert(application, uow).await } else { update(application, stored, uow).await };
        match saved {
            Ok(1) => Ok(uow.record(application)?),
            Ok(_) => Err(Error::ConcurrentChange(application.state().id)),
            Err(error) if error.violates(UNIQUE_NAME) => {
                let Specification { name, version, .. } = application.state().specification.clone();
                Err(Error::NameTaken { name, version })
            }
            Err(error) => Err(error.into()),
        }
    }
}

async fn insert(application: &Application, uow: &mut WriteUow) -> Result<u64, DatabaseError> {
    let state = application.state();
    let identity: [Expr; 2] = [state.id.into(), state.created_at.into()];
    let insert = Query::insert()
        .into_table(Applications::Table)
        .columns([Applications::Id, Applications::CreatedAt].into_iter().chain(CHANGING).chain(SEARCHED))
        .values_panic(identity.into_iter().chain(changing(application)).chain(searched(application)))
        .take();
    uow.execute(&insert).await
}

/// Changes the row only if it is still at the revision it was read at.
async fn update(application: &Application, stored: u64, uow: &mut WriteUow) -> Result<u64, DatabaseError> {
    let update = Query::update()
        .table(Applications::Table)
        .values(CHANGING.into_iter().zip(changing(application)))
        .values(SEARCHED.into_iter().zip(searched(application)))
        .and_where(Expr::col(Applications::Id).eq(application.state().id))
        .and_where(Expr::col(Applications::Revision).eq(stored.cast_signed()))
        .take();
    uow.execute(&update).await
}

/// The values of [`CHANGING`].
fn changing(application: &Application) -> [Expr; CHANGING.len()] {
    let state = application.state();
    let specification = &state.specification;
    [
        specification.name.as_str().into(),
        specification.version.as_str().into(),
        specification.architect.as_str().into(),
        state.discarded.into(),
        application.revision().cast_signed().into(),
        state.modified_at.into(),
    ]
}

/// The values of [`SEARCHED`]. What `q` finds is a line each, so that no word is found across two of them.
fn searched(application: &Application) -> [Expr; SEARCHED.len()] {
    let specification = &application.state().specification;
    let name = fold(specification.name.as_str());
    let version = fold(specification.version.as_str());
    let architect = fold(specification.architect.as_str());
    let found = [name.as_str(), &version, &architect].join("\n");
    [name.into(), version.into(), architect.into(), found.into()]
}

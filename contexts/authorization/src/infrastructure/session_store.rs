//! Sessions, written and read.

use std::sync::Arc;

use async_trait::async_trait;
use sea_query::{Expr, ExprTrait, Order, Query, SelectStatement};
use servertree_kernel::domain::{Aggregate, IpAddress, Timestamp, WriteUow};
use shaku::Component;
use sqlx::FromRow;

use super::changes::tell;
use super::tables::{AuthorizationSessions, AuthorizationUsers};
use crate::application::remembered::{Forgotten, Remembered};
use crate::domain::{Session, SessionId, SessionState, Sessions, UserId, Username};
use crate::error::Error;

/// Keeps sessions in the table `authorization_sessions`.
#[derive(Component)]
#[shaku(interface = Sessions)]
pub struct SqlSessions {
    #[shaku(inject)]
    remembered: Arc<dyn Remembered>,
}

#[derive(FromRow)]
struct SessionRow {
    id: SessionId,
    user_id: UserId,
    username: String,
    address: Option<String>,
    user_agent: Option<String>,
    opened_at: Timestamp,
    expires_at: Timestamp,
    closed_at: Option<Timestamp>,
    revision: i64,
}

impl SessionRow {
    fn select() -> SelectStatement {
        use AuthorizationSessions::{
            Address, ClosedAt, ExpiresAt, Id, OpenedAt, Revision, Table, UserAgent, UserId,
        };
        let columns = [Id, UserId, Address, UserAgent, OpenedAt, ExpiresAt, ClosedAt, Revision];
        let of_session =
            Expr::col((AuthorizationUsers::Table, AuthorizationUsers::Id)).eq(Expr::col((Table, UserId)));
        Query::select()
            .columns(columns.map(|column| (Table, column)))
            .column((AuthorizationUsers::Table, AuthorizationUsers::Username))
            .from(Table)
            .inner_join(AuthorizationUsers::Table, of_session)
            .take()
    }

    fn into_session(self) -> Result<Session, Error> {
        let state = SessionState {
            id: self.id,
            user: self.user_id,
            username: Username::parse(self.username).map_err(|fault| Error::Corrupt(fault.to_string()))?,
            address: self.address.and_then(|address| IpAddress::parse(&address).ok()),
            user_agent: self.user_agent,
            opened_at: self.opened_at,
            expires_at: self.expires_at,
            closed_at: self.closed_at,
        };
        Ok(Session::stored(state, self.revision.unsigned_abs()))
    }
}

#[async_trait]
impl Sessions for SqlSessions {
    async fn get(&self, id: SessionId, uow: &mut WriteUow) -> Result<Session, Error> {
        let of_id = Expr::col((AuthorizationSessions::Table, AuthorizationSessions::Id)).eq(id);
        let row: Option<SessionRow> =
            uow.fetch_optional(&SessionRow::select().and_where(of_id).take()).await?;
        row.ok_or(Error::NotFound)?.into_session()
    }

    async fn live(&self, user: UserId, now: Timestamp, uow: &mut WriteUow) -> Result<Vec<Session>, Error> {
        let column = |column| Expr::col((AuthorizationSessions::Table, column));
        let select = SessionRow::select()
            .and_where(column(AuthorizationSessions::UserId).eq(user))
            .and_where(column(AuthorizationSessions::ClosedAt).is_null())
            .and_where(column(AuthorizationSessions::ExpiresAt).gt(now))
            .order_by((AuthorizationSessions::Table, AuthorizationSessions::Id), Order::Asc)
            .take();
        let rows: Vec<SessionRow> = uow.fetch_all(&select).await?;
        rows.into_iter().map(SessionRow::into_session).collect()
    }

    async fn save(&self, session: &mut Session, uow: &mut WriteUow) -> Result<(), Error> {
        if !session.recorder().has_changes() {
            return Ok(());
        }
        if session.recorder().stored() == 0 {
            insert(session, uow).await?;
        } else {
            close(session, uow).await?;
            tell(Forgotten::Session(session.state().id), &self.remembered, uow).await?;
        }
        Ok(uow.record(session)?)
    }
}

async fn insert(session: &Session, uow: &mut WriteUow) -> Result<(), Error> {
    use AuthorizationSessions::{
        Address, ExpiresAt, Id, Network, OpenedAt, Revision, Table, UserAgent, UserId,
    };
    let state = session.state();
    let insert = Query::insert()
        .into_table(Table)
        .columns([Id, UserId, Address, Network, UserAgent, OpenedAt, ExpiresAt, Revision])
        .values_panic([
            state.id.into(),
            state.user.into(),
            state.address.map(|address| address.to_string()).into(),
            state.address.map(|address| address.network().to_string()).into(),
            state.user_agent.clone().into(),
            state.opened_at.into(),
            state.expires_at.into(),
            session.revision().cast_signed().into(),
        ])
        .take();
    uow.execute(&insert).await?;
    Ok(())
}

async fn close(session: &mut Session, uow: &mut WriteUow) -> Result<(), Error> {
    let stored = session.recorder().stored().cast_signed();
    let state = session.state();
    let update = Query::update()
        .table(AuthorizationSessions::Table)
        .value(AuthorizationSessions::ClosedAt, state.closed_at)
        .value(AuthorizationSessions::Revision, session.revision().cast_signed())
        .and_where(Expr::col(AuthorizationSessions::Id).eq(state.id))
        .and_where(Expr::col(AuthorizationSessions::Revision).eq(stored))
        .take();
    if uow.execute(&update).await? == 1 { Ok(()) } else { Err(Error::ConcurrentChange) }
}

//! A context that takes every event and tells which: the test subscriber of the fault tests.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix_web::{get, web};
use async_trait::async_trait;
use include_dir::include_dir;
use sea_query::{Alias, Expr, ExprTrait, Order, Query as Sql, SelectStatement};
use serde::{Deserialize, Serialize};
use servertree_kernel::database::Migrations;
use servertree_kernel::event::{Envelope, EventHandler, Start, Subscription, SubscriptionType};
use servertree_kernel::http::Call;
use servertree_kernel::message::Message;
use servertree_kernel::permission::Permission;
use servertree_kernel::plugin::{Context, Registered};
use servertree_kernel::problem::{Failure, Internal};
use servertree_kernel::query::{Query, QueryHandler};
use servertree_kernel::uow::{ReadUow, WriteUow};
use utoipa::ToSchema;
use uuid::Uuid;

static FOLDER: include_dir::Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/migrations/probe");

/// While there is a file of this name in its folder, the probe takes no event of what is named `refused…`.
pub const REFUSE: &str = "refuse";

/// While there is a file of this name in its folder, the probe waits when it is to take an event. It has the event then, but no lock.
pub const HOLD: &str = "hold";
/// The file that tells that it waits.
pub const HELD: &str = "held";

static CONTEXT: Context = Context {
    name: "probe",
    summary: "Tells tests what was delivered",
    migrations: Migrations { owner: "probe", folder: &FOLDER },
    routes: |config| {
        config.service(delivered).service(undelivered);
    },
    events: &[],
    subscriptions: &[SubscriptionType::of::<Everything>()],
    upcasters: &[],
    problems: &[],
    open: &[],
    objects: &[],
    sections: &[],
    secrets: &[],
    register: |_, registry| {
        registry.subscriber::<Everything>(Arc::new(Probe));
        registry.query::<FindDelivered>(Arc::new(Probe));
        registry.query::<CountUndelivered>(Arc::new(Probe));
    },
};

inventory::submit! { Registered(&CONTEXT) }

struct Probe;

#[derive(Deserialize, ToSchema)]
struct Everything {
    #[serde(default)]
    name: serde_json::Value,
}

impl Subscription for Everything {
    const NAME: &'static str = "probe.everything";
    const EVENTS: &'static [&'static str] = &[];
    const START: Start = Start::Beginning;
}

#[async_trait]
impl EventHandler<Everything> for Probe {
    async fn handle(
        &self,
        data: Everything,
        event: &Envelope,
        uow: &mut WriteUow,
        _: &Message,
    ) -> Result<(), Failure> {
        let is_refused = data.name.as_str().is_some_and(|name| name.starts_with("refused"));
        if is_refused && Path::new(REFUSE).exists() {
            return Err(Internal("the probe was told to refuse it".to_owned()).into());
        }
        while Path::new(HOLD).exists() {
            std::fs::write(HELD, "").map_err(|error| Internal(error.to_string()))?;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let columns = ["event_id", "type", "subject", "revision", "sequence"].map(Alias::new);
        let insert = Sql::insert()
            .into_table(Alias::new("probe_delivered"))
            .columns(columns)
            .values_panic([
                event.id.into(),
                event.event_type.as_str().into(),
                event.subject.into(),
                event.revision.cast_signed().into(),
                event.sequence.into(),
            ])
            .take();
        uow.execute(&insert).await?;
        Ok(())
    }
}

/// An event as the probe took it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Delivered {
    /// The event.
    pub event_id: Uuid,
    /// Its name.
    pub event_type: String,
    /// The aggregate.
    pub subject: Uuid,
    /// The revision it led to.
    pub revision: i64,
    /// Its place in its commit.
    pub sequence: i64,
}

struct FindDelivered;

impl Query for FindDelivered {
    type Output = Vec<Delivered>;
    const NAME: &'static str = "probe.find_delivered";
    const NEEDS: Permission = Permission::new("read", "event");
}

#[async_trait]
impl QueryHandler<FindDelivered> for Probe {
    async fn handle(
        &self,
        _: FindDelivered,
        uow: &mut ReadUow,
        _: &Message,
    ) -> Result<Vec<Delivered>, Failure> {
        let columns = ["event_id", "type", "subject", "revision", "sequence"].map(Alias::new);
        let select = Sql::select()
            .columns(columns)
            .from(Alias::new("probe_delivered"))
            .order_by(Alias::new("place"), Order::Asc)
            .take();
        let rows: Vec<(Uuid, String, Uuid, i64, i64)> = uow.fetch_all(&select).await?;
        let taken = |(event_id, event_type, subject, revision, sequence)| Delivered {
            event_id,
            event_type,
            subject,
            revision,
            sequence,
        };
        Ok(rows.into_iter().map(taken).collect())
    }
}

struct CountUndelivered;

impl Query for CountUndelivered {
    type Output = i64;
    const NAME: &'static str = "probe.count_undelivered";
    const NEEDS: Permission = Permission::new("read", "event");
}

#[async_trait]
impl QueryHandler<CountUndelivered> for Probe {
    async fn handle(&self, _: CountUndelivered, uow: &mut ReadUow, _: &Message) -> Result<i64, Failure> {
        let count = |table: &'static str, open: Expr| -> SelectStatement {
            Sql::select().expr(Expr::cust("COUNT(*)")).from(Alias::new(table)).and_where(open).take()
        };
        let undispatched = count("event_log", Expr::col(Alias::new("dispatched_at")).is_null());
        let open = count("event_deliveries", Expr::col(Alias::new("settled_at")).is_null());
        let mut sum = 0;
        for select in [undispatched, open] {
            sum += uow.fetch_optional::<(i64,)>(&select).await?.map_or(0, |row| row.0);
        }
        Ok(sum)
    }
}

#[utoipa::path(responses((status = 200, body = Object)))]
#[get("/probe/delivered")]
async fn delivered(call: Call) -> Result<web::Json<Vec<Delivered>>, Failure> {
    Ok(web::Json(call.ask(FindDelivered).await?))
}

#[utoipa::path(responses((status = 200, body = i64)))]
#[get("/probe/undelivered")]
async fn undelivered(call: Call) -> Result<web::Json<i64>, Failure> {
    Ok(web::Json(call.ask(CountUndelivered).await?))
}

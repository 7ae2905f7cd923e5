//! How SQLite finds what a statement is about.

use sea_query::SqliteQueryBuilder;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};
use uuid::Uuid;

use super::super::settle::Deliveries;
use super::super::{dispatcher, due};
use super::{Bench, NAME};
use crate::database::Engine;
use crate::domain::Timestamp;
use crate::testkit::only_on;

/// By the events or the aggregates it is about, and not among all that is still to be done: that may be much.
#[tokio::test]
async fn a_statement_about_some_does_not_look_at_all() {
    if !only_on(Engine::Sqlite) {
        return;
    }
    let bench = Bench::new().await;
    let ids: Vec<Uuid> = (0..200).map(Uuid::from_u128).collect();
    let deliveries = Deliveries { subscriber: NAME, events: &ids };
    let now = Timestamp::from_micros(1);
    let by_event = "PRIMARY KEY (event_id=? AND subscriber=?)";
    let statements = [
        (deliveries.count_attempt().to_string(SqliteQueryBuilder), by_event),
        (deliveries.delivered(now).to_string(SqliteQueryBuilder), by_event),
        (due::hold_back(NAME, &ids).to_string(SqliteQueryBuilder), by_event),
        (
            due::let_go(NAME, ids.clone()).to_string(SqliteQueryBuilder),
            "INDEX ix_event_deliveries_order (subscriber=? AND settled_at=? AND subject=?)",
        ),
        (
            dispatcher::undispatched_of(ids.clone()).to_string(SqliteQueryBuilder),
            "INDEX ux_event_log_subject_revision_sequence (subject=?)",
        ),
        (
            dispatcher::undispatched().to_string(SqliteQueryBuilder),
            "INDEX ix_event_log_undispatched (dispatched_at=?)",
        ),
    ];
    let mut connection = SqliteConnection::connect(bench.place.0.url()).await.unwrap();
    for (statement, expected) in statements {
        let explain = sqlx::query_as(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}")));
        let plan: Vec<(i64, i64, i64, String)> = explain.fetch_all(&mut connection).await.unwrap();
        assert!(plan[0].3.ends_with(expected), "{statement}: {plan:?}");
    }
}

//! How databases find what a statement is about.

use sea_query::{MysqlQueryBuilder, PostgresQueryBuilder, SqliteQueryBuilder};
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
    for (statement, expected) in statements {
        let plan = plan_on_sqlite(&bench, &statement).await;
        assert!(plan[0].ends_with(expected), "{statement}: {plan:?}");
    }
}

/// In the order of an index, and not by sorting all that is still to be done.
#[tokio::test]
async fn what_is_next_is_found_without_sorting() {
    let bench = Bench::new().await;
    let next = due::due(NAME, Timestamp::from_micros(1), Engine::under_test()).limit(100).take();
    let mut connection = bench.place.0.connect().await;
    let (plan, sorts) = match Engine::under_test() {
        Engine::Sqlite => (plan_on_sqlite(&bench, &next.to_string(SqliteQueryBuilder)).await, "TEMP B-TREE"),
        Engine::MySql => {
            // The table is empty here: any index would do.
            let next = next.to_string(MysqlQueryBuilder);
            let next = next.replace(" WHERE ", " FORCE INDEX (ix_event_deliveries_due) WHERE ");
            (connection.texts(&format!("EXPLAIN FORMAT=JSON {next}")).await, "filesort")
        }
        Engine::Postgres => {
            // It is empty: to read it whole, and to sort that, would be the least.
            for way in ["seqscan", "bitmapscan", "sort"] {
                connection.execute(&format!("SET enable_{way} = off")).await;
            }
            let explain = format!("EXPLAIN {}", next.to_string(PostgresQueryBuilder));
            (connection.texts(&explain).await, "Sort")
        }
    };
    connection.close().await;
    let plan = plan.join("\n");
    assert!(!plan.is_empty() && !plan.contains(sorts), "{plan}");
}

async fn plan_on_sqlite(bench: &Bench, statement: &str) -> Vec<String> {
    let mut connection = SqliteConnection::connect(bench.place.0.url()).await.unwrap();
    let explain = sqlx::query_as(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}")));
    let plan: Vec<(i64, i64, i64, String)> = explain.fetch_all(&mut connection).await.unwrap();
    plan.into_iter().map(|(.., step)| step).collect()
}

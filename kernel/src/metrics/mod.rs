//! What is measured: the names of the metrics, what they mean, and who may see them. docs/operations.md lists them.
//!
//! Counters and histograms are handles. They are made once and kept by whoever counts, cost next to nothing, and do nothing where
//! nobody collects: in tests and benchmarks. What can be asked for, such as connections in use, is not counted but
//! read when somebody looks: [`Application::measure`].
//!
//! A label has few values: a name from the code, never an id or what somebody sent.
//!
//! A new metric has its name here, a line in [`describe`], and a row in docs/operations.md, which a test asks for.
//!
//! [`Application::measure`]: crate::plugin::Application::measure

mod use_case;

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

use crate::permission::{Audience, ObjectType, Permission};

pub(crate) use use_case::{COMMAND, Outcome, QUERY, UseCaseMetrics};

/// Commands that ended, by `context`, `command` and `outcome`.
pub const COMMANDS: &str = "servertree_commands_total";
/// How long they took.
pub const COMMAND_DURATION: &str = "servertree_command_duration_seconds";
/// Attempts at commands that somebody else got in the way of, by `context` and `command`.
pub const COMMAND_RETRIES: &str = "servertree_command_retries_total";
/// Queries that ended, by `context`, `query` and `outcome`.
pub const QUERIES: &str = "servertree_queries_total";
/// How long they took.
pub const QUERY_DURATION: &str = "servertree_query_duration_seconds";
/// Values that were in the cache.
pub const CACHE_HITS: &str = "servertree_cache_hits_total";
/// Values that were not.
pub const CACHE_MISSES: &str = "servertree_cache_misses_total";
/// Values that were read for the cache.
pub const CACHE_LOADS: &str = "servertree_cache_loads_total";
/// Whether there is a connection to the cache that processes share.
pub const CACHE_CONNECTED: &str = "servertree_cache_connected";
/// What it was asked and did not do in time.
pub const CACHE_FAILURES: &str = "servertree_cache_failures_total";
/// Open connections, by `pool` and `state`.
pub const DATABASE_CONNECTIONS: &str = "servertree_database_connections";
/// How many there may be, by `pool`.
pub const DATABASE_CONNECTION_LIMIT: &str = "servertree_database_connection_limit";
/// Who waits for one, by `pool`.
pub const DATABASE_CONNECTION_WAITERS: &str = "servertree_database_connection_waiters";
/// Statements that were sent.
pub const DATABASE_STATEMENTS: &str = "servertree_database_statements_total";

/// Events that were committed.
pub const EVENTS_RECORDED: &str = "servertree_events_recorded_total";
/// Events that were committed and not yet dispatched.
pub const EVENTS_UNDISPATCHED: &str = "servertree_events_undispatched";
/// Events that were taken, by `subscriber`.
pub const EVENTS_DELIVERED: &str = "servertree_events_delivered_total";
/// How long after they happened, by `subscriber`.
pub const EVENT_DELIVERY: &str = "servertree_event_delivery_seconds";
/// Attempts that failed, and are followed by another one.
pub const EVENTS_FAILED: &str = "servertree_events_failed_total";
/// Events that were given up.
pub const EVENTS_GIVEN_UP: &str = "servertree_events_given_up_total";
/// Events that are dead right now.
pub const EVENTS_DEAD: &str = "servertree_events_dead";
/// Events that are still to be taken.
pub const EVENTS_BACKLOG: &str = "servertree_events_backlog";
/// How long ago the oldest of them happened.
pub const EVENTS_LAG: &str = "servertree_events_lag_seconds";

/// What the metrics are, as permissions see it.
pub const OBJECT: ObjectType =
    ObjectType { name: "metrics", actions: &["read"], fields: &[], audience: Audience::Operation };

/// What whoever looks at them must be permitted to do.
pub const READ: Permission = Permission::new("read", OBJECT.name);

/// Says of each metric of the kernel what it means. For the host, once it collects.
pub fn describe() {
    let seconds = Unit::Seconds;
    describe_counter!(COMMANDS, "Commands that ended, by outcome.");
    describe_histogram!(COMMAND_DURATION, seconds, "How long commands took, waits and retries included.");
    describe_counter!(
        COMMAND_RETRIES,
        "Attempts at commands beyond the first, since others were at the same rows."
    );
    describe_counter!(QUERIES, "Queries that ended, by outcome.");
    describe_histogram!(QUERY_DURATION, seconds, "How long queries took.");
    describe_counter!(CACHE_HITS, "Values that were asked for and were in the cache.");
    describe_counter!(CACHE_MISSES, "Values that were asked for and were not in the cache.");
    describe_counter!(
        CACHE_LOADS,
        "Values that were read for the cache: misses that come together share one."
    );
    describe_gauge!(CACHE_CONNECTED, "Whether there is a connection to Redis, and it is used: 1 or 0.");
    describe_counter!(CACHE_FAILURES, "What Redis was asked and did not do, or not in time.");
    describe_gauge!(DATABASE_CONNECTIONS, "Open connections to the database, in use or idle.");
    describe_gauge!(DATABASE_CONNECTION_LIMIT, "How many connections a pool may open.");
    describe_gauge!(DATABASE_CONNECTION_WAITERS, "How many wait for a connection right now.");
    describe_counter!(EVENTS_RECORDED, "Events that were committed.");
    describe_gauge!(EVENTS_UNDISPATCHED, "Events that were committed and not yet dispatched to subscribers.");
    describe_counter!(EVENTS_DELIVERED, "Events that a subscriber took.");
    describe_histogram!(
        EVENT_DELIVERY,
        seconds,
        "How long after events happened a subscriber had taken them."
    );
    describe_counter!(EVENTS_FAILED, "Attempts at events that failed, and are followed by another one.");
    describe_counter!(
        EVENTS_GIVEN_UP,
        "Events that were given up, after too many attempts or as not understood."
    );
    describe_gauge!(EVENTS_DEAD, "Events that are dead, and wait for somebody to look at them.");
    describe_gauge!(EVENTS_BACKLOG, "Events that a subscriber has still to take, dead ones left out.");
    describe_gauge!(EVENTS_LAG, seconds, "How long ago the oldest event happened that is still to be taken.");
    describe_counter!(DATABASE_STATEMENTS, "Statements that were sent to the database.");
}

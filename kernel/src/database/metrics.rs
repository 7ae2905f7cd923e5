//! The metrics of the database: read when somebody looks, not counted on the way.

use metrics::{counter, gauge};

use super::{Backend, Database};
use crate::metrics::{
    DATABASE_CONNECTION_LIMIT, DATABASE_CONNECTION_WAITERS, DATABASE_CONNECTIONS, DATABASE_STATEMENTS,
};

impl Database {
    /// Sets the metrics to what they are right now.
    pub(crate) fn measure(&self) {
        let pools = match &self.0.backend {
            Backend::Sqlite(file) => file.pools.states(),
            Backend::MySql(pools) => pools.states(),
            Backend::Postgres(pools) => pools.states(),
        };
        for (pool, state) in pools {
            gauge!(DATABASE_CONNECTIONS, "pool" => pool, "state" => "in_use").set(state.in_use as f64);
            gauge!(DATABASE_CONNECTIONS, "pool" => pool, "state" => "idle").set(state.idle as f64);
            gauge!(DATABASE_CONNECTION_LIMIT, "pool" => pool).set(state.limit as f64);
            gauge!(DATABASE_CONNECTION_WAITERS, "pool" => pool).set(state.waiting as f64);
        }
        counter!(DATABASE_STATEMENTS).absolute(self.statements());
    }
}

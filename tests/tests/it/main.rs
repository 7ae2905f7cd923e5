//! The program from outside: what it answers, how it starts and stops, what it keeps when it is killed; and the rules
//! that its source keeps.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod accounts;
mod applications;
mod architecture;
mod asyncapi;
mod authentication;
mod authorization_matrix;
mod bad_input;
mod bus;
mod bus_faults;
mod cache_faults;
mod concurrency;
mod contracts;
mod credentials;
mod database_copy;
mod database_faults;
mod database_start;
mod documentation;
mod events;
mod faults;
mod history;
mod idempotency;
mod installations;
mod inventory;
mod keys;
mod metrics;
mod openapi;
mod remote;
mod schema;
mod servers;
mod starting;
mod timing;
mod users;

//! The test application: the real program, started on a folder of its own, and talked to over HTTP.
//!
//! ```text
//! let service = Service::start().await;
//! let answer = service.post("/api/v1/servers", &json!({…})).await;
//! assert_eq!(answer.status, 201);
//! service.stop().await;
//! ```
#![expect(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod answer;
mod broker;
mod builds;
mod command;
mod exposition;
mod private_server;
mod probe;
mod proxy;
mod sample;
mod service;

pub use answer::Answer;
pub use broker::{Heard, Hearer, VirtualHost, with_broker};
pub use builds::{Program, workspace_root};
pub use command::command;
pub use exposition::Exposition;
pub use private_server::PrivateServer;
pub use probe::{Delivered, HELD, HOLD, REFUSE};
pub use proxy::{Network, Proxy};
pub use sample::{application, fedora_applications, fedora_servers, server};
pub use servertree_kernel::database::Engine;
pub use servertree_kernel::testkit::{TestConnection, TestDatabase, on_a_server, only_on, tls_authority};
pub use service::{Builder, Service};

use std::time::Duration;

/// How long anything is waited for before a test gives up.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Tries again until `attempt` gives something.
pub async fn eventually<T>(what: &str, mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + DEADLINE;
    loop {
        if let Some(value) = attempt().await {
            return value;
        }
        assert!(tokio::time::Instant::now() < deadline, "not within {DEADLINE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// How many times as large as in CI the fault tests are: `scripts/soak` sets it.
#[expect(clippy::disallowed_methods, reason = "tests have no configuration but the environment")]
pub fn scale() -> usize {
    std::env::var("TEST_SCALE").map_or(1, |scale| scale.parse().expect("a whole number"))
}

//! What every context of ServerTree builds on. It knows none of them.
//!
//! From the inside out: [`domain`] has the building blocks of aggregates; [`command`], [`query`], [`uow`] and
//! [`permission`] are the pipeline that every use case runs in; [`event`] keeps and delivers what happened;
//! [`database`] and [`http`] are the edges; [`plugin`] is how contexts register. docs/ARCHITECTURE.md walks through it.

pub mod administration;
pub mod attempts;
pub mod authentication;
mod bus;
pub mod cache;
pub mod clock;
pub mod command;
pub mod criteria;
pub mod database;
pub mod domain;
pub mod event;
pub mod fields;
pub mod files;
pub mod history;
pub mod http;
pub mod idempotency;
pub mod job;
mod json;
mod locks;
pub mod merge_patch;
pub mod message;
pub mod metrics;
pub mod permission;
pub mod plugin;
pub mod problem;
pub mod query;
#[cfg(feature = "remote")]
pub mod remote;
pub mod secrets;
pub mod settings;
#[cfg(feature = "testkit")]
pub mod testkit;
pub mod uow;

/// What the kernel's macros need to name from inside a context.
#[doc(hidden)]
pub mod glue {
    pub use deserr;
    pub use include_dir;
    pub use inventory;
    pub use sea_query;
    pub use serde;
    pub use shaku;
    pub use sqlx;
    pub use utoipa;
    pub use uuid::Uuid;

    /// A UUID in its one form with hyphens. There are others; one address for one thing is enough.
    pub fn parse_uuid(text: &str) -> Result<Uuid, &'static str> {
        const INVALID: &str = "must be a UUID of 36 characters";
        if text.len() != 36 {
            return Err(INVALID);
        }
        Uuid::try_parse(text).map_err(|_| INVALID)
    }
}

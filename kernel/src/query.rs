//! Queries: what only looks. One pipeline for all of them: span, permission, handler.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::FutureExt;
use shaku::Interface;
use tracing::Instrument;

use crate::bus::{Handler, Handlers, Pipeline};
use crate::message::Message;
use crate::metrics::Outcome;
use crate::permission::{Access, Permission};
use crate::problem::{Failure, Internal};
use crate::uow::ReadUow;

/// A question: a plain struct.
pub trait Query: Send + 'static {
    /// The answer.
    type Output: Send + 'static;
    /// Its name, unique in the process: `<context>.<what it asks>`.
    const NAME: &'static str;
    /// What the caller must be permitted to do.
    const NEEDS: Permission;
    /// What else it depends on, such as what of an object may be shown.
    const ALSO: &'static [Permission] = &[];
}

/// Answers a query.
#[async_trait]
pub trait QueryHandler<Q: Query>: Interface {
    /// Answers it.
    async fn handle(&self, query: Q, uow: &mut ReadUow, message: &Message) -> Result<Q::Output, Failure>;
}

/// Takes queries to their handlers.
#[derive(Clone)]
pub struct QueryBus {
    handlers: Arc<Handlers>,
    pipeline: Pipeline,
}

impl QueryBus {
    pub(crate) fn new(handlers: Handlers, pipeline: Pipeline) -> Self {
        Self { handlers: Arc::new(handlers), pipeline }
    }

    /// Answers `query`. It may be cancelled: nothing is lost.
    pub async fn ask<Q: Query>(&self, query: Q, message: Message) -> Result<Q::Output, Failure> {
        let Handler { handler, metrics } = self
            .handlers
            .get::<Q, dyn QueryHandler<Q>>()
            .ok_or_else(|| Internal(format!("no handler is registered for {}", Q::NAME)))?;
        let measured = metrics.begin(Outcome::Cancelled);
        let span = tracing::debug_span!(
            "query",
            name = Q::NAME,
            request_id = message.request_id.as_str(),
            caller = message.caller.subject()
        );
        let work = async {
            let checker = self.pipeline.permissions.as_ref();
            let access = Access::require(checker, &message.caller, Q::NEEDS, Q::ALSO).await?;
            let message = Message { access, ..message.clone() };
            let mut uow = self.pipeline.units.read();
            let answer = handler.handle(query, &mut uow, &message).await?;
            uow.end().await?;
            Ok(answer)
        };
        let result = AssertUnwindSafe(work.instrument(span))
            .catch_unwind()
            .await
            .unwrap_or_else(|_| Err(Internal(format!("{} panicked", Q::NAME)).into()));
        measured.end(&result);
        result
    }
}

//! What the command bus and the query bus have in common.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use crate::idempotency::Turns;
use crate::metrics::UseCaseMetrics;
use crate::permission::PermissionChecker;
use crate::secrets::Secrets;
use crate::uow::UnitsOfWork;

/// The handlers of commands, each by the type of its command, or those of queries: the one place where types are erased.
#[derive(Default)]
pub(crate) struct Handlers(HashMap<TypeId, Box<dyn Any + Send + Sync>>);

/// A handler, such as a `dyn CommandHandler<C>`, and the metrics of what it does.
pub(crate) struct Handler<H: ?Sized> {
    pub(crate) handler: Arc<H>,
    pub(crate) metrics: Arc<UseCaseMetrics>,
}

impl Handlers {
    /// Adds the handler of messages of type `M`.
    pub(crate) fn insert<M: 'static, H: ?Sized + Send + Sync + 'static>(
        &mut self,
        handler: Arc<H>,
        metrics: UseCaseMetrics,
    ) {
        self.0.insert(TypeId::of::<M>(), Box::new(Handler { handler, metrics: Arc::new(metrics) }));
    }

    /// The handler of messages of type `M`, if there is one.
    pub(crate) fn get<M: 'static, H: ?Sized + 'static>(&self) -> Option<&Handler<H>> {
        self.0.get(&TypeId::of::<M>())?.downcast_ref()
    }
}

/// What every command and query passes.
#[derive(Clone)]
pub(crate) struct Pipeline {
    pub(crate) permissions: Arc<dyn PermissionChecker>,
    pub(crate) units: UnitsOfWork,
    /// Hashes what idempotency is about.
    pub(crate) secrets: Arc<dyn Secrets>,
    /// Requests with the same key of idempotency, one after the other.
    pub(crate) turns: Turns,
    /// Commands under way: waited for when the process ends.
    pub(crate) tasks: TaskTracker,
    /// Where commands run: not on the thread of the connection they came by, which ends with the HTTP server.
    pub(crate) runtime: Handle,
}

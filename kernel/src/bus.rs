//! What the command bus and the query bus have in common.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use crate::idempotency::Turns;
use crate::permission::PermissionChecker;
use crate::secrets::Secrets;
use crate::uow::UnitsOfWork;

/// `Arc<dyn CommandHandler<C>>` by the type of `C`, and likewise for queries: the one place where types are erased.
pub(crate) type Handlers = HashMap<TypeId, Box<dyn Any + Send + Sync>>;

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

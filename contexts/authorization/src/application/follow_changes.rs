//! Notice what other processes changed.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use servertree_kernel::domain::Port;
use servertree_kernel::job::{Job, JobHandler};
use servertree_kernel::message::Message;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::WriteUow;
use shaku::Component;

use super::remembered::{Forgotten, Remembered};
use crate::error::Error;

/// Forget what is remembered when it may be stale: another process changed something, or nobody can say.
pub struct FollowChanges;

impl Job for FollowChanges {
    const NAME: &'static str = "authorization.follow_changes";
    /// What another process changed holds here within a second.
    const EVERY: Duration = Duration::from_millis(500);
}

/// Counts the changes of all processes.
#[async_trait]
pub trait Changes: Port {
    /// How many there were.
    async fn count(&self) -> Result<i64, Error>;
}

#[derive(Component)]
#[shaku(interface = JobHandler<FollowChanges>)]
pub struct Handler {
    #[shaku(inject)]
    changes: Arc<dyn Changes>,
    #[shaku(inject)]
    remembered: Arc<dyn Remembered>,
}

#[async_trait]
impl JobHandler<FollowChanges> for Handler {
    async fn run(&self, _: &mut WriteUow, _: &Message) -> Result<(), Failure> {
        let number = self.changes.count().await.inspect_err(|_| self.remembered.forget(Forgotten::All))?;
        self.remembered.follow(number);
        Ok(())
    }
}

//! Jobs: what is done from time to time, without being asked.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use shaku::Interface;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::message::{Caller, Message, RequestId};
use crate::problem::{Failure, Internal};
use crate::uow::{UnitsOfWork, WriteUow};

/// Something that is done from time to time.
pub trait Job: Send + Sync + 'static {
    /// Its name, unique in the process: `<context>.<what it does>`.
    const NAME: &'static str;
    /// How long it rests in between.
    const EVERY: Duration;
}

/// Does a job. It is committed when it went well, else rolled back; whatever went wrong, it is tried again when its time
/// comes. Its unit of work begins with its first statement: a job that finds nothing to do holds up nobody.
#[async_trait]
pub trait JobHandler<J: Job>: Interface {
    /// Does it once.
    async fn run(&self, uow: &mut WriteUow, message: &Message) -> Result<(), Failure>;
}

/// Jobs that run until they are stopped.
pub struct Jobs {
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Jobs {
    pub(crate) fn start(jobs: Vec<ScheduledJob>, units: &UnitsOfWork, clock: &Arc<dyn Clock>) -> Self {
        let started = Self { stop: CancellationToken::new(), tasks: TaskTracker::new() };
        for job in jobs {
            let (units, clock, stop) = (units.clone(), Arc::clone(clock), started.stop.clone());
            started.tasks.spawn(async move {
                while stop.run_until_cancelled(tokio::time::sleep(job.every)).await.is_some() {
                    job.run(&units, clock.as_ref()).await;
                }
            });
        }
        started.tasks.close();
        started
    }

    /// Lets what is being done end, and begins nothing more.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

/// A job with its type erased.
#[derive(Clone)]
pub(crate) struct ScheduledJob {
    name: &'static str,
    every: Duration,
    handler: Arc<dyn ErasedJob>,
}

impl ScheduledJob {
    pub(crate) fn new<J: Job>(handler: Arc<dyn JobHandler<J>>) -> Self {
        Self { name: J::NAME, every: J::EVERY, handler: Arc::new(handler) }
    }

    pub(crate) async fn run(&self, units: &UnitsOfWork, clock: &dyn Clock) {
        let message = Message::new(Caller::service(), RequestId::of_job(self.name), None, clock.now());
        let mut uow = units.write(message.clone());
        let run = AssertUnwindSafe(self.handler.run(&mut uow, &message)).catch_unwind().await;
        let done = match run.unwrap_or_else(|_| Err(Internal("it panicked".to_owned()).into())) {
            Ok(()) => uow.commit().await.map_err(Failure::from),
            Err(failure) => Err(failure),
        };
        if let Err(failure) = done {
            tracing::warn!(
                job = self.name,
                error = failure.chain(),
                "a job failed, and is tried again later"
            );
        }
    }
}

#[async_trait]
trait ErasedJob: Send + Sync {
    async fn run(&self, uow: &mut WriteUow, message: &Message) -> Result<(), Failure>;
}

#[async_trait]
impl<J: Job> ErasedJob for Arc<dyn JobHandler<J>> {
    async fn run(&self, uow: &mut WriteUow, message: &Message) -> Result<(), Failure> {
        JobHandler::run(self.as_ref(), uow, message).await
    }
}

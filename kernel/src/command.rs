//! Commands: what changes something. One pipeline for all of them: span, permission, unit of work, handler, events,
//! commit.

use std::sync::Arc;

use async_trait::async_trait;
use shaku::Interface;
use tracing::Instrument;

use crate::bus::{Handler, Handlers, Pipeline};
use crate::idempotency::{Answer, Claim, KeyRefused, OnceRequest};
use crate::message::Message;
use crate::metrics::{Outcome, UseCaseMetrics};
use crate::permission::{Access, Permission, ReadOnly};
use crate::problem::{Failure, Internal};
use crate::uow::WriteUow;

/// Something to be done: a plain struct of value objects, so that its handler need not validate. Each attempt gets a copy.
pub trait Command: Clone + Send + 'static {
    /// What the caller gets.
    type Output: Send + 'static;
    /// Its name, unique in the process: `<context>.<what it does>`.
    const NAME: &'static str;
    /// What the caller must be permitted to do.
    const NEEDS: Permission;
    /// What else it depends on, such as what of an object may be shown.
    const ALSO: &'static [Permission] = &[];
}

/// Carries out a command. All that it writes goes through the unit of work: the bus commits it when the handler
/// answers Ok, and else rolls it back. Where somebody else was at the same rows, or what it misses may be on its way, it is carried
/// out anew, a few times at most.
#[async_trait]
pub trait CommandHandler<C: Command>: Interface {
    /// Carries it out.
    async fn handle(&self, command: C, uow: &mut WriteUow, message: &Message) -> Result<C::Output, Failure>;
}

/// Takes commands to their handlers.
#[derive(Clone)]
pub struct CommandBus {
    handlers: Arc<Handlers>,
    pipeline: Pipeline,
}

impl CommandBus {
    pub(crate) fn new(handlers: Handlers, pipeline: Pipeline) -> Self {
        Self { handlers: Arc::new(handlers), pipeline }
    }

    /// Whether there is anybody to carry out such commands.
    pub fn handles<C: Command>(&self) -> bool {
        self.handlers.get::<C, dyn CommandHandler<C>>().is_some()
    }

    /// Carries out `command` and commits.
    pub async fn dispatch<C: Command>(&self, command: C, message: Message) -> Result<C::Output, Failure> {
        let Handler { handler, metrics } = self.handler::<C>()?;
        let (handler, retries) = (Arc::clone(handler), metrics.retries());
        let pipeline = self.pipeline.clone();
        self.run::<C, _>(metrics, message.clone(), async move {
            let message = permitted::<C>(&pipeline, message).await?;
            let mut attempts = pipeline.units.attempts(retries);
            loop {
                let mut uow = pipeline.units.write(message.clone());
                let output = handler.handle(command.clone(), &mut uow, &message).await;
                match uow.end(output).await {
                    Err(broken_off) if attempts.another_after(&broken_off).await => {}
                    ended => return Ok(ended?),
                }
            }
        })
        .await
    }

    /// Carries out `command` and commits, together with the answer that `render` makes of its output; or, if `request` was
    /// carried out before, answers what was answered then.
    pub async fn dispatch_once<C: Command>(
        &self,
        command: C,
        message: Message,
        request: OnceRequest,
        render: impl Fn(C::Output) -> Result<Answer, Failure> + Send + Sync + 'static,
    ) -> Result<Answer, Failure> {
        let Handler { handler, metrics } = self.handler::<C>()?;
        let (handler, retries) = (Arc::clone(handler), metrics.retries());
        let pipeline = self.pipeline.clone();
        self.run::<C, _>(metrics, message.clone(), async move {
            let claim = Claim::new(&request, &message, pipeline.secrets.as_ref())?;
            let _turn = pipeline.turns.take(&claim).await?;
            // After the wait: what is permitted may have changed meanwhile.
            let message = permitted::<C>(&pipeline, message).await?;
            if let Some(answer) = claim.answered(&mut pipeline.units.read_latest()).await? {
                return Ok(answer);
            }
            let mut attempts = pipeline.units.attempts(retries);
            loop {
                let mut uow = pipeline.units.write(message.clone());
                let claimed = claim.claim(&mut uow).await;
                if matches!(claimed, Ok(false)) {
                    drop(uow);
                    let answered = claim.answered(&mut pipeline.units.read_latest()).await?;
                    return Ok(answered.ok_or(KeyRefused::InProgress)?);
                }
                let command = command.clone();
                let answer = async {
                    claimed?;
                    let answer = render(handler.handle(command, &mut uow, &message).await?)?;
                    claim.store(&answer, &mut uow).await?;
                    Ok(answer)
                };
                let answer = answer.await;
                match uow.end(answer).await {
                    Err(broken_off) if attempts.another_after(&broken_off).await => {}
                    ended => return Ok(ended?),
                }
            }
        })
        .await
    }

    fn handler<C: Command>(&self) -> Result<&Handler<dyn CommandHandler<C>>, Internal> {
        self.handlers
            .get::<C, dyn CommandHandler<C>>()
            .ok_or_else(|| Internal(format!("no handler is registered for {}", C::NAME)))
    }

    /// Runs `work` in a task of its own: a client that goes away does not cancel a transaction half way.
    async fn run<C: Command, T: Send + 'static>(
        &self,
        metrics: &Arc<UseCaseMetrics>,
        message: Message,
        work: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> Result<T, Failure> {
        let span = tracing::info_span!(
            "command",
            name = C::NAME,
            request_id = message.request_id.as_str(),
            caller = message.caller.subject()
        );
        // What ends without a result panicked, or was broken off.
        let measured = metrics.begin(Outcome::Failed);
        let work = async move {
            let result = work.await;
            measured.end(&result);
            result
        };
        let task = self.pipeline.tasks.spawn_on(work.instrument(span), &self.pipeline.runtime);
        task.await.unwrap_or_else(|ended| Err(Internal(format!("{} broke off: {ended}", C::NAME)).into()))
    }
}

/// The message of a caller who may, with what they may.
async fn permitted<C: Command>(pipeline: &Pipeline, message: Message) -> Result<Message, Failure> {
    if message.caller.is_read_only() {
        return Err(ReadOnly.into());
    }
    let checker = pipeline.permissions.as_ref();
    let access = Access::require(checker, &message.caller, C::NEEDS, C::ALSO).await?;
    Ok(Message { access, ..message })
}

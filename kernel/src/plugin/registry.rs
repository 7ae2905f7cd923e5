//! What contexts register: handlers, subscribers, and who fills the kernel's slots.

use std::sync::Arc;

use crate::authentication::TokenVerifier;
use crate::bus::Handlers;
use crate::command::{Command, CommandHandler};
use crate::event::{Broadcast, EventHandler, Listener, Listening, Subscriber, Subscription};
use crate::job::{Job, JobHandler, ScheduledJob};
use crate::metrics::{COMMAND, QUERY, UseCaseMetrics};
use crate::permission::{Decisions, Permission, PermissionChecker};
use crate::query::{Query, QueryHandler};

/// A use case, as a list of them shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UseCase {
    /// The context it belongs to.
    pub context: &'static str,
    /// `command`, `query`, `subscriber`, `listener` or `job`.
    pub kind: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What its caller must be permitted to do; nothing for what nobody calls.
    pub needs: Option<Permission>,
    /// What else it depends on.
    pub also: &'static [Permission],
}

/// Collects what the contexts register.
#[derive(Default)]
pub struct Registry {
    pub(super) context: &'static str,
    pub(super) use_cases: Vec<UseCase>,
    pub(super) commands: Handlers,
    pub(super) queries: Handlers,
    pub(super) subscribers: Vec<Subscriber>,
    pub(super) listeners: Vec<Listening>,
    pub(super) token_verifiers: Vec<(&'static str, Arc<dyn TokenVerifier>)>,
    pub(super) permission_checkers: Vec<(&'static str, Arc<dyn PermissionChecker>)>,
    pub(super) decisions: Vec<(&'static str, Arc<dyn Decisions>)>,
    pub(super) jobs: Vec<ScheduledJob>,
}

impl Registry {
    /// The handler of a command.
    pub fn command<C: Command>(&mut self, handler: Arc<dyn CommandHandler<C>>) {
        self.enter("command", C::NAME, Some((C::NEEDS, C::ALSO)));
        let metrics = UseCaseMetrics::new(COMMAND, self.context, C::NAME);
        self.commands.insert::<C, dyn CommandHandler<C>>(handler, metrics);
    }

    /// The handler of a query.
    pub fn query<Q: Query>(&mut self, handler: Arc<dyn QueryHandler<Q>>) {
        self.enter("query", Q::NAME, Some((Q::NEEDS, Q::ALSO)));
        let metrics = UseCaseMetrics::new(QUERY, self.context, Q::NAME);
        self.queries.insert::<Q, dyn QueryHandler<Q>>(handler, metrics);
    }

    /// The handler of a subscription.
    pub fn subscriber<S: Subscription>(&mut self, handler: Arc<dyn EventHandler<S>>) {
        self.enter("subscriber", S::NAME, None);
        self.subscribers.push(Subscriber::new(handler));
    }

    /// A listener.
    pub fn listener<B: Broadcast>(&mut self, listener: Arc<dyn Listener<B>>) {
        self.enter("listener", B::NAME, None);
        self.listeners.push(Listening::new(listener));
    }

    /// Provides the kernel's port that says who a token stands for.
    pub fn token_verifier(&mut self, verifier: Arc<dyn TokenVerifier>) {
        self.token_verifiers.push((self.context, verifier));
    }

    /// Provides the kernel's port that knows the grants.
    pub fn permission_checker(&mut self, checker: Arc<dyn PermissionChecker>) {
        self.permission_checkers.push((self.context, checker));
    }

    /// Provides the kernel's port that decides for other processes.
    pub fn decisions(&mut self, decisions: Arc<dyn Decisions>) {
        self.decisions.push((self.context, decisions));
    }

    /// The handler of a job.
    pub fn job<J: Job>(&mut self, handler: Arc<dyn JobHandler<J>>) {
        self.enter("job", J::NAME, None);
        self.jobs.push(ScheduledJob::new(handler));
    }

    fn enter(
        &mut self,
        kind: &'static str,
        name: &'static str,
        permissions: Option<(Permission, &'static [Permission])>,
    ) {
        let needs = permissions.map(|(needs, _)| needs);
        let also = permissions.map_or(&[][..], |(_, also)| also);
        self.use_cases.push(UseCase { context: self.context, kind, name, needs, also });
    }
}

//! Puts contexts, container and database together to an application that runs.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use include_dir::include_dir;
use thiserror::Error;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::{Context, Kernel, Registered, Registry, UseCase};
use crate::authentication::TokenVerifier;
use crate::bus::Pipeline;
use crate::cache::Cache;
use crate::clock::{Clock, IdGenerator};
use crate::command::CommandBus;
use crate::database::{Database, Migrations};
use crate::event::{self, operations};
use crate::event::{
    EventLogView, Inbound, Listening, Projection, Publisher, Rebuild, RebuildProgress, RegisteredSubscriber,
    Relay, RelayParts, RelaySettings, Subscriber,
};
use crate::idempotency::Turns;
use crate::job::{Jobs, ScheduledJob};
use crate::permission::{Decisions, ObjectType, Permission, PermissionChecker, PermissionSlot};
use crate::problem::{COMMON, Failure, Internal, ProblemType};
use crate::query::QueryBus;
use crate::secrets::Secrets;
use crate::uow::UnitsOfWork;

static KERNEL_MIGRATIONS: include_dir::Dir<'static> =
    include_dir!("$CARGO_MANIFEST_DIR/../migrations/kernel");

/// What an application is made of.
pub struct Parts {
    /// The contexts to run.
    pub contexts: Vec<&'static Context>,
    /// The kernel's container.
    pub kernel: Arc<dyn Kernel>,
    /// The slot that the container has as its `PermissionChecker`.
    pub permissions: PermissionSlot,
    /// Who decides about permissions when no context provides it.
    pub fallback_permissions: Arc<dyn PermissionChecker>,
    /// Who says whom a token stands for when no context provides it. If there is one, the fallback for permissions is not
    /// whoever works on the machine either: both are in another process.
    pub fallback_verifier: Option<Arc<dyn TokenVerifier>>,
    /// The database.
    pub database: Database,
    /// Where commands run.
    pub runtime: Handle,
}

/// The contexts do not fit together: a mistake in the program, found at its start.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum AssemblyError {
    /// Two of the same name.
    #[error("there are two {kind}s named '{name}'")]
    Duplicate {
        /// What there are two of.
        kind: &'static str,
        /// Their name.
        name: String,
    },
    /// Asked for, but not there.
    #[error("there is no context '{name}'; there are: {known}")]
    UnknownContext {
        /// What was asked for.
        name: String,
        /// Those that are there.
        known: String,
    },
    /// A use case needs what no context declares: nobody could ever be granted it.
    #[error("'{use_case}' needs to {action} '{object_type}', which no context declares among its objects")]
    UndeclaredPermission {
        /// Which use case.
        use_case: &'static str,
        /// What it needs to do.
        action: &'static str,
        /// And to what.
        object_type: &'static str,
    },
    /// Two contexts provide the same port.
    #[error("both '{0}' and '{1}' provide the {2}; enable one of them")]
    TwoProviders(&'static str, &'static str, &'static str),
    /// The permission slot belongs to another application already.
    #[error("the permission slot is filled already: each application needs one of its own")]
    SlotIsFilled,
}

impl Context {
    /// All contexts that are linked into this program, by name.
    pub fn all() -> Result<Vec<&'static Self>, AssemblyError> {
        let mut contexts: Vec<&'static Self> =
            inventory::iter::<Registered>.into_iter().map(|registered| registered.0).collect();
        contexts.sort_by_key(|context| context.name);
        unique("context", contexts.iter().map(|context| context.name))?;
        Ok(contexts)
    }

    /// Of all contexts, those with the names given; all, if none is. What is the kernel's own is always there.
    pub fn enabled(names: &[String]) -> Result<Vec<&'static Self>, AssemblyError> {
        let all = Self::all()?;
        if let Some(unknown) = names.iter().find(|name| all.iter().all(|context| context.name != **name)) {
            let known = all.iter().map(|context| context.name).collect::<Vec<_>>().join(", ");
            return Err(AssemblyError::UnknownContext { name: unknown.clone(), known });
        }
        let is_enabled = |context: &&Self| names.is_empty() || names.iter().any(|name| name == context.name);
        let own = std::iter::once(&operations::CONTEXT);
        Ok(own.chain(all.into_iter().filter(is_enabled)).collect())
    }
}

/// An application: its contexts' use cases behind two buses.
#[derive(Clone)]
pub struct Application {
    /// Its contexts.
    pub contexts: Arc<[&'static Context]>,
    /// Its use cases.
    pub use_cases: Arc<[UseCase]>,
    /// Carries out commands.
    pub commands: CommandBus,
    /// Answers queries.
    pub queries: QueryBus,
    /// Whether somebody knows the grants, here or in another process; else it is up to whoever works on the machine.
    pub has_permission_checker: bool,
    /// Who knows the grants.
    pub permissions: Arc<dyn PermissionChecker>,
    /// Who says whom a token stands for, if somebody does.
    pub token_verifier: Option<Arc<dyn TokenVerifier>>,
    /// Whether some of the two is in another process.
    pub asks_elsewhere: bool,
    /// Who decides for other processes, if a context does.
    pub decisions: Option<Arc<dyn Decisions>>,
    /// The routes below `/api/v1` that are open to those who are not known yet: method and path.
    pub open: Arc<[(&'static str, &'static str)]>,
    subscribers: Vec<Subscriber>,
    listeners: Arc<[Listening]>,
    cache: Arc<dyn Cache>,
    /// This process, as others on the same database know it.
    holder: Uuid,
    jobs: Vec<ScheduledJob>,
    database: Database,
    pipeline: Pipeline,
    clock: Arc<dyn Clock>,
}

impl Application {
    /// Lets each context register, and checks that they fit together.
    pub fn assemble(parts: Parts) -> Result<Self, AssemblyError> {
        let mut registry = Registry::default();
        for context in &parts.contexts {
            registry.context = context.name;
            (context.register)(Arc::clone(&parts.kernel), &mut registry);
        }
        unique("use case", registry.use_cases.iter().map(|use_case| use_case.name))?;
        let of_contexts = || parts.contexts.iter().flat_map(|context| context.objects);
        let objects = || ObjectType::OF_THE_SERVICE.iter().chain(of_contexts());
        unique("object type", objects().map(|object_type| object_type.name))?;
        require_declared(&registry.use_cases, &objects().flat_map(ObjectType::permissions).collect())?;
        unique("problem", problem_types(&parts.contexts).map(|problem| problem.code))?;
        unique(
            "event",
            parts.contexts.iter().flat_map(|context| context.events.iter().map(|event| event.name)),
        )?;
        let provided = only("permission checker", registry.permission_checkers)?;
        let verifier = only("token verifier", registry.token_verifiers)?;
        let decisions = only("decisions", registry.decisions)?;
        let asks_elsewhere = parts.fallback_verifier.is_some() && (provided.is_none() || verifier.is_none());
        let has_permission_checker = provided.is_some() || parts.fallback_verifier.is_some();
        if !parts.permissions.fill(provided.unwrap_or(parts.fallback_permissions)) {
            return Err(AssemblyError::SlotIsFilled);
        }
        let ids: Arc<dyn IdGenerator> = parts.kernel.resolve();
        let permissions: Arc<dyn PermissionChecker> = parts.kernel.resolve();
        let pipeline = Pipeline {
            permissions: Arc::clone(&permissions),
            units: UnitsOfWork::new(parts.database.clone(), Arc::clone(&ids), parts.kernel.resolve()),
            secrets: parts.kernel.resolve(),
            turns: Turns::default(),
            tasks: TaskTracker::new(),
            runtime: parts.runtime,
        };
        Ok(Self {
            open: parts.contexts.iter().flat_map(|context| context.open).copied().collect(),
            contexts: parts.contexts.into(),
            use_cases: registry.use_cases.into(),
            commands: CommandBus::new(registry.commands, pipeline.clone()),
            queries: QueryBus::new(registry.queries, pipeline.clone()),
            has_permission_checker,
            permissions,
            token_verifier: verifier.or(parts.fallback_verifier),
            asks_elsewhere,
            decisions,
            subscribers: registry.subscribers,
            listeners: registry.listeners.into(),
            cache: parts.kernel.resolve(),
            holder: ids.next(),
            jobs: registry.jobs,
            database: parts.database,
            clock: parts.kernel.resolve(),
            pipeline,
        })
    }

    /// Starts to deliver events to the subscribers, and to others, if there is somebody who tells them.
    pub async fn start_relay(
        &self,
        settings: &RelaySettings,
        publisher: Option<Arc<dyn Publisher>>,
    ) -> Result<Relay, Failure> {
        let mut subscribers = self.subscribers.clone();
        subscribers.extend(publisher.map(Subscriber::publishing));
        let parts = RelayParts {
            subscribers,
            listeners: Arc::clone(&self.listeners),
            database: self.database.clone(),
            units: self.pipeline.units.clone(),
            clock: Arc::clone(&self.clock),
            cache: Arc::clone(&self.cache),
            holder: self.holder,
        };
        Relay::start(settings, parts).await
    }

    /// The names of the events that happen here.
    pub fn emitted(&self) -> BTreeSet<&'static str> {
        emitted(&self.contexts)
    }

    /// What takes events of other services.
    pub fn inbound(&self) -> Inbound {
        let (units, clock) = (self.pipeline.units.clone(), Arc::clone(&self.clock));
        Inbound { units, clock, wanted: Arc::new(self.wanted()) }
    }

    /// By context, the names of events that do not happen here. Whoever takes all takes those of the contexts that the program has.
    fn wanted(&self) -> BTreeMap<&'static str, BTreeSet<&'static str>> {
        let here = self.emitted();
        let known = emitted(&Context::all().unwrap_or_default());
        let of_subscribers = self.subscribers.iter().map(Subscriber::subscription);
        let of_listeners = self.listeners.iter().map(Listening::subscription);
        let mut wanted: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        let mut by_any = BTreeSet::new();
        for (name, events) in of_subscribers.chain(of_listeners) {
            let context = name.split_once('.').map_or(name, |(context, _)| context);
            let all = known.iter().filter(|_| events.is_empty());
            let elsewhere = events.iter().chain(all).filter(|event| !here.contains(**event));
            wanted.entry(context).or_default().extend(elsewhere);
        }
        wanted.retain(|_, events: &mut BTreeSet<&'static str>| !events.is_empty());
        by_any.extend(wanted.values().flatten().copied());
        // All go into the same log: whichever context is ahead of the others has all that came before.
        wanted.into_keys().map(|context| (context, by_any.clone())).collect()
    }

    /// The tables that are made of nothing but events.
    pub fn projections(&self) -> Vec<Projection> {
        self.subscribers.iter().filter_map(Subscriber::projection).collect()
    }

    /// Empties the table of a projection and has it filled again, as others see when it has ended; answers of how many events.
    pub async fn rebuild(
        &self,
        projection: &Projection,
        progress: impl FnMut(RebuildProgress),
    ) -> Result<u64, Failure> {
        let subscriber = self
            .subscribers
            .iter()
            .find(|subscriber| subscriber.projection().as_ref() == Some(projection))
            .ok_or_else(|| Internal(format!("there is no projection '{}'", projection.name)))?;
        let (units, clock) = (&self.pipeline.units, self.clock.as_ref());
        Rebuild { subscriber, units, clock }.run(projection.table, progress).await
    }

    /// The subscribers there are in the database.
    pub async fn subscribers(&self) -> Result<Vec<RegisteredSubscriber>, Failure> {
        Ok(event::subscribers(&self.database).await?)
    }

    /// Has nothing delivered any more to a subscriber that no program has, and removes what is left for it; answers how many deliveries
    /// that were, and says so as it goes.
    pub async fn retire(&self, subscriber: &str, progress: impl FnMut(u64)) -> Result<u64, Failure> {
        event::retire(subscriber, &self.database, progress).await
    }

    /// Starts what is done from time to time.
    pub fn start_jobs(&self) -> Jobs {
        Jobs::start(self.jobs.clone(), &self.pipeline.units, &self.clock)
    }

    /// Does each job once.
    #[cfg(feature = "testkit")]
    pub async fn run_jobs(&self) {
        for job in &self.jobs {
            job.run(&self.pipeline.units, self.clock.as_ref()).await;
        }
    }

    /// Commits an event that no aggregate recorded.
    #[cfg(feature = "testkit")]
    pub(crate) async fn publish(
        &self,
        event: crate::event::Envelope,
        message: crate::message::Message,
    ) -> Result<(), Failure> {
        let mut uow = self.pipeline.units.write(message);
        uow.publish(event);
        Ok(uow.commit().await?)
    }

    /// Waits until whoever asks sees all that was committed.
    #[cfg(feature = "testkit")]
    pub(crate) async fn finish_commits(&self) {
        self.pipeline.units.finish_commits().await;
    }

    /// Waits until the commands under way have ended. Call it when no new ones come in.
    pub async fn finish_commands(&self) {
        self.pipeline.tasks.close();
        self.pipeline.tasks.wait().await;
    }

    /// The types of problem it can answer with, by code.
    pub fn problems(&self) -> BTreeMap<&'static str, &'static ProblemType> {
        problem_types(&self.contexts).map(|problem| (problem.code, problem)).collect()
    }

    /// Sets the metrics that are read rather than counted. For whoever is about to show them.
    pub async fn measure(&self) {
        self.database.measure();
        EventLogView::new(self.database.clone()).measure(self.clock.now()).await;
    }

    /// What seals secrets and signs tokens.
    pub fn secrets(&self) -> &Arc<dyn Secrets> {
        &self.pipeline.secrets
    }

    /// The clock it goes by.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }
}

fn emitted(contexts: &[&'static Context]) -> BTreeSet<&'static str> {
    contexts.iter().flat_map(|context| context.events).map(|event| event.name).collect()
}

/// The migrations of the kernel and of these contexts, in the order they are to run.
pub fn migrations(contexts: &[&'static Context]) -> Vec<Migrations> {
    let of_contexts = contexts.iter().map(|context| context.migrations);
    let kernel = kernel_migrations();
    std::iter::once(kernel).chain(of_contexts.filter(|migrations| migrations.owner != kernel.owner)).collect()
}

/// Those of the kernel itself.
pub(crate) const fn kernel_migrations() -> Migrations {
    Migrations { owner: "kernel", folder: &KERNEL_MIGRATIONS }
}

fn problem_types(contexts: &[&'static Context]) -> impl Iterator<Item = &'static ProblemType> {
    COMMON.iter().copied().chain(contexts.iter().flat_map(|context| context.problems.iter().copied()))
}

/// Permissions that are misspelt would be granted to nobody, and nobody would know why.
fn require_declared(use_cases: &[UseCase], declared: &HashSet<Permission>) -> Result<(), AssemblyError> {
    for use_case in use_cases {
        for permission in use_case.needs.iter().chain(use_case.also) {
            let goes_without = [Permission::OPEN, Permission::LOCAL].contains(permission);
            if !goes_without && !declared.contains(permission) {
                let Permission { action, object_type } = *permission;
                let use_case = use_case.name;
                return Err(AssemblyError::UndeclaredPermission { use_case, action, object_type });
            }
        }
    }
    Ok(())
}

/// The one that is provided, if one is.
fn only<T: ?Sized>(
    port: &'static str,
    provided: Vec<(&'static str, Arc<T>)>,
) -> Result<Option<Arc<T>>, AssemblyError> {
    match provided.as_slice() {
        [] => Ok(None),
        [(_, only)] => Ok(Some(Arc::clone(only))),
        [(one, _), (other, _), ..] => Err(AssemblyError::TwoProviders(one, other, port)),
    }
}

fn unique<'n>(kind: &'static str, names: impl Iterator<Item = &'n str>) -> Result<(), AssemblyError> {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(AssemblyError::Duplicate { kind, name: pair[0].to_owned() }),
        None => Ok(()),
    }
}

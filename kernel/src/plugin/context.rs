//! The manifest of a context, and the macro that writes it.

use std::sync::Arc;

use shaku::HasComponent;
use utoipa_actix_web::service_config::ServiceConfig;

use super::Registry;
use crate::cache::Cache;
use crate::clock::{Clock, IdGenerator};
use crate::database::Migrations;
use crate::event::{EventType, SubscriptionType, Upcaster};
use crate::files::FileStore;
use crate::permission::{ObjectType, PermissionChecker};
use crate::problem::ProblemType;
use crate::secrets::{SecretColumn, Secrets};
use crate::settings::{SectionType, Sections};
use crate::uow::Reads;

/// What the kernel's container has for contexts.
pub trait Kernel:
    HasComponent<dyn Clock>
    + HasComponent<dyn IdGenerator>
    + HasComponent<dyn PermissionChecker>
    + HasComponent<dyn Secrets>
    + HasComponent<dyn Cache>
    + HasComponent<dyn FileStore>
    + HasComponent<dyn Reads>
    + HasComponent<dyn Sections>
    + Send
    + Sync
{
}

/// The manifest of a context: all that the host knows of it.
pub struct Context {
    /// Its name: in its configuration section, its events' `source`, its tables, its cargo feature.
    pub name: &'static str,
    /// What it is about, in a sentence.
    pub summary: &'static str,
    /// Its tables.
    pub migrations: Migrations,
    /// Its routes, below `/api/v1`.
    pub routes: fn(&mut ServiceConfig<'_>),
    /// The events it emits.
    pub events: &'static [EventType],
    /// Its subscriptions: the events it takes, and what it reads of them.
    pub subscriptions: &'static [SubscriptionType],
    /// What makes newer versions of old events.
    pub upcasters: &'static [Upcaster],
    /// The types of problem it can answer with.
    pub problems: &'static [&'static ProblemType],
    /// Those of its routes that are open to callers who are not known yet, below `/api/v1`: `("POST", "/account/login")`.
    pub open: &'static [(&'static str, &'static str)],
    /// The types of its objects.
    pub objects: &'static [ObjectType],
    /// Its sections of the configuration.
    pub sections: &'static [SectionType],
    /// Where its tables keep secrets: what a rotation of keys wraps again.
    pub secrets: &'static [SecretColumn],
    /// Builds its module upon the kernel's container, and registers its use cases.
    pub register: fn(Arc<dyn Kernel>, &mut Registry),
}

/// A context as `inventory` collects it.
pub struct Registered(pub &'static Context);

inventory::collect!(Registered);

/// Writes the manifest of a context: its modules, its container, its use cases, its registration with the host.
///
/// `uses` are the kernel's ports that it needs, `adapters` its own components, `provides` (if there are any) the kernel's
/// slots that one of them fills: `permission_checker`, `token_verifier`, `decisions`. `open` are the routes that need no log-in,
/// `objects` the types of objects that permissions are about, `sections` its sections of the configuration, `secrets` (if there
/// are any) the columns with them, `upcasters` (if there are any) what makes newer versions of old events.
///
/// `shared` (if there is any) are further modules of `application`, with what several use cases have in common.
///
/// A line of `use_cases` is all that a new use case needs here. `command register_server::RegisterServer` declares the
/// module `application/register_server.rs`, puts its `Handler` into the container and registers it for the command
/// `RegisterServer`; likewise `query`, `subscriber`, `listener` and `job`. (The modules are declared by the macro, so `cargo fmt` does not
/// find them: use `scripts/fmt`.)
#[macro_export]
macro_rules! context {
    (
        name: $name:literal,
        summary: $summary:literal,
        migrations: $migrations:tt,
        routes: $routes:path,
        events: $events:path,
        $(upcasters: [$($upcaster:expr),* $(,)?],)?
        problems: $problems:path,
        $(open: [$($open:expr),* $(,)?],)?
        objects: [$($object:expr),* $(,)?],
        $(sections: [$($section:ty),* $(,)?],)?
        $(secrets: [$($secret:expr),* $(,)?],)?
        uses: [$($port:ty),* $(,)?],
        adapters: [$($adapter:ty),* $(,)?],
        $(provides: [$($slot:ident),* $(,)?],)?
        use_cases: { $($kind:ident $file:ident::$use_case:ident),* $(,)? } $(,)?
        $(shared: [$($shared:ident),* $(,)?],)?
    ) => {
        mod application {
            //! What the context does: one use case a file, and what several have in common.
            $($(pub mod $shared;)*)?
            $(pub mod $file;)*
        }

        $crate::glue::shaku::module! {
            ContextModule {
                components = [$($adapter,)* $(application::$file::Handler,)*],
                providers = [],
                use dyn $crate::plugin::Kernel {
                    components = [$($port),*],
                    providers = []
                }
            }
        }

        /// The manifest.
        pub static CONTEXT: $crate::plugin::Context = $crate::plugin::Context {
            name: $name,
            summary: $summary,
            migrations: $crate::database::Migrations {
                owner: $name,
                folder: &$crate::glue::include_dir::include_dir!($migrations),
            },
            routes: $routes,
            events: $events,
            subscriptions: $crate::subscriptions!([] $($kind $file::$use_case,)*),
            upcasters: &[$($($upcaster),*)?],
            problems: $problems,
            open: &[$($($open),*)?],
            objects: &[$($object),*],
            sections: &[$($($crate::settings::SectionType::of::<$section>()),*)?],
            secrets: &[$($($secret),*)?],
            register: |kernel, registry| {
                use $crate::glue::shaku::HasComponent;
                let module = ContextModule::builder(kernel).build();
                $($(registry.$slot(module.resolve());)*)?
                $(registry.$kind::<application::$file::$use_case>(module.resolve());)*
            },
        };

        $crate::glue::inventory::submit! { $crate::plugin::Registered(&CONTEXT) }
    };
}

/// Of the use cases in a manifest the subscriptions.
#[doc(hidden)]
#[macro_export]
macro_rules! subscriptions {
    ([$($found:expr,)*]) => {
        &[$($found),*]
    };
    ([$($found:expr,)*] subscriber $file:ident::$subscription:ident, $($rest:tt)*) => {
        $crate::subscriptions!(
            [$($found,)* $crate::event::SubscriptionType::of::<application::$file::$subscription>(),] $($rest)*
        )
    };
    ([$($found:expr,)*] $kind:ident $file:ident::$use_case:ident, $($rest:tt)*) => {
        $crate::subscriptions!([$($found,)*] $($rest)*)
    };
}

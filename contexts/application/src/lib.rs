//! The application context: the catalogue of what can be installed on servers, in which versions, and who answers for it.
//!
//! This file is its manifest, and reads as its table of contents.

mod domain;
#[cfg(test)]
mod enforcement;
mod error;
mod events;
mod infrastructure;
mod interface;

use servertree_kernel::cache::Cache;
use servertree_kernel::clock::IdGenerator;

servertree_kernel::context! {
    name: "application",
    summary: "Applications: what can be installed on servers, in which versions, and who answers for it",
    migrations: "$CARGO_MANIFEST_DIR/../../migrations/application",
    routes: interface::http::routes,
    events: events::ALL,
    problems: error::PROBLEMS,
    objects: [application::find_application::OBJECT],
    uses: [dyn Cache, dyn IdGenerator],
    adapters: [infrastructure::SqlApplications, infrastructure::SqlApplicationViews],
    use_cases: {
        command register_application::RegisterApplication,
        command modify_application::ModifyApplication,
        command patch_application::PatchApplication,
        command discard_application::DiscardApplication,
        command restore_application::RestoreApplication,
        query find_application::FindApplication,
        query find_applications::FindApplications,
        query find_application_history::FindApplicationHistory,
    },
    shared: [permitted_change],
}

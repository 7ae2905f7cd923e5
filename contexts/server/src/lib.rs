//! The server context: which servers there are, what they are made of, where they stand, how they are reached, what is
//! installed on them.
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
use servertree_kernel::secrets::Secrets;

servertree_kernel::context! {
    name: "server",
    summary: "Servers: what they are made of, where they stand, how they are reached, what is installed on them",
    migrations: "$CARGO_MANIFEST_DIR/../../migrations/server",
    routes: interface::http::routes,
    events: events::ALL,
    problems: error::PROBLEMS,
    objects: [application::find_server::OBJECT, application::find_credential::OBJECT],
    secrets: [infrastructure::PASSWORD],
    uses: [dyn Cache, dyn IdGenerator, dyn Secrets],
    adapters: [infrastructure::SqlServers, infrastructure::SqlApplications, infrastructure::SqlServerViews],
    use_cases: {
        command register_server::RegisterServer,
        command modify_server::ModifyServer,
        command patch_server::PatchServer,
        command change_server_status::ChangeServerStatus,
        command add_credential::AddCredential,
        command change_credential::ChangeCredential,
        command remove_credential::RemoveCredential,
        command reveal_credential::RevealCredential,
        command install_application::InstallApplication,
        command uninstall_application::UninstallApplication,
        command discard_server::DiscardServer,
        command restore_server::RestoreServer,
        query find_credential::FindCredential,
        query find_server::FindServer,
        query find_server_history::FindServerHistory,
        query find_servers::FindServers,
        query find_servers_of_application::FindServersOfApplication,
        subscriber follow_applications::FollowApplications,
    },
    shared: [installation_view, permitted_change],
}

//! The application, put together: contexts, the kernel's ports with their adapters, and who is asked where no context knows the
//! grants.

use std::sync::Arc;

use async_trait::async_trait;
use servertree_kernel::authentication::TokenVerifier;
use servertree_kernel::cache::RedisCache;
use servertree_kernel::database::Database;
use servertree_kernel::message::Caller;
use servertree_kernel::permission::{Grants, Permission, PermissionChecker, PermissionSlot};
use servertree_kernel::plugin::{Application, Context, Parts};
use servertree_kernel::problem::Failure;
use servertree_kernel::remote::{Peer, RemotePermissionChecker, RemoteTokenVerifier};
use servertree_kernel::secrets::Keyring;

use crate::config::Config;
use crate::container;
use crate::start::StartError;

/// Puts these contexts together on a database. A `peer` knows the grants, and who asks, where none of them does. Without a cache that
/// processes share, this one has one of its own.
pub fn assemble(
    config: &Config,
    contexts: Vec<&'static Context>,
    database: &Database,
    keyring: &Keyring,
    peer: Option<&Peer>,
    cache: Option<RedisCache>,
) -> Result<Application, StartError> {
    let permissions = PermissionSlot::empty();
    // Who knows nothing permits nothing.
    let fallback_permissions: Arc<dyn PermissionChecker> = match peer {
        Some(peer) => Arc::new(RemotePermissionChecker::new(peer.clone())),
        None => Arc::new(LocalOnly),
    };
    let verifier = peer.map(|peer| RemoteTokenVerifier::new(peer.clone()));
    Ok(Application::assemble(Parts {
        contexts,
        kernel: container::kernel(config, permissions.clone(), keyring.clone(), database.clone(), cache),
        permissions,
        fallback_permissions,
        fallback_verifier: verifier.map(|verifier| Arc::new(verifier) as Arc<dyn TokenVerifier>),
        database: database.clone(),
        runtime: tokio::runtime::Handle::current(),
    })?)
}

/// Permits all to whoever works on the machine, who could do it anyway, and nothing to anybody else.
struct LocalOnly;

#[async_trait]
impl PermissionChecker for LocalOnly {
    async fn grants(&self, caller: &Caller, permissions: &[Permission]) -> Result<Vec<Grants>, Failure> {
        let grants =
            if caller.is_local_operator() { Grants::everything(caller.subject()) } else { Grants::none() };
        Ok(vec![grants; permissions.len()])
    }
}

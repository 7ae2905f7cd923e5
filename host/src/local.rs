//! Whoever works on the machine itself: who may do what where no context knows the grants, and commands that use the same use cases
//! as the API.

use async_trait::async_trait;
use servertree_kernel::message::Caller;
use servertree_kernel::permission::{Grants, Permission, PermissionChecker};
use servertree_kernel::plugin::{Application, Context, migrations};
use servertree_kernel::problem::Failure;

use crate::admin::explained;
use crate::config::Config;
use crate::serve::assemble;
use crate::start::{StartError, keyring, open_existing_database};

/// Permits all to whoever works on the machine, who could do it anyway, and nothing to anybody else.
pub struct LocalOnly;

#[async_trait]
impl PermissionChecker for LocalOnly {
    async fn grants(&self, caller: &Caller, permissions: &[Permission]) -> Result<Vec<Grants>, Failure> {
        let grants =
            if caller.is_local_operator() { Grants::everything(caller.subject()) } else { Grants::none() };
        Ok(vec![grants; permissions.len()])
    }
}

/// Does something with the application on the database that is there, beside whatever runs on it.
pub async fn with_application<T>(
    config: &Config,
    work: impl AsyncFnOnce(&Application) -> Result<T, StartError>,
) -> Result<T, StartError> {
    let contexts = Context::enabled(&config.contexts.enabled)?;
    let database = open_existing_database(config).await?;
    let application = assemble(config, contexts, &database, &keyring(config), None)?;
    database.migrate(&migrations(&application.contexts)).await?;
    let done = work(&application).await;
    application.finish_commands().await;
    database.close().await;
    done
}

/// What kept it from being done.
pub fn failed(failure: &Failure) -> StartError {
    StartError::Admin(explained(failure))
}

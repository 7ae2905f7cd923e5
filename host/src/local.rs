//! Whoever works on the machine itself: commands that use the same use cases as the API.

use servertree_kernel::clock::{IdGenerator, UuidV7Generator};
use servertree_kernel::message::{Caller, Message};
use servertree_kernel::plugin::{Application, Context, migrations};
use servertree_kernel::problem::Failure;

use crate::assemble::assemble;
use crate::config::Config;
use crate::start::{StartError, keyring, open_existing_database};

/// Does something with the application on the database that is there, beside whatever runs on it.
pub async fn with_application<T>(
    config: &Config,
    work: impl AsyncFnOnce(&Application) -> Result<T, StartError>,
) -> Result<T, StartError> {
    let contexts = Context::enabled(&config.contexts.enabled)?;
    let database = open_existing_database(config).await?;
    let application = assemble(config, contexts, &database, &keyring(config), None, None)?;
    database.migrate(&migrations(&application.contexts)).await?;
    let done = work(&application).await;
    application.finish_commands().await;
    database.close().await;
    done
}

/// From whoever works on the machine itself.
pub fn message(application: &Application) -> Message {
    Message::new(Caller::local_operator(), UuidV7Generator.next().into(), None, application.clock().now())
}

/// What kept it from being done.
pub fn failed(failure: &Failure) -> StartError {
    StartError::Admin(if failure.kind().is_internal() { failure.chain() } else { failure.to_string() })
}

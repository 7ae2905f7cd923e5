//! The commands on administrators, and the first of them.

use std::fs::{self, File};
use std::io::{self, BufRead, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Subcommand;
use servertree_kernel::administration::{
    CreateAdministrator, CreateFirstAdministrator, FirstAdministrator, InactivateAdministrator, ResetPassword,
};
use servertree_kernel::command::Command as KernelCommand;
use servertree_kernel::database::Database;
use servertree_kernel::domain::Secret;
use servertree_kernel::plugin::{Application, Context, migrations};

use crate::assemble::assemble;
use crate::config::{Config, DataSettings};
use crate::console::{print, runtime};
use crate::local::{failed, message};
use crate::logging;
use crate::start::{StartError, keyring, open_database, open_existing_database, prepare_data_folder};

#[derive(Subcommand, Clone)]
pub enum Command {
    /// Create an administrator who may do everything. The password is read from the standard input: 10 characters at least.
    Create {
        /// The name to log in with.
        name: String,
    },
    /// Keep an administrator from logging in, one whom nobody else is above. All their sessions and tokens end.
    Inactivate {
        /// The name of the administrator.
        name: String,
    },
    /// Set the password of a user, an administrator who lost it in the first place. It is read from the standard input. All
    /// sessions and tokens of the user end; one who was inactive is active again.
    ResetPassword {
        /// The name of the user.
        name: String,
    },
}

/// Does what was asked for.
pub fn run(command: Command, config: &Config) -> Result<(), StartError> {
    logging::start(&config.log)?;
    let done = match &command {
        Command::Create { name } => format!("{name} can log in from now on, and do everything."),
        Command::Inactivate { name } => format!("{name} cannot log in any more."),
        Command::ResetPassword { name } => format!("{name} has another password, and has to log in with it."),
    };
    runtime()?.block_on(async {
        match command {
            Command::Create { name: username } => {
                let password = read_password()?;
                prepare_data_folder(&config.data)?;
                let database = open_database(config).await?;
                dispatch(config, database, CreateAdministrator { username, password }).await
            }
            Command::Inactivate { name: username } => {
                let database = open_existing_database(config).await?;
                dispatch(config, database, InactivateAdministrator { username }).await
            }
            Command::ResetPassword { name: username } => {
                let database = open_existing_database(config).await?;
                let password = read_password()?;
                dispatch(config, database, ResetPassword { username, password }).await
            }
        }
    })?;
    print(&done)
}

/// From a person, without showing it; else the first line of what comes in.
fn read_password() -> Result<Secret, StartError> {
    let text = if io::stdin().is_terminal() {
        rpassword::prompt_password("Password: ")
    } else {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map(|_| line.trim_end_matches(['\r', '\n']).to_owned())
    };
    let text = text.map_err(|error| StartError::Admin(format!("the password cannot be read: {error}")))?;
    Secret::parse(text).map_err(|fault| StartError::Admin(format!("the password {fault}")))
}

async fn dispatch<C: KernelCommand>(
    config: &Config,
    database: Database,
    command: C,
) -> Result<C::Output, StartError> {
    let contexts = Context::enabled(&config.contexts.enabled)?;
    let keyring = keyring(config);
    let application = assemble(config, contexts, &database, &keyring, None, None)?;
    if !application.commands.handles::<C>() {
        return Err(StartError::Admin(
            "no context in this program keeps accounts: enable 'authorization'".to_owned(),
        ));
    }
    database.migrate(&migrations(&application.contexts)).await?;
    keyring.open(&database, application.clock().now()).await?;
    let done = application.commands.dispatch(command, message(&application)).await;
    application.finish_commands().await;
    database.close().await;
    done.map_err(|failure| failed(&failure))
}

/// The file with the password of the first administrator.
pub fn password_file(data: &DataSettings) -> PathBuf {
    Path::new(&data.folder).join("initial-admin-password")
}

/// Creates the first administrator, if there are no users yet, and a context that keeps them.
pub async fn create_first(
    application: &Application,
    data: &DataSettings,
) -> Result<Option<FirstAdministrator>, StartError> {
    if !application.commands.handles::<CreateFirstAdministrator>() {
        return Ok(None);
    }
    let file = password_file(data);
    let keep = Arc::new(move |password: &Secret| keep(&file, password));
    let created =
        application.commands.dispatch(CreateFirstAdministrator { keep }, message(application)).await;
    let created = created.map_err(|failure| StartError::Admin(failure.chain()))?;
    if let Some(administrator) = &created {
        let file = password_file(data).display().to_string();
        tracing::info!(username = administrator.username, file, "the first administrator was created");
    }
    Ok(created)
}

/// Alone in its file, for this user alone. One that is there is of a start that did not get to the end.
fn keep(file: &Path, password: &Secret) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut kept = File::options().write(true).create_new(true).mode(0o600).open(file)?;
    writeln!(kept, "{}", password.expose())?;
    kept.sync_all()
}

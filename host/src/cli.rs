//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use servertree_kernel::database::{Applied, Database};
use servertree_kernel::plugin::{Context, migrations};

use crate::config::Config;
use crate::console::{print, runtime};
use crate::http::openapi;
use crate::start::{StartError, open_database, open_existing_database, prepare_data_folder};
use crate::{admin, asyncapi, database, events, keys, logging, projections, serve};

/// ServerTree keeps an organisation's server inventory behind one REST API.
///
/// Without a command it serves. With nothing configured, everything it keeps is in the folder `data`.
#[derive(Parser)]
#[command(
    version,
    after_help = "Settings also come from the environment: SERVERTREE_HTTP__PORT=9000 sets http.port.\n\
    `servertree config` shows them all, as they are in effect."
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    /// A TOML file with settings that differ from the built-in ones.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Subcommand, Clone)]
enum Command {
    /// Serve the API, until stopped with Ctrl-C or SIGTERM. The default.
    Serve,
    /// Do what is done in the background, without an API: hand events over to their subscribers, and do jobs. Any number of these
    /// can run beside those that serve, on the same database. Ends with Ctrl-C or SIGTERM.
    Worker,
    /// Bring the database up to date, and say what was done. Serving does so, too.
    Migrate {
        /// Only say what there is to do.
        #[arg(long)]
        plan: bool,
        /// Carry out again what stopped half way, on MariaDB and MySQL, which cannot roll back changes of tables.
        #[arg(long, conflicts_with = "plan")]
        resume: bool,
    },
    /// The database itself.
    #[command(subcommand)]
    Database(database::Command),
    /// Show the settings in effect, as TOML, with passwords hidden.
    Config,
    /// List the contexts in this program, and which are enabled.
    Contexts,
    /// Print the OpenAPI description of the API, as JSON.
    Openapi,
    /// Print the AsyncAPI description of the events, as JSON.
    Asyncapi,
    /// Administrators, as whoever works on this machine makes them.
    #[command(subcommand)]
    Admin(admin::Command),
    /// Events, and those that were not taken.
    #[command(subcommand)]
    Events(events::Command),
    /// Tables that are made of nothing but events.
    #[command(subcommand)]
    Projections(projections::Command),
    /// The keys that protect secrets in the database.
    #[command(subcommand)]
    Keys(keys::Command),
}

/// Does what was asked for.
pub fn run(arguments: Arguments) -> Result<(), StartError> {
    let config = Config::load(arguments.config.as_deref())?;
    match arguments.command.unwrap_or(Command::Serve) {
        Command::Serve => {
            logging::start(&config.log)?;
            runtime()?.block_on(serve::serve(config))
        }
        Command::Worker => {
            logging::start(&config.log)?;
            runtime()?.block_on(serve::work(config))
        }
        Command::Migrate { plan: true, .. } => runtime()?.block_on(plan(&config)),
        Command::Migrate { resume, .. } => runtime()?.block_on(migrate(&config, resume)),
        Command::Database(command) => database::run(command, &config),
        Command::Config => print(&config.shown()?),
        Command::Admin(command) => admin::run(command, &config),
        Command::Events(command) => events::run(command, &config),
        Command::Projections(command) => projections::run(command, &config),
        Command::Keys(command) => keys::run(command, &config),
        Command::Contexts => print(&contexts(&config)?),
        Command::Openapi => {
            let contexts = Context::enabled(&config.contexts.enabled)?;
            let description = openapi::describe(&contexts).to_pretty_json();
            print(&description.map_err(|error| StartError::Internal(error.to_string()))?)
        }
        Command::Asyncapi => {
            let contexts = Context::enabled(&config.contexts.enabled)?;
            print(&format!("{:#}", asyncapi::describe(&contexts)))
        }
    }
}

async fn migrate(config: &Config, resume: bool) -> Result<(), StartError> {
    let migrations = migrations(&Context::enabled(&config.contexts.enabled)?);
    prepare_data_folder(&config.data)?;
    let database = open_database(config).await?;
    let applied = match resume {
        true => database.resume_migrating(&migrations).await?,
        false => database.migrate(&migrations).await?,
    };
    let text = listed(&database, &applied)
        + &match applied.len() {
            0 => "Up to date, nothing to do.".to_owned(),
            count => format!("Up to date after {count} migrations."),
        };
    database.close().await;
    print(&text)
}

async fn plan(config: &Config) -> Result<(), StartError> {
    let migrations = migrations(&Context::enabled(&config.contexts.enabled)?);
    let database = open_existing_database(config).await?;
    let pending = database.pending(&migrations).await?;
    let text = listed(&database, &pending)
        + &match pending.len() {
            0 => "Up to date, nothing to do.".to_owned(),
            count => {
                format!("{count} migrations to carry out: `servertree migrate` does, and so does serving.")
            }
        };
    database.close().await;
    print(&text)
}

fn listed(database: &Database, migrations: &[Applied]) -> String {
    let line =
        |migration: &Applied| format!("  {} {:04} {}\n", migration.owner, migration.version, migration.name);
    format!("{}\n", database.description()) + &migrations.iter().map(line).collect::<String>()
}

fn contexts(config: &Config) -> Result<String, StartError> {
    let enabled = Context::enabled(&config.contexts.enabled)?;
    let mut text = String::new();
    for context in Context::all()? {
        let is_enabled = enabled.iter().any(|other| other.name == context.name);
        let state = if is_enabled { "enabled" } else { "disabled" };
        text += &format!("{:<14} {state:<9} {}\n", context.name, context.summary);
    }
    Ok(text.trim_end().to_owned())
}

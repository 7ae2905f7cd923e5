//! The commands on projections: tables that are made of nothing but events.

use std::time::{Duration, Instant};

use clap::Subcommand;
use servertree_kernel::event::RebuildProgress;
use servertree_kernel::plugin::Application;

use crate::config::Config;
use crate::console::{print, runtime};
use crate::local::{failed, with_application};
use crate::logging;
use crate::start::StartError;

/// How often it is said how far a rebuild is.
const INTERVAL: Duration = Duration::from_secs(2);

#[derive(Subcommand, Clone)]
pub enum Command {
    /// List them: the name, the table, the events.
    List,
    /// Empty the table of one and fill it again from the events. Readers see it as it was until all is done; the service may go
    /// on running. (On SQLite nobody else writes meanwhile.)
    Rebuild {
        /// Its name.
        name: String,
    },
}

/// Does what was asked for.
pub fn run(command: Command, config: &Config) -> Result<(), StartError> {
    logging::start(&config.log)?;
    let done = runtime()?.block_on(with_application(config, async |application| match &command {
        Command::List => Ok(list(application)),
        Command::Rebuild { name } => rebuild(name, application).await,
    }))?;
    print(&done)
}

fn list(application: &Application) -> String {
    let mut text = format!("{:<36}  {:<28}  events\n", "name", "table");
    for projection in application.projections() {
        let events =
            if projection.events.is_empty() { "all".to_owned() } else { projection.events.join(", ") };
        text += &format!("{:<36}  {:<28}  {events}\n", projection.name, projection.table);
    }
    text.trim_end().to_owned()
}

async fn rebuild(name: &str, application: &Application) -> Result<String, StartError> {
    let projections = application.projections();
    let Some(projection) = projections.iter().find(|projection| projection.name == name) else {
        let known: Vec<&str> = projections.iter().map(|projection| projection.name).collect();
        let known = if known.is_empty() { "none in this program".to_owned() } else { known.join(", ") };
        return Err(StartError::Admin(format!("there is no projection '{name}'; there are: {known}")));
    };
    let mut shown = Instant::now();
    let progress = |RebuildProgress { done, of }: RebuildProgress| {
        if done >= of || shown.elapsed() >= INTERVAL {
            shown = Instant::now();
            eprintln!("{done} of {of} events");
        }
    };
    let events = application.rebuild(projection, progress).await.map_err(|failure| failed(&failure))?;
    Ok(format!("{} was filled again from {events} events.", projection.table))
}

//! The commands on keys.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use clap::{Subcommand, ValueEnum};
use servertree_kernel::clock::{Clock, SystemClock};
use servertree_kernel::database::Database;
use servertree_kernel::plugin::{Context, migrations};
use servertree_kernel::secrets::{Key, Progress, Purpose, Rotated, RotatedTokenKey, Rotation};

use crate::config::Config;
use crate::console::{print, runtime};
use crate::logging;
use crate::start::{StartError, keyring, open_existing_database};

#[derive(Subcommand, Clone, Copy)]
pub enum Command {
    /// List the keys that the database knows, and whether they are at hand.
    List,
    /// Print a new key, to be put into a file or into secrets.keys. Changes nothing.
    Generate {
        /// What it is for.
        #[arg(value_enum, default_value = "master")]
        purpose: PurposeArgument,
    },
    /// Take another key: a new one, or the first one of secrets.keys. The service may go on running.
    Rotate {
        /// Which one.
        #[arg(value_enum, default_value = "master")]
        key: RotatedArgument,
    },
}

#[derive(ValueEnum, Clone, Copy)]
pub enum PurposeArgument {
    /// Protects secrets.
    Master,
    /// Goes into keyed hashes.
    Pepper,
    /// Signs access tokens.
    Token,
}

#[derive(ValueEnum, Clone, Copy)]
pub enum RotatedArgument {
    /// All secrets are wrapped again. What was interrupted is continued.
    Master,
    /// New access tokens are signed with the new one; those that are out still count.
    Token,
}

/// Does what was asked for.
pub fn run(command: Command, config: &Config) -> Result<(), StartError> {
    match command {
        Command::List => runtime()?.block_on(list(config)),
        Command::Generate { purpose } => generate(purpose),
        Command::Rotate { key } => {
            logging::start(&config.log)?;
            match key {
                RotatedArgument::Master => runtime()?.block_on(rotate(config)),
                RotatedArgument::Token => runtime()?.block_on(rotate_token_key(config)),
            }
        }
    }
}

async fn list(config: &Config) -> Result<(), StartError> {
    let database = open_existing_database(config).await?;
    let keyring = keyring(config);
    let mut text = format!("{:<28} {:<8} {:<9} {:<8} since\n", "key", "purpose", "state", "at hand");
    for key in keyring.list(&database).await? {
        let at_hand = if key.at_hand { "yes" } else { "NO" };
        let created_at = key.created_at;
        text += &format!("{:<28} {:<8} {:<9} {at_hand:<8} {created_at}\n", key.id, key.purpose, key.state);
    }
    database.close().await;
    print(text.trim_end())
}

fn generate(purpose: PurposeArgument) -> Result<(), StartError> {
    let purpose = match purpose {
        PurposeArgument::Master => Purpose::Master,
        PurposeArgument::Pepper => Purpose::Pepper,
        PurposeArgument::Token => Purpose::Token,
    };
    let key = Key::generate(purpose, SystemClock.now())
        .map_err(|error| StartError::Internal(format!("no random bytes: {error}")))?;
    print(&key.expose())
}

async fn rotate(config: &Config) -> Result<(), StartError> {
    let database = open_existing_database(config).await?;
    let contexts = contexts_of(&database).await?;
    database.migrate(&migrations(&contexts)).await?;
    let keyring = keyring(config);
    let now = SystemClock.now();
    keyring.open(&database, now).await?;
    let columns = contexts.iter().flat_map(|context| context.secrets.iter().copied()).collect();
    let rotation = Rotation::begin(&database, &keyring, columns, now).await?;
    let active = rotation.active().clone();
    eprintln!("Wrapping secrets with the key {active} …");
    let mut display = Display::new();
    let rotated = rotation.run(|progress| display.show(progress)).await?;
    database.close().await;
    summarise(&rotated, active.as_str())
}

fn summarise(rotated: &Rotated, active: &str) -> Result<(), StartError> {
    let Progress { done, damaged, .. } = rotated.progress;
    let mut text = format!("{done} secrets were wrapped with {active}, the active key from now on.");
    for key in &rotated.retired {
        text += &format!(
            "\nThis database no longer needs {key}; backups made until now do. Keep it as long as them."
        );
    }
    print(&text)?;
    match damaged {
        0 => Ok(()),
        count => Err(StartError::Damaged { count }),
    }
}

/// No secret is looked at, so it does not matter which contexts there are.
async fn rotate_token_key(config: &Config) -> Result<(), StartError> {
    let database = open_existing_database(config).await?;
    database.migrate(&migrations(&[])).await?;
    let keyring = keyring(config);
    let now = SystemClock.now();
    keyring.open(&database, now).await?;
    let RotatedTokenKey { active, retiring, retired } = keyring.rotate_token_key(&database, now).await?;
    database.close().await;
    let mut text = format!("New tokens are signed with {active}, the active key from now on.");
    for key in &retiring {
        text += &format!("\nTokens that {key} signed still count. Keep it for an hour at least.");
    }
    for key in &retired {
        text += &format!("\nNothing needs {key} any more.");
    }
    print(&text)
}

/// The contexts that have tables in this database, enabled or not: no secret of theirs must be left behind.
async fn contexts_of(database: &Database) -> Result<Vec<&'static Context>, StartError> {
    let mut contexts = Vec::new();
    let all = Context::all()?;
    for owner in database.owners().await.map_err(|error| StartError::Keys(error.into()))? {
        match all.iter().find(|context| context.name == owner) {
            Some(context) => contexts.push(*context),
            None if owner == "kernel" => {}
            None => return Err(StartError::UnknownContext { context: owner }),
        }
    }
    Ok(contexts)
}

/// How far it is: over itself on a terminal, else a line every few seconds.
struct Display {
    since: Instant,
    shown: Option<Instant>,
    interval: Duration,
    is_terminal: bool,
}

impl Display {
    fn new() -> Self {
        let is_terminal = io::stderr().is_terminal();
        let interval = if is_terminal { Duration::from_millis(100) } else { Duration::from_secs(2) };
        Self { since: Instant::now(), shown: None, interval, is_terminal }
    }

    fn show(&mut self, progress: Progress) {
        let Progress { done, of, damaged } = progress;
        let is_last = done + damaged >= of;
        if !is_last && self.shown.is_some_and(|shown| shown.elapsed() < self.interval) {
            return;
        }
        self.shown = Some(Instant::now());
        let seconds = self.since.elapsed().as_secs_f64();
        let line = format!("{done} of {of} secrets, {:.0}/s", done as f64 / seconds.max(0.001));
        match self.is_terminal {
            true if is_last => eprintln!("\r{line}"),
            true => eprint!("\r{line}"),
            false => eprintln!("{line}"),
        }
    }
}

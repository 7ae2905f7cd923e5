//! The commands on the database itself.

use std::path::Path;
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use servertree_kernel::database::{ConnectError, Copied, Database, DatabaseCopy, Progress, Settings, Step};
use servertree_kernel::plugin::{Context, migrations};

use crate::config::Config;
use crate::console::{print, runtime};
use crate::logging;
use crate::start::StartError;

/// How often progress is told.
const INTERVAL: Duration = Duration::from_secs(1);

#[derive(Subcommand, Clone)]
pub enum Command {
    /// Copy all that is in a database into another one, on whichever engine: to move from SQLite to a server, or back.
    ///
    /// Stop the service first: what is written meanwhile is not copied. The other database must be there (of SQLite the folder of its
    /// file) and empty; it is migrated first. Rows are copied in batches; a copy that was interrupted goes on when the same command is
    /// run again, and until it is done no service runs on it. At the end each table of both is compared by its number of rows and a
    /// checksum. Secrets stay sealed as they are: the service needs the same keys as before.
    Copy(Ends),
}

#[derive(Args, Clone)]
pub struct Ends {
    /// The database to copy from: sqlite:// and a path, mysql://… or postgres://…. Without it, the one that is configured.
    #[arg(long, value_name = "URL")]
    from: Option<String>,
    /// The database to copy into. Others on this machine can see the arguments of a command, and with them a password in a URL: the
    /// environment can give it, too.
    #[arg(long, value_name = "URL", env = "SERVERTREE_COPY_TO", hide_env_values = true)]
    to: String,
    /// Throw away an unfinished copy that the other database has, and begin anew.
    #[arg(long)]
    restart: bool,
}

/// Does what was asked for.
pub fn run(command: Command, config: &Config) -> Result<(), StartError> {
    logging::start(&config.log)?;
    match command {
        Command::Copy(ends) => runtime()?.block_on(copy(ends, config)),
    }
}

async fn copy(ends: Ends, config: &Config) -> Result<(), StartError> {
    let default_file = Path::new(&config.data.folder).join("servertree.db");
    // A replica may lag behind.
    let settings =
        |url: &str| Settings { url: url.to_owned(), read_url: String::new(), ..config.database.clone() };
    let source = settings(ends.from.as_deref().unwrap_or(&config.database.url));
    let target = settings(&ends.to);
    if ends.to == source.url {
        return Err(StartError::CopyOntoItself);
    }
    let failed = |option| move |source| StartError::CopyEnd { option, source };
    let from = Database::connect_existing(&source, &default_file).await.map_err(failed("--from"))?;
    // Without a URL it would be the default file.
    let to = match ends.to.as_str() {
        "" => return Err(failed("--to")(ConnectError::Url)),
        _ => Database::connect(&target, &default_file).await.map_err(failed("--to"))?,
    };
    let migrations = migrations(&Context::all()?);
    let copy = DatabaseCopy { from: &from, to: &to, migrations: &migrations, restart: ends.restart };
    let mut display = Display::default();
    let copied = copy.run(|progress| display.show(&progress)).await?;
    let text = summary(&copied, &from, &to);
    from.close().await;
    to.close().await;
    print(&text)
}

fn summary(copied: &[Copied], from: &Database, to: &Database) -> String {
    let mut text = format!("{:<28} {:>10}  checksum, in both\n", "table", "rows");
    let mut tables: Vec<&Copied> = copied.iter().collect();
    tables.sort_by_key(|copied| &copied.table);
    for Copied { table, fingerprint } in tables {
        text += &format!("{table:<28} {:>10}  {fingerprint}\n", fingerprint.rows);
    }
    text += &format!("Copied from {}\n       into {}\n", from.description(), to.description());
    text + "Start the service with the URL of the copy as database.url (SERVERTREE_DATABASE__URL), and with the same keys."
}

/// How far it is, on the standard error: a line for each table, and each second that one takes.
#[derive(Default)]
struct Display {
    shown: Option<Instant>,
    table: String,
}

impl Display {
    fn show(&mut self, progress: &Progress<'_>) {
        let Progress { step, table, rows, of } = progress;
        let now = Instant::now();
        let is_first = *step == Step::Copying && self.table != *table;
        if is_first {
            (*table).clone_into(&mut self.table);
        }
        if is_first && *rows > 0 {
            eprintln!("{table} was begun: going on behind {rows} rows");
        }
        let is_done = *step == Step::Copying && *of == Some(*rows);
        let shown = *self.shown.get_or_insert(now);
        if !is_done && now.duration_since(shown) < INTERVAL {
            return;
        }
        self.shown = Some(now);
        let step = match step {
            Step::Reading => "reading",
            Step::Copying => "copying",
            Step::Verifying => "verifying",
        };
        let of = of.map(|of| format!(" of {of}")).unwrap_or_default();
        eprintln!("{step} {table}: {rows}{of} rows");
    }
}

//! An inventory to measure with: made once, through the API, and copied for each program; on a server shared by them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use serde_json::Value;
use tempfile::TempDir;

use crate::connection::Connection;
use crate::engine::{Engine, ServerDatabase};
use crate::load::{Amount, load};
use crate::program::Program;
use crate::requests::{Kind, Requests, get};

/// Servers on a page of the list: as many as there can be.
const PAGE: usize = 500;

/// The programs to measure.
pub struct Programs {
    pub servertree: PathBuf,
    pub bare: PathBuf,
    pub open: PathBuf,
}

/// The data of a ServerTree with servers in it.
pub struct Inventory {
    folder: TempDir,
    /// Where the servers are, unless in a file in that folder.
    database: Option<ServerDatabase>,
    /// The ids of all of them.
    pub ids: Vec<String>,
}

/// A program on a copy of the inventory.
pub struct Measured {
    /// Before the folder, so that it ends first.
    pub program: Program,
    folder: TempDir,
}

impl Measured {
    /// From now on those who ask are its first administrator.
    pub async fn log_in(&mut self) -> io::Result<()> {
        self.program.log_in(self.folder.path()).await
    }
}

impl Inventory {
    /// Registers this many servers with a new ServerTree on this engine, each with this many credentials.
    pub async fn make(
        programs: &Programs,
        engine: Engine,
        servers: usize,
        credentials: usize,
    ) -> io::Result<Self> {
        let database = engine.new_database().await;
        let name = name(database.as_ref());
        eprintln!("Registering {servers} servers with {credentials} credentials each on {name} …");
        let folder = TempDir::new()?;
        let settings: Vec<_> = database.iter().map(ServerDatabase::setting).collect();
        let mut program = Program::servertree(&programs.servertree, folder.path(), &settings);
        program.log_in(folder.path()).await?;
        let requests = Arc::new(Requests::new(Kind::Register { credentials }, 0));
        load(&program, &requests, Amount::Requests(servers)).await?;
        let ids = ids(&program, servers).await?;
        // Killed, it leaves its write-ahead log behind: all copies get the same.
        drop(program);
        Ok(Self { folder, database, ids })
    }

    /// The name of the engine it is on.
    pub fn engine(&self) -> &str {
        name(self.database.as_ref())
    }

    /// Whether there is only one for all programs: what the one writes, the other finds.
    pub fn is_shared(&self) -> bool {
        self.database.is_some()
    }

    /// Starts ServerTree on a copy, with these environment variables set.
    pub fn servertree(&self, programs: &Programs, settings: &[(&str, &str)]) -> io::Result<Measured> {
        Ok(self.servertree_in(self.copy()?, programs, settings))
    }

    /// Starts ServerTree on this copy.
    pub fn servertree_in(&self, folder: TempDir, programs: &Programs, settings: &[(&str, &str)]) -> Measured {
        let settings: Vec<_> =
            self.database.iter().map(ServerDatabase::setting).chain(settings.iter().copied()).collect();
        let program = Program::servertree(&programs.servertree, folder.path(), &settings);
        Measured { program, folder }
    }

    /// The URL of the database of a copy in `folder`.
    pub fn url(&self, folder: &Path) -> String {
        let file = || format!("sqlite://{}", folder.join("data/servertree.db").display());
        self.database.as_ref().map_or_else(file, |database| database.url().to_owned())
    }

    /// Starts the program that is open to everybody on a copy, with these environment variables set.
    pub fn open(&self, programs: &Programs, settings: &[(&str, &str)]) -> io::Result<Measured> {
        let folder = self.copy()?;
        let program = Program::servertree(&programs.open, folder.path(), settings);
        Ok(Measured { program, folder })
    }

    /// Starts the bare program on a copy.
    pub fn bare(&self, programs: &Programs) -> io::Result<Measured> {
        let folder = self.copy()?;
        let file = folder.path().join("data/servertree.db");
        let database = self.database.as_ref().map_or(file.as_os_str(), |database| database.url().as_ref());
        let program = Program::bare(&programs.bare, database);
        Ok(Measured { program, folder })
    }

    /// A folder with a copy of the data in it: keys, the first password, and the database if it is a file.
    pub fn copy(&self) -> io::Result<TempDir> {
        let folder = TempDir::new()?;
        copy_folder(&self.folder.path().join("data"), &folder.path().join("data"))?;
        Ok(folder)
    }
}

fn name(database: Option<&ServerDatabase>) -> &str {
    database.map_or("SQLite", ServerDatabase::engine)
}

/// With all that is in it: on a database without its keys ServerTree does not start.
fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let copy = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy_folder(&entry.path(), &copy)?,
            false => fs::copy(entry.path(), copy).map(drop)?,
        }
    }
    Ok(())
}

async fn ids(program: &Program, servers: usize) -> io::Result<Vec<String>> {
    let mut connection = Connection::open(program.address).await?;
    let mut ids = Vec::new();
    for offset in (0..servers).step_by(PAGE) {
        let path = format!("/api/v1/servers?fields=id&count=none&limit={PAGE}&offset={offset}");
        let page: Value =
            serde_json::from_slice(connection.ask(get(&path, &program.token).as_bytes()).await?.body)?;
        let items = page["items"].as_array().into_iter().flatten();
        ids.extend(items.filter_map(|item| item["id"].as_str().map(str::to_owned)));
    }
    assert_eq!(ids.len(), servers, "not all servers are in the list");
    Ok(ids)
}

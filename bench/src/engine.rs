//! The engines to measure on, and new databases on their servers, which `scripts/servers` tells of in the environment.

use std::path::Path;

use clap::ValueEnum;
use servertree_kernel::database;
use servertree_kernel::testkit::TestDatabase;

/// An engine.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// A file, in the folder of each program.
    Sqlite,
    /// MariaDB or MySQL, at `TEST_MYSQL_URL`.
    Mysql,
    /// PostgreSQL, at `TEST_POSTGRES_URL`.
    Postgres,
}

/// A database on a server, gone with this.
pub struct ServerDatabase {
    engine: &'static str,
    url: String,
    _database: TestDatabase,
}

impl Engine {
    /// A new database on its server; none: ServerTree makes a file.
    pub async fn new_database(self) -> Option<ServerDatabase> {
        let engine = match self {
            Self::Sqlite => return None,
            Self::Mysql => database::Engine::MySql,
            Self::Postgres => database::Engine::Postgres,
        };
        let database = TestDatabase::on(engine, Path::new("")).await;
        let version = database.connect().await.texts("SELECT VERSION()").await.concat();
        // MySQL takes no password without TLS; of the others, encryption is not what is to be measured.
        let (engine, plain) = match self {
            Self::Postgres => ("PostgreSQL", Some("sslmode=disable")),
            _ if version.contains("MariaDB") => ("MariaDB", Some("ssl-mode=disabled")),
            _ => ("MySQL", None),
        };
        let separator = if database.url().contains('?') { '&' } else { '?' };
        let plain =
            plain.filter(|_| !database.url().contains("ssl")).map(|plain| format!("{separator}{plain}"));
        let url = format!("{}{}", database.url(), plain.unwrap_or_default());
        Some(ServerDatabase { engine, url, _database: database })
    }
}

impl ServerDatabase {
    /// The name of its engine.
    pub fn engine(&self) -> &str {
        self.engine
    }

    /// Its URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What has ServerTree use it.
    pub fn setting(&self) -> (&str, &str) {
        ("SERVERTREE_DATABASE__URL", &self.url)
    }
}

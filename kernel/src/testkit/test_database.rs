//! A database of its own for each test, on the engine that the run is about.

use std::path::Path;
use std::time::Duration;

use super::engine::variable;
use super::test_connection::TestConnection;
use crate::database::{Database, Engine, Settings};

/// How long a database may take to be dropped; what takes longer stays with the server, which is of the run as well.
const DROP_DEADLINE: Duration = Duration::from_secs(10);

/// An empty database: a file, a database of a server, or a schema of one. It is dropped with the value.
#[derive(Debug)]
pub struct TestDatabase {
    url: String,
    /// Where to drop it, and how. A file goes with its folder.
    drop: Option<(String, [String; 2])>,
}

impl TestDatabase {
    /// One on the engine under test; where that is SQLite, in this file.
    pub async fn new(file: &Path) -> Self {
        Self::on(Engine::under_test(), file).await
    }

    /// One on this engine; on SQLite, in this file.
    pub async fn on(engine: Engine, file: &Path) -> Self {
        match engine {
            Engine::Sqlite => Self { url: format!("sqlite://{}", file.display()), drop: None },
            Engine::MySql => Self::on_mysql(server("TEST_MYSQL_URL")).await,
            Engine::Postgres => Self::on_postgres(server("TEST_POSTGRES_URL")).await,
        }
    }

    /// One on each engine that the run has servers of, and before them one on SQLite, in this file.
    pub async fn on_each(file: &Path) -> Vec<Self> {
        let mut all = vec![Self::on(Engine::Sqlite, file).await];
        for (engine, server) in [(Engine::MySql, "TEST_MYSQL_URL"), (Engine::Postgres, "TEST_POSTGRES_URL")] {
            if variable(server).is_some() {
                all.push(Self::on(engine, file).await);
            }
        }
        all
    }

    /// The collation is not ours: it is seen whether tables bring their own.
    async fn on_mysql(server: String) -> Self {
        let name = random_name();
        let create = format!("CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci");
        TestConnection::open(&server).await.execute(&create).await;
        let url = with_database(&server, &name);
        let drop = ["SET lock_wait_timeout = 3".to_owned(), format!("DROP DATABASE {name}")];
        Self { url, drop: Some((server, drop)) }
    }

    /// A schema takes a millisecond; a database would take a hundred.
    async fn on_postgres(server: String) -> Self {
        let name = random_name();
        TestConnection::open(&server).await.execute(&format!("CREATE SCHEMA {name}")).await;
        let separator = if server.contains('?') { '&' } else { '?' };
        let url = format!("{server}{separator}options=-csearch_path%3D{name}");
        let drop = [
            "SET lock_timeout = 3000; SET client_min_messages = warning".to_owned(),
            format!("DROP SCHEMA {name} CASCADE"),
        ];
        Self { url, drop: Some((server, drop)) }
    }

    /// Its URL, as the configuration takes it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The settings that name it.
    pub fn settings(&self) -> Settings {
        Settings { url: self.url.clone(), ..Settings::default() }
    }

    /// Opens it, as each of several processes would.
    pub async fn open(&self) -> Database {
        Database::connect(&self.settings(), Path::new("")).await.expect("a database")
    }

    /// A connection behind the back of whoever uses it.
    pub async fn connect(&self) -> TestConnection {
        TestConnection::open(&self.url).await
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let Some((server, statements)) = self.drop.take() else { return };
        // Where a runtime is, nothing may wait; so it is done, and waited for, in another thread. That it cannot be dropped is not
        // what a test is about.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
            let drop = async {
                let mut connection = TestConnection::try_open(&server).await.ok()?;
                for statement in statements {
                    connection.try_execute(&statement).await.ok()?;
                }
                Some(())
            };
            runtime.block_on(async { tokio::time::timeout(DROP_DEADLINE, drop).await.ok()? })
        });
        let _ = dropping.join();
    }
}

fn server(name: &str) -> String {
    variable(name)
        .unwrap_or_else(|| panic!("{name} is not set: scripts/test sets it, and so does scripts/servers"))
}

fn random_name() -> String {
    let number = getrandom::u64().expect("random bytes");
    format!("servertree_test_{number:016x}")
}

/// The URL of a server with another database in it.
fn with_database(url: &str, name: &str) -> String {
    let (base, query) = url.split_once('?').map_or((url, None), |(base, query)| (base, Some(query)));
    let (scheme, rest) = base.split_once("://").expect("a URL");
    let authority = rest.split('/').next().unwrap_or(rest);
    let query = query.map_or_else(String::new, |query| format!("?{query}"));
    format!("{scheme}://{authority}/{name}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_given_another_database() {
        for (url, expected) in [
            ("mysql://a:b@host:1", "mysql://a:b@host:1/new"),
            ("mysql://a:b@host:1/", "mysql://a:b@host:1/new"),
            ("mysql://a:b@host:1/old?ssl-ca=/etc/ca.pem", "mysql://a:b@host:1/new?ssl-ca=/etc/ca.pem"),
        ] {
            assert_eq!(with_database(url, "new"), expected);
        }
    }

    #[tokio::test]
    async fn it_is_empty_and_then_gone() {
        let folder = tempfile::TempDir::new().unwrap();
        let database = TestDatabase::new(&folder.path().join("test.db")).await;
        // The file is made by who uses it.
        std::fs::File::create(folder.path().join("test.db")).unwrap();
        let mut connection = database.connect().await;
        connection.execute("CREATE TABLE notes (body VARCHAR(10))").await;
        assert_eq!(connection.execute("INSERT INTO notes VALUES ('a'), ('b')").await, 2);
        assert_eq!(connection.count("SELECT COUNT(*) FROM notes").await, 2);
        assert_eq!(connection.texts("SELECT body FROM notes ORDER BY body").await, ["a", "b"]);
        let mut other = database.connect().await;
        assert!(connection.try_lock("notes").await && !other.try_lock("notes").await);
        connection.unlock().await;
        assert!(other.try_lock("notes").await);
        other.unlock().await;
        let url = database.url().to_owned();
        drop((connection, other, database));
        if Engine::under_test() != Engine::Sqlite {
            let gone = match TestConnection::try_open(&url).await {
                Ok(mut again) => again.try_execute("SELECT 1 FROM notes").await.is_err(),
                Err(_) => true,
            };
            assert!(gone);
        }
    }
}

//! Migrations, carried out: by one process at a time.

use std::time::Duration;

use sea_query::{Expr, ExprTrait, LikeExpr, Query};
use sqlx::migrate::{Migrate, MigrateError, Migration, Migrator};
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection, PgConnection, SqlSafeStr, SqliteConnection};

use super::{Applied, HISTORY, MigrationError, Migrations};
use crate::database::{Backend, Database, DatabaseError, Engine, Use, collation, mysql};

/// How often a process that waits for another one to migrate looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

impl Database {
    /// Brings the database up to date; answers what had to be done.
    ///
    /// On SQLite and PostgreSQL all of it is one transaction that takes a lock first: processes that start together migrate once,
    /// and a failure leaves everything as it was. MariaDB and MySQL commit with each change of a table.
    pub async fn migrate(&self, all: &[Migrations]) -> Result<Vec<Applied>, MigrationError> {
        self.require_no_unfinished_copy().await?;
        self.run_migrations(all, false).await
    }

    /// The same, also in the middle of a copy.
    pub(in crate::database) async fn migrate_unguarded(
        &self,
        all: &[Migrations],
    ) -> Result<Vec<Applied>, MigrationError> {
        self.run_migrations(all, false).await
    }

    /// The same; and a migration that stopped half way is carried out again, where the engine could not roll it back.
    pub async fn resume_migrating(&self, all: &[Migrations]) -> Result<Vec<Applied>, MigrationError> {
        self.require_no_unfinished_copy().await?;
        self.run_migrations(all, true).await
    }

    async fn require_no_unfinished_copy(&self) -> Result<(), MigrationError> {
        match self.is_unfinished_copy().await? {
            true => Err(MigrationError::UnfinishedCopy),
            false => Ok(()),
        }
    }

    async fn run_migrations(&self, all: &[Migrations], resume: bool) -> Result<Vec<Applied>, MigrationError> {
        // A connection of its own, without a limit of time, and closed when it is done.
        let done = match &self.0.backend {
            Backend::Sqlite(file) => on_sqlite(file.pools.of(Use::Write).acquire().await?.get()?, all).await,
            Backend::MySql(pools) => {
                on_mysql(pools.of(Use::Write).acquire().await?.get()?, all, resume).await
            }
            Backend::Postgres(pools) => on_postgres(pools.of(Use::Write).acquire().await?.get()?, all).await,
        }?;
        self.check_collations().await?;
        Ok(done)
    }

    /// What [`Self::migrate`] would do.
    pub async fn pending(&self, all: &[Migrations]) -> Result<Vec<Applied>, MigrationError> {
        let known = self.owners().await?;
        let mut pending = Vec::new();
        for migrations in all {
            let mut applied: Vec<(i64,)> = Vec::new();
            if known.iter().any(|owner| owner == migrations.owner) {
                let history = format!("{HISTORY}{}", migrations.owner);
                let versions = Query::select().column("version").from(history).take();
                applied = self.fetch_all(&versions).await?;
            }
            let files = migrations.files(self.engine())?;
            let is_new = |file: &Migration| applied.iter().all(|(version,)| *version != file.version);
            pending
                .extend(files.into_iter().filter(is_new).map(|file| Applied::new(migrations.owner, &file)));
        }
        Ok(pending)
    }

    /// Whose migrations were carried out here.
    pub async fn owners(&self) -> Result<Vec<String>, DatabaseError> {
        let histories = self.tables_beginning_with(HISTORY).await?;
        Ok(histories.iter().filter_map(|table| table.strip_prefix(HISTORY)).map(str::to_owned).collect())
    }

    /// The tables whose names begin so.
    pub(in crate::database) async fn tables_beginning_with(
        &self,
        beginning: &str,
    ) -> Result<Vec<String>, DatabaseError> {
        let begins_so = |column: &'static str| {
            Expr::col(column).like(LikeExpr::new(format!("{}%", beginning.replace('_', "!_"))).escape('!'))
        };
        let mut names = Query::select();
        match self.engine() {
            Engine::Sqlite => {
                names.column("name").from("sqlite_master").and_where(Expr::col("type").eq("table"));
                names.and_where(begins_so("name"));
            }
            Engine::MySql | Engine::Postgres => {
                let place = if self.engine() == Engine::MySql { "DATABASE()" } else { "current_schema()" };
                names
                    .expr(Expr::cust("CAST(table_name AS CHAR(200))"))
                    .from(("information_schema", "tables"))
                    .and_where(Expr::col("table_schema").eq(Expr::cust(place)))
                    .and_where(begins_so("table_name"));
            }
        }
        let tables: Vec<(String,)> = self.fetch_all(&names).await?;
        Ok(tables.into_iter().map(|(table,)| table.trim_end().to_owned()).collect())
    }
}

pub(in crate::database) async fn on_sqlite(
    connection: &mut SqliteConnection,
    all: &[Migrations],
) -> Result<Vec<Applied>, MigrationError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let done = run_all(all, Engine::Sqlite, &mut *transaction).await?;
    transaction.commit().await?;
    Ok(done)
}

async fn on_postgres(
    connection: &mut PgConnection,
    all: &[Migrations],
) -> Result<Vec<Applied>, MigrationError> {
    let mut transaction = connection.begin().await?;
    // A number of our own, and that of the schema: in others others may migrate.
    let lock = "SELECT pg_try_advisory_xact_lock(1936028276, hashtext(current_schema()))";
    while !sqlx::query_scalar::<_, bool>(lock).fetch_one(&mut *transaction).await? {
        wait_for_the_other().await;
    }
    sqlx::raw_sql("SET LOCAL lock_timeout = 0").execute(&mut *transaction).await?;
    let done = run_all(all, Engine::Postgres, &mut *transaction).await?;
    transaction.commit().await?;
    Ok(done)
}

async fn on_mysql(
    connection: &mut MySqlConnection,
    all: &[Migrations],
    resume: bool,
) -> Result<Vec<Applied>, MigrationError> {
    // Names of locks are those of the whole server, and have 64 letters at most. It goes with the connection.
    let lock = "SELECT COALESCE(GET_LOCK(CONCAT('servertree-migrate-', SHA1(DATABASE())), 0), 0) = 1";
    while !sqlx::query_scalar::<_, bool>(lock).fetch_one(&mut *connection).await? {
        wait_for_the_other().await;
    }
    if resume {
        forget_half_done(connection, all).await?;
    }
    let version: String = sqlx::query_scalar("SELECT VERSION()").fetch_one(&mut *connection).await?;
    match mysql::Flavour::of(&version) {
        mysql::Flavour::MariaDb => run_all(all, Engine::MySql, connection).await,
        mysql::Flavour::MySql => {
            let mut done = Vec::new();
            for migrations in all {
                let files = migrations.files(Engine::MySql)?.into_iter().map(in_words_of_mysql).collect();
                done.extend(run(migrations.owner, files, Engine::MySql, connection).await?);
            }
            Ok(done)
        }
    }
}

/// The same migration, with the same checksum: MySQL has another name for our collation.
fn in_words_of_mysql(mut migration: Migration) -> Migration {
    let sql = migration.sql.as_str().replace(collation::OF_MARIADB, collation::OF_MYSQL);
    migration.sql = AssertSqlSafe(sql).into_sql_str();
    migration
}

/// So that they are carried out again. The rules of migrations have each of them do no harm if it is.
async fn forget_half_done(
    connection: &mut MySqlConnection,
    all: &[Migrations],
) -> Result<(), MigrationError> {
    for migrations in all {
        let history = format!("{HISTORY}{}", migrations.owner);
        let refused = |source| MigrationError::Stopped { owner: migrations.owner, source };
        connection.ensure_migrations_table(&history).await.map_err(refused)?;
        let forget = AssertSqlSafe(format!("DELETE FROM {history} WHERE success = FALSE"));
        sqlx::raw_sql(forget).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn wait_for_the_other() {
    tracing::info!("another process migrates the database; waiting for it");
    tokio::time::sleep(LOOK_AGAIN).await;
}

async fn run_all<C: Migrate>(
    all: &[Migrations],
    engine: Engine,
    connection: &mut C,
) -> Result<Vec<Applied>, MigrationError> {
    let mut done = Vec::new();
    for migrations in all {
        done.extend(run(migrations.owner, migrations.files(engine)?, engine, connection).await?);
    }
    Ok(done)
}

async fn run<C: Migrate>(
    owner: &'static str,
    migrations: Vec<Migration>,
    engine: Engine,
    connection: &mut C,
) -> Result<Vec<Applied>, MigrationError> {
    let refused = |source| match source {
        MigrateError::VersionMissing(version) => MigrationError::Newer { owner, version },
        MigrateError::VersionMismatch(version) => MigrationError::Edited { owner, version },
        MigrateError::Dirty(version) => MigrationError::HalfDone { owner, version },
        source if engine == Engine::MySql => MigrationError::Stopped { owner, source },
        source => MigrationError::Refused { owner, source },
    };
    let mut migrator = Migrator::with_migrations(migrations);
    let history = format!("{HISTORY}{owner}");
    migrator.dangerous_set_table_name(history.clone());
    // Ours is for all owners together.
    migrator.set_locking(false);
    connection.ensure_migrations_table(&history).await.map_err(refused)?;
    let before = connection.list_applied_migrations(&history).await.map_err(refused)?;
    migrator.run_direct(None, connection, false).await.map_err(refused)?;
    let is_new = |migration: &&Migration| before.iter().all(|applied| applied.version != migration.version);
    Ok(migrator.iter().filter(is_new).map(|migration| Applied::new(owner, migration)).collect())
}

//! PostgreSQL.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgSeverity};
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection};

use super::engine::{Pools, Target, check_parameters};
use super::error::Refusal;
use super::pool::Pool;
use super::{ConnectError, Settings};

/// The oldest that is tested with what ServerTree uses.
const NEEDED: (&str, i32) = ("PostgreSQL 14", 140_000);

/// What a URL may say after its `?`: sqlx reads over anything else, and a mistyped `sslmode` would leave the way open.
const PARAMETERS: [&str; 11] = [
    "host",
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "options",
    "statement-cache-capacity",
];

const EXAMPLE: &str = "postgres://servertree:PASSWORD@db.example.org:5432/servertree";

pub(super) async fn open(settings: &Settings) -> Result<Pools<PgConnection>, ConnectError> {
    let pools = Pools::open(settings, async |target| pool(&target, settings.lock_wait()).await).await?;
    let primary = options("database.url", &settings.url)?;
    let server = Server::ask(&pools.write).await.map_err(|error| refused("database.url", &primary, error))?;
    let found = format!("PostgreSQL {}", server.version.split(' ').next().unwrap_or_default());
    let (needed, least) = NEEDED;
    if server.number < least {
        return Err(ConnectError::TooOld { found, needed });
    }
    let place = format!("{}/{}", place(&primary), primary.get_database().unwrap_or_default());
    if server.encoding != "UTF8" {
        return Err(ConnectError::Encoding { place, encoding: server.encoding });
    }
    Ok(Pools { description: format!("{found} at {place}"), ..pools })
}

/// What a server says of itself.
#[derive(sqlx::FromRow)]
struct Server {
    number: i32,
    version: String,
    encoding: String,
}

impl Server {
    async fn ask(pool: &Pool<PgConnection>) -> Result<Self, sqlx::Error> {
        let mut lent = pool.acquire().await?;
        let ask = "SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS version, \
                   current_setting('server_encoding') AS encoding";
        let server =
            lent.run(None, async |connection| sqlx::query_as(ask).fetch_one(connection).await).await?;
        lent.put_back();
        Ok(server)
    }
}

fn options(key: &'static str, url: &str) -> Result<PgConnectOptions, ConnectError> {
    let malformed = |fault: String| ConnectError::Malformed { key, fault, example: EXAMPLE };
    check_parameters(url, &PARAMETERS).map_err(malformed)?;
    // What it says of a URL that it cannot read may hold the password.
    let options = PgConnectOptions::from_str(url).map_err(|_| {
        malformed("it is no URL, or a parameter of it has a value that is unknown".to_owned())
    })?;
    if options.get_database().is_none_or(str::is_empty) {
        return Err(malformed("it names no database".to_owned()));
    }
    Ok(options.application_name("servertree"))
}

fn place(options: &PgConnectOptions) -> String {
    format!("{}:{}", options.get_host(), options.get_port())
}

async fn pool(target: &Target<'_>, lock_wait: Duration) -> Result<Pool<PgConnection>, ConnectError> {
    let options = options(target.key, target.url)?;
    // Rows with one of many ids are found by a hash table of those, if it is thought to fit into memory; else all ids are read for
    // each row, which with 100,000 of each takes minutes. By default 8 MiB fit, for some 100,000.
    let mut session = format!(
        "SET default_transaction_isolation = 'read committed'; SET lock_timeout = {}; SET TimeZone = 'UTC'; \
         SET client_min_messages = 'warning'; SET hash_mem_multiplier = 64",
        lock_wait.as_millis()
    );
    if target.read_only {
        // The engine itself keeps readers from writing.
        session += "; SET default_transaction_read_only = on";
    }
    let connector = options.clone();
    let connect = move || {
        let (options, session) = (connector.clone(), session.clone());
        Box::pin(async move {
            let mut connection = options.connect().await?;
            sqlx::raw_sql(AssertSqlSafe(session)).execute(&mut connection).await?;
            Ok(connection)
        }) as _
    };
    Pool::open(target.keeping, Box::new(connect)).await.map_err(|error| refused(target.key, &options, error))
}

fn refused(key: &'static str, options: &PgConnectOptions, error: sqlx::Error) -> ConnectError {
    let place = place(options);
    let sqlx::Error::Database(refusal) = &error else {
        return ConnectError::Unreachable { key, place, source: error };
    };
    let database = options.get_database().unwrap_or_default();
    let remedy = match refusal.code().as_deref().unwrap_or_default() {
        "28P01" | "28000" => {
            format!("Check user and password in {key}; special characters in them are percent-encoded")
        }
        "3D000" => format!("Create it: CREATE DATABASE {database} ENCODING 'UTF8' TEMPLATE template0"),
        "42501" => format!("GRANT ALL ON DATABASE {database} to the user in {key}"),
        _ => format!("Check {key}"),
    };
    ConnectError::Refused { place, reason: refusal.message().to_owned(), remedy }
}

/// What the code of an error means (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
pub(super) fn refusal(code: &str, constraint: Option<&str>) -> Refusal {
    match code {
        "23505" => Refusal::Unique(constraint.unwrap_or_default().to_owned()),
        // Serialization failure, deadlock, a wait for a lock that took too long.
        "40001" | "40P01" | "55P03" => Refusal::Contended,
        // Read-only: it is not the primary any more. Cancelled, or the server shuts down. 08: connections; 53: resources.
        "25006" | "57014" | "57P01" | "57P02" | "57P03" | "57P05" | "58030" => Refusal::Unavailable,
        code if code.starts_with("08") || code.starts_with("53") => Refusal::Unavailable,
        _ => Refusal::Other,
    }
}

/// Whether the server closes the connection after it.
pub(super) fn ends_connection(severity: PgSeverity) -> bool {
    matches!(severity, PgSeverity::Fatal | PgSeverity::Panic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_not_repeated() {
        for url in
            ["postgres://root:hunter2@host:port/db", "postgres://root:hunter2@host/db?ssl_mode=require"]
        {
            let error = options("database.url", url).unwrap_err().to_string();
            assert!(!error.contains("hunter2") && error.starts_with("database.url"), "{error}");
        }
    }
}

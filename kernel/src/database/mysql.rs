//! MariaDB and MySQL.

use std::str::FromStr;
use std::time::Duration;

use sqlx::mysql::MySqlConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, MySqlConnection};

use super::engine::{Pools, Target, check_parameters};
use super::error::Refusal;
use super::pool::Pool;
use super::{ConnectError, Settings};

/// The first with SKIP LOCKED.
const NEEDED_MARIADB: (&str, (u32, u32)) = ("MariaDB 10.6", (10, 6));
const NEEDED_MYSQL: (&str, (u32, u32)) = ("MySQL 8.0", (8, 0));

/// What a URL may say after its `?`: sqlx reads over anything else, and a mistyped `ssl-mode` would leave the way open.
const PARAMETERS: [&str; 10] = [
    "socket",
    "ssl-mode",
    "sslmode",
    "ssl-ca",
    "sslca",
    "ssl-cert",
    "sslcert",
    "ssl-key",
    "sslkey",
    "statement-cache-capacity",
];

const EXAMPLE: &str = "mysql://servertree:PASSWORD@db.example.org:3306/servertree";

/// Which of the two it is: they differ in names of collations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Flavour {
    MariaDb,
    MySql,
}

pub(super) async fn open(settings: &Settings) -> Result<Pools<MySqlConnection>, ConnectError> {
    let pools = Pools::open(settings, async |target| pool(&target, settings.lock_wait()).await).await?;
    let primary = options("database.url", &settings.url)?;
    let version = version(&pools.write).await.map_err(|error| refused("database.url", &primary, error))?;
    let (flavour, number) = parse_version(&version);
    let (name, (needed, least)) = match flavour {
        Flavour::MariaDb => ("MariaDB", NEEDED_MARIADB),
        Flavour::MySql => ("MySQL", NEEDED_MYSQL),
    };
    let found = format!("{name} {}", version.split('-').next().unwrap_or_default());
    if number < least {
        return Err(ConnectError::TooOld { found, needed });
    }
    let database = primary.get_database().unwrap_or_default();
    let description = format!("{found} at {}/{database}", place(&primary));
    Ok(Pools { description, ..pools })
}

fn options(key: &'static str, url: &str) -> Result<MySqlConnectOptions, ConnectError> {
    let malformed = |fault: String| ConnectError::Malformed { key, fault, example: EXAMPLE };
    check_parameters(url, &PARAMETERS).map_err(malformed)?;
    let url = url.replacen("mariadb://", "mysql://", 1);
    // What it says of a URL that it cannot read may hold the password.
    let options = MySqlConnectOptions::from_str(&url).map_err(|_| {
        malformed("it is no URL, or a parameter of it has a value that is unknown".to_owned())
    })?;
    if options.get_database().is_none_or(str::is_empty) {
        return Err(malformed("it names no database".to_owned()));
    }
    Ok(options.timezone(None::<String>).pipes_as_concat(false).no_engine_substitution(false))
}

fn place(options: &MySqlConnectOptions) -> String {
    format!("{}:{}", options.get_host(), options.get_port())
}

async fn pool(target: &Target<'_>, lock_wait: Duration) -> Result<Pool<MySqlConnection>, ConnectError> {
    let options = options(target.key, target.url)?;
    // READ COMMITTED: what others wrote before a statement is seen by it, and gaps between rows are not locked. What is too long or
    // out of range is refused rather than cut off.
    let mut session = format!(
        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED; \
         SET SESSION innodb_lock_wait_timeout = {}, \
         sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO,NO_ZERO_DATE,NO_ZERO_IN_DATE'",
        lock_wait.as_secs()
    );
    if target.read_only {
        // The engine itself keeps readers from writing.
        session += "; SET SESSION TRANSACTION READ ONLY";
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

async fn version(pool: &Pool<MySqlConnection>) -> Result<String, sqlx::Error> {
    let mut lent = pool.acquire().await?;
    let version = lent
        .run(None, async |connection| sqlx::query_scalar("SELECT VERSION()").fetch_one(connection).await)
        .await?;
    lent.put_back();
    Ok(version)
}

impl Flavour {
    /// By what `VERSION()` says.
    pub(super) fn of(version: &str) -> Self {
        if version.contains("MariaDB") { Self::MariaDb } else { Self::MySql }
    }
}

/// `10.11.6-MariaDB-0+deb12u1`, `8.0.36`.
fn parse_version(version: &str) -> (Flavour, (u32, u32)) {
    let flavour = Flavour::of(version);
    // What old clients were told, so that they would not think it is MySQL 5.
    let version = version.trim_start_matches("5.5.5-");
    let mut parts = version.split(['.', '-']).map(|part| part.parse().unwrap_or(0));
    (flavour, (parts.next().unwrap_or(0), parts.next().unwrap_or(0)))
}

fn refused(key: &'static str, options: &MySqlConnectOptions, error: sqlx::Error) -> ConnectError {
    let place = place(options);
    let sqlx::Error::Database(refusal) = &error else {
        return ConnectError::Unreachable { key, place, source: error };
    };
    let number =
        refusal.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>().map_or(0, |error| error.number());
    let database = options.get_database().unwrap_or_default();
    let remedy = match number {
        1044 | 1142 | 1227 => format!("GRANT ALL ON {database}.* to the user in {key}"),
        1045 | 1698 => {
            format!("Check user and password in {key}; special characters in them are percent-encoded")
        }
        1049 => format!("Create it: CREATE DATABASE {database} CHARACTER SET utf8mb4"),
        _ => format!("Check {key}"),
    };
    ConnectError::Refused { place, reason: refusal.message().to_owned(), remedy }
}

/// What the number of an error means (<https://mariadb.com/kb/en/mariadb-error-code-reference/>).
pub(super) fn refusal(number: u16, message: &str) -> Refusal {
    match number {
        1062 | 1586 => Refusal::Unique(unique_index(message)),
        // A snapshot that is out of date, a wait for a lock that took too long, a deadlock, a row that somebody has.
        1020 | 1205 | 1213 | 3572 => Refusal::Contended,
        // Full, too many connections, shutting down, read-only, killed.
        1021
        | 1040
        | 1053
        | 1077..=1079
        | 1114
        | 1129
        | 1203
        | 1290
        | 1317
        | 1792
        | 1836
        | 1927
        | 1969
        | 3024 => Refusal::Unavailable,
        _ => Refusal::Other,
    }
}

/// Whether the server closes the connection after it.
pub(super) fn ends_connection(number: u16) -> bool {
    matches!(number, 1053 | 1077..=1079 | 1927)
}

/// Out of `Duplicate entry 'web-1' for key 'ux_servers_live_name'`; MySQL puts the table before it. The entry is what somebody sent.
fn unique_index(message: &str) -> String {
    let (_, key) = message.rsplit_once(" for key '").unwrap_or_default();
    let key = key.trim_end_matches('\'');
    key.rsplit_once('.').map_or(key, |(_, index)| index).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_is_found_whatever_was_entered() {
        assert_eq!(unique_index("Duplicate entry 'a' for key 'b'' for key 'ux_t_a'"), "ux_t_a");
        assert_eq!(
            unique_index("Duplicate entry 'web.1' for key 'servers.ux_servers_live_name'"),
            "ux_servers_live_name"
        );
        assert_eq!(unique_index("nonsense"), "");
    }

    #[test]
    fn versions_are_told_apart() {
        assert_eq!(parse_version("10.11.6-MariaDB-0+deb12u1"), (Flavour::MariaDb, (10, 11)));
        assert_eq!(parse_version("5.5.5-10.5.8-MariaDB"), (Flavour::MariaDb, (10, 5)));
        assert_eq!(parse_version("8.0.36"), (Flavour::MySql, (8, 0)));
        assert_eq!(parse_version(""), (Flavour::MySql, (0, 0)));
    }

    #[test]
    fn what_cannot_be_read_is_not_repeated() {
        for url in [
            "mysql://root:hunter2@host:port/db",
            "mysql://root:hunter2@host/db?ssl_mode=REQUIRED",
            "mysql://root:hunter2@host",
        ] {
            let error = options("database.url", url).unwrap_err().to_string();
            assert!(!error.contains("hunter2") && error.starts_with("database.url"), "{error}");
        }
    }
}

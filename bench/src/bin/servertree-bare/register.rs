//! Registering a server without credentials: two plain inserts in one transaction.

use std::sync::LazyLock;

use actix_web::error::ErrorInternalServerError;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use sqlx::Database;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{BEGIN, Db, Pools, dialect};
use crate::server::{OperatingSystem, Server};

static INSERT_SERVER: LazyLock<String> = LazyLock::new(|| {
    dialect(concat!(
        r#"INSERT INTO "servers" ("id", "created_at", "name", "cpu_cores", "ram_mib", "hdd_mib", "#,
        r#""environment", "os_name", "os_version", "os_architecture", "status", "discarded", "#,
        r#""revision", "modified_at", "os_name_key", "os_version_key", "os_architecture_key", "#,
        r#""search_key") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"#,
    ))
});

static INSERT_EVENT: LazyLock<String> = LazyLock::new(|| {
    dialect(concat!(
        r#"INSERT INTO "event_log" ("id", "source", "type", "subject", "revision", "sequence", "#,
        r#""schema_version", "time", "actor", "request_id", "traceparent", "data") VALUES (?, ?, ?, ?, "#,
        r#"?, ?, ?, ?, ?, ?, ?, ?)"#,
    ))
});

/// The body of the request.
#[derive(Deserialize)]
pub struct Specification {
    name: String,
    cpu_cores: i64,
    ram_mib: i64,
    hdd_mib: i64,
    environment: String,
    operating_system: OperatingSystem,
}

#[derive(Serialize)]
struct Registered<'a> {
    name: &'a str,
    cpu_cores: i64,
    ram_mib: i64,
    hdd_mib: i64,
    environment: &'a str,
    operating_system: &'a OperatingSystem,
    status: &'a str,
}

/// Enters a server, and the event that tells of it.
pub async fn register_server(
    pools: web::Data<Pools>,
    body: web::Json<Specification>,
) -> actix_web::Result<HttpResponse> {
    let server = stopped(body.into_inner());
    insert(&pools, &server).await.map_err(ErrorInternalServerError)?;
    Ok(HttpResponse::Created().json(server))
}

#[expect(clippy::disallowed_methods, reason = "no port of ServerTree's kernel is here to take them from")]
fn stopped(specification: Specification) -> Server {
    let now = i64::try_from(OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX);
    Server {
        id: Uuid::now_v7(),
        name: specification.name,
        cpu_cores: specification.cpu_cores,
        ram_mib: specification.ram_mib,
        hdd_mib: specification.hdd_mib,
        environment: specification.environment,
        operating_system: specification.operating_system,
        status: "stopped".to_owned(),
        credentials: Vec::new(),
        applications: Vec::new(),
        discarded: false,
        revision: 1,
        created_at: now,
        modified_at: now,
    }
}

async fn insert(pools: &Pools, server: &Server) -> sqlx::Result<()> {
    let system = &server.operating_system;
    let [name, environment, os_name, os_version, os_architecture] =
        [&server.name, &server.environment, &system.name, &system.version, &system.architecture]
            .map(|text| text.to_lowercase());
    let search_key =
        [name, environment, os_name.clone(), os_version.clone(), os_architecture.clone()].join("\n");
    let mut transaction = pools.writer.begin_with(BEGIN).await?;
    sqlx::query(INSERT_SERVER.as_str())
        .bind(server.id)
        .bind(server.created_at)
        .bind(&server.name)
        .bind(server.cpu_cores)
        .bind(server.ram_mib)
        .bind(server.hdd_mib)
        .bind(&server.environment)
        .bind(&system.name)
        .bind(&system.version)
        .bind(&system.architecture)
        .bind(&server.status)
        .bind(server.discarded)
        .bind(server.revision)
        .bind(server.modified_at)
        .bind(os_name)
        .bind(os_version)
        .bind(os_architecture)
        .bind(search_key)
        .execute(&mut *transaction)
        .await?;
    insert_event(&mut transaction, server).await?;
    transaction.commit().await
}

#[expect(clippy::disallowed_methods, reason = "no port of ServerTree's kernel is here to take ids from")]
async fn insert_event(connection: &mut <Db as Database>::Connection, server: &Server) -> sqlx::Result<()> {
    let data = Registered {
        name: &server.name,
        cpu_cores: server.cpu_cores,
        ram_mib: server.ram_mib,
        hdd_mib: server.hdd_mib,
        environment: &server.environment,
        operating_system: &server.operating_system,
        status: &server.status,
    };
    let data = serde_json::to_string(&data).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query(INSERT_EVENT.as_str())
        .bind(Uuid::now_v7())
        .bind("/servertree/server")
        .bind("server.registered")
        .bind(server.id)
        .bind(server.revision)
        .bind(0_i64)
        .bind(1_i64)
        .bind(server.created_at)
        .bind("local-operator")
        .bind(Uuid::now_v7().to_string())
        .bind(None::<String>)
        .bind(data)
        .execute(connection)
        .await?;
    Ok(())
}

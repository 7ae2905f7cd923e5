//! One server, by its id.

use std::sync::LazyLock;

use actix_web::error::{ErrorInternalServerError, ErrorNotFound};
use actix_web::{HttpResponse, web};
use sqlx::{Database, FromRow, Row};
use uuid::Uuid;

use super::{Db, Pools, dialect};
use crate::server::{Credential, Server};

/// A row for each credential, or one without.
static FIND: LazyLock<String> = LazyLock::new(|| {
    dialect(concat!(
        r#"SELECT "servers"."id", "servers"."created_at", "servers"."name", "servers"."cpu_cores", "#,
        r#""servers"."ram_mib", "servers"."hdd_mib", "servers"."environment", "servers"."os_name", "#,
        r#""servers"."os_version", "servers"."os_architecture", "servers"."status", "servers"."discarded", "#,
        r#""servers"."revision", "servers"."modified_at", "#,
        r#""server_credentials"."connection_type", "server_credentials"."username", "#,
        r#""server_credentials"."local_ip", "server_credentials"."local_port", "#,
        r#""server_credentials"."public_ip", "server_credentials"."public_port", "server_credentials"."id" "#,
        r#"AS "credential_id", "server_credentials"."password_key" IS NOT NULL AS "has_password" FROM "#,
        r#""servers" LEFT JOIN "server_credentials" ON "server_credentials"."server_id" = "servers"."id" "#,
        r#"WHERE "servers"."id" = ? ORDER BY "server_credentials"."id" ASC"#,
    ))
});

/// Answers the server with this id.
pub async fn find_server(pools: web::Data<Pools>, id: web::Path<Uuid>) -> actix_web::Result<HttpResponse> {
    let rows = sqlx::query(FIND.as_str())
        .bind(*id)
        .fetch_all(&pools.readers)
        .await
        .map_err(ErrorInternalServerError)?;
    let server = server(&rows).map_err(ErrorInternalServerError)?;
    let server = server.ok_or_else(|| ErrorNotFound("no such server"))?;
    Ok(HttpResponse::Ok().json(server))
}

/// What it says of the server each row says again: only the first is asked.
fn server(rows: &[<Db as Database>::Row]) -> sqlx::Result<Option<Server>> {
    let Some(first) = rows.first() else { return Ok(None) };
    let mut server = Server::from_row(first)?;
    if first.try_get::<Option<Uuid>, _>("credential_id")?.is_some() {
        server.credentials = rows.iter().map(Credential::from_row).collect::<sqlx::Result<_>>()?;
    }
    Ok(Some(server))
}

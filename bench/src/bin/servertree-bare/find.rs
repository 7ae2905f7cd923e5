//! One server, by its id.

use std::sync::LazyLock;

use actix_web::error::{ErrorInternalServerError, ErrorNotFound};
use actix_web::{HttpResponse, web};
use sqlx::{Database, FromRow, Row};
use uuid::Uuid;

use super::{Db, Pools, dialect};
use crate::server::{Credential, Installation, Server, credential_columns, installation_columns};

macro_rules! server_columns {
    () => {
        concat!(
            r#"SELECT "servers"."id", "servers"."created_at", "servers"."name", "servers"."cpu_cores", "#,
            r#""servers"."ram_mib", "servers"."hdd_mib", "servers"."environment", "servers"."os_name", "#,
            r#""servers"."os_version", "servers"."os_architecture", "servers"."status", "servers"."discarded", "#,
            r#""servers"."revision", "servers"."modified_at", "#,
        )
    };
}

/// A row for each credential, or one without, and a row for each installation.
static FIND: LazyLock<String> = LazyLock::new(|| {
    dialect(concat!(
        server_columns!(),
        credential_columns!(),
        r#" FROM "servers" LEFT JOIN "server_credentials" ON "server_credentials"."server_id" = "servers"."id" "#,
        r#"WHERE "servers"."id" = ? UNION ALL "#,
        server_columns!(),
        installation_columns!(),
        r#" WHERE "servers"."id" = ?"#,
    ))
});

/// Answers the server with this id.
pub async fn find_server(pools: web::Data<Pools>, id: web::Path<Uuid>) -> actix_web::Result<HttpResponse> {
    let rows = sqlx::query(FIND.as_str())
        .bind(*id)
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
    for row in rows {
        if row.try_get::<Option<Uuid>, _>("credential_id")?.is_some() {
            server.credentials.push(Credential::from_row(row)?);
        } else if row.try_get::<Option<Uuid>, _>("application_id")?.is_some() {
            server.applications.push(Installation::from_row(row)?);
        }
    }
    Ok(Some(server))
}

//! The first page of the list.

use std::collections::HashMap;
use std::sync::LazyLock;

use actix_web::error::ErrorInternalServerError;
use actix_web::{HttpResponse, web};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use sqlx::{AssertSqlSafe, Database, FromRow, Row};
use uuid::Uuid;

use super::{Db, Pools, dialect};
use crate::server::{Credential, Installation, Server, credential_columns, installation_columns};

static LIST: LazyLock<String> = LazyLock::new(|| {
    dialect(concat!(
        r#"SELECT "servers"."id", "servers"."created_at", "servers"."name", "servers"."cpu_cores", "#,
        r#""servers"."ram_mib", "servers"."hdd_mib", "servers"."environment", "servers"."os_name", "#,
        r#""servers"."os_version", "servers"."os_architecture", "servers"."status", "servers"."discarded", "#,
        r#""servers"."revision", "servers"."modified_at", (SELECT COUNT(*) FROM "servers" WHERE "#,
        r#""discarded" = ?) AS "total" FROM "servers" WHERE "discarded" = ? ORDER BY "name_key" ASC, "id" "#,
        r#"ASC LIMIT ? OFFSET ?"#,
    ))
});

/// A row for each credential, or one without. A placeholder for each server follows.
const CREDENTIALS: &str = concat!(
    r#"SELECT "servers"."id", "servers"."revision", "#,
    credential_columns!(),
    r#" FROM "servers" LEFT JOIN "server_credentials" ON "server_credentials"."server_id" = "servers"."id" "#,
    r#"WHERE "servers"."id" IN ("#,
);

/// A row for each installation. A placeholder for each server follows.
const INSTALLATIONS: &str = concat!(
    r#") UNION ALL SELECT "servers"."id", "servers"."revision", "#,
    installation_columns!(),
    r#" WHERE "servers"."id" IN ("#,
);

/// Servers on a page.
const LIMIT: i64 = 25;

#[derive(FromRow)]
struct Counted {
    #[sqlx(flatten)]
    server: Server,
    total: i64,
}

#[derive(Serialize)]
struct Page {
    items: Vec<Server>,
    total: i64,
    limit: i64,
    offset: i64,
    prev_offset: Option<i64>,
    next_offset: Option<i64>,
    prev_cursor: Option<String>,
    next_cursor: Option<String>,
}

/// Answers the first page of the list by name, with the count of all.
pub async fn list_servers(pools: web::Data<Pools>) -> actix_web::Result<HttpResponse> {
    let page = page(&pools).await.map_err(ErrorInternalServerError)?;
    Ok(HttpResponse::Ok().json(page))
}

/// Both statements on one connection. Nobody looks whether they agree: what it costs ServerTree to do so is to be seen.
async fn page(pools: &Pools) -> sqlx::Result<Page> {
    let mut connection = pools.readers.acquire().await?;
    let mut rows: Vec<Counted> = sqlx::query_as(LIST.as_str())
        .bind(false)
        .bind(false)
        .bind(LIMIT + 1)
        .bind(0_i64)
        .fetch_all(&mut *connection)
        .await?;
    let total = rows.first().map_or(0, |row| row.total);
    let wanted = usize::try_from(LIMIT).unwrap_or(usize::MAX);
    let has_next = rows.len() > wanted;
    rows.truncate(wanted);
    let mut items: Vec<Server> = rows.into_iter().map(|row| row.server).collect();
    add_parts(&mut items, &mut connection).await?;
    Ok(Page {
        total,
        limit: LIMIT,
        offset: 0,
        prev_offset: None,
        next_offset: has_next.then_some(LIMIT),
        prev_cursor: None,
        next_cursor: items.last().filter(|_| has_next).map(cursor),
        items,
    })
}

async fn add_parts(
    servers: &mut [Server],
    connection: &mut <Db as Database>::Connection,
) -> sqlx::Result<()> {
    let placeholders = vec!["?"; servers.len()].join(", ");
    let select = dialect(&format!("{CREDENTIALS}{placeholders}{INSTALLATIONS}{placeholders})"));
    let ids = servers.iter().chain(servers.iter()).map(|server| server.id);
    let select = ids.fold(sqlx::query(AssertSqlSafe(select)), |select, id| select.bind(id));
    let mut parts: HashMap<Uuid, (Vec<Credential>, Vec<Installation>)> = HashMap::new();
    for row in select.fetch_all(connection).await? {
        let (credentials, installations) = parts.entry(row.try_get("id")?).or_default();
        if row.try_get::<Option<Uuid>, _>("credential_id")?.is_some() {
            credentials.push(Credential::from_row(&row)?);
        } else if row.try_get::<Option<Uuid>, _>("application_id")?.is_some() {
            installations.push(Installation::from_row(&row)?);
        }
    }
    for server in servers {
        (server.credentials, server.applications) = parts.remove(&server.id).unwrap_or_default();
    }
    Ok(())
}

/// As long as ServerTree's, which also names the list it belongs to.
fn cursor(last: &Server) -> String {
    let (name, id, list) = (last.name.to_ascii_lowercase(), last.id, u64::MAX);
    URL_SAFE_NO_PAD.encode(format!(r#"{{"p":[{{"t":"{name}"}},{{"u":"{id}"}}],"b":false,"f":{list}}}"#))
}

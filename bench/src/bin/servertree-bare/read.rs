//! The two ways to look: one server, and the first page of the list.

use actix_web::error::{ErrorInternalServerError, ErrorNotFound};
use actix_web::{HttpResponse, web};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use sqlx::FromRow;
use uuid::Uuid;

use crate::pools::Pools;
use crate::server::Server;

const FIND: &str = concat!(
    r#"SELECT "id", "created_at", "name", "cpu_cores", "ram_mib", "hdd_mib", "environment", "#,
    r#""os_name", "os_version", "os_architecture", "status", "discarded", "revision", "modified_at" "#,
    r#"FROM "servers" WHERE "id" = ?"#,
);

const LIST: &str = concat!(
    r#"SELECT "id", "created_at", "name", "cpu_cores", "ram_mib", "hdd_mib", "environment", "#,
    r#""os_name", "os_version", "os_architecture", "status", "discarded", "revision", "#,
    r#""modified_at", (SELECT COUNT(*) FROM "servers" WHERE "discarded" = ?) AS "total" FROM "#,
    r#""servers" WHERE "discarded" = ? ORDER BY "name_key" ASC, "id" ASC LIMIT ? OFFSET ?"#,
);

/// Servers on a page.
const LIMIT: i64 = 25;

/// Answers the server with this id.
pub async fn find_server(pools: web::Data<Pools>, id: web::Path<Uuid>) -> actix_web::Result<HttpResponse> {
    let found: Option<Server> = sqlx::query_as(FIND)
        .bind(*id)
        .fetch_optional(&pools.readers)
        .await
        .map_err(ErrorInternalServerError)?;
    let server = found.ok_or_else(|| ErrorNotFound("no such server"))?;
    Ok(HttpResponse::Ok().json(server))
}

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
    let mut rows: Vec<Counted> = sqlx::query_as(LIST)
        .bind(false)
        .bind(false)
        .bind(LIMIT + 1)
        .bind(0)
        .fetch_all(&pools.readers)
        .await
        .map_err(ErrorInternalServerError)?;
    let total = rows.first().map_or(0, |row| row.total);
    let wanted = usize::try_from(LIMIT).unwrap_or(usize::MAX);
    let has_next = rows.len() > wanted;
    rows.truncate(wanted);
    let items: Vec<Server> = rows.into_iter().map(|row| row.server).collect();
    Ok(HttpResponse::Ok().json(Page {
        total,
        limit: LIMIT,
        offset: 0,
        prev_offset: None,
        next_offset: has_next.then_some(LIMIT),
        prev_cursor: None,
        next_cursor: items.last().filter(|_| has_next).map(cursor),
        items,
    }))
}

/// As long as ServerTree's, which also names the list it belongs to.
fn cursor(last: &Server) -> String {
    let (name, id, list) = (last.name.to_ascii_lowercase(), last.id, u64::MAX);
    URL_SAFE_NO_PAD.encode(format!(r#"{{"p":[{{"t":"{name}"}},{{"u":"{id}"}}],"b":false,"f":{list}}}"#))
}

//! The limit: three routes of ServerTree's API with actix-web and sqlx, and nothing around them. No log in, no layers, no
//! checks, no relay. It sends the SQL that ServerTree sends and answers the JSON that ServerTree answers, on a database that
//! ServerTree made: what ServerTree is slower by is what its own part costs.
//!
//! `servertree-bare DATABASE`, which is the URL of a server's or the file of SQLite. It takes any free port of loopback and says
//! which, as ServerTree does.
//!
//! Each engine has a module with its connections and what its SQL differs in. In it are `find`, `list`, `register` and
//! `routes` once more: the same files, where `Db` is another type. With type parameters each function would have a dozen bounds.
#![expect(
    clippy::expect_used,
    reason = "a program to compare with has nothing better to do than to end when it cannot start"
)]
#![expect(clippy::duplicate_mod, reason = "the routes, compiled for each engine")]

mod mysql;
mod pools;
mod postgres;
mod server;
mod sqlite;

use std::io;

use actix_web::web::{self, ServiceConfig};
use actix_web::{App, HttpResponse, HttpServer};

#[actix_web::main]
async fn main() -> io::Result<()> {
    let database =
        std::env::args().nth(1).expect("a database that ServerTree made: a URL, or the path of a file");
    let unusable = "a database that can be opened";
    match database.split_once("://").map(|(engine, _)| engine) {
        Some("mysql") => serve(mysql::routes(mysql::open(&database).await.expect(unusable))).await,
        Some("postgres") => serve(postgres::routes(postgres::open(&database).await.expect(unusable))).await,
        _ => serve(sqlite::routes(sqlite::open(&database).await.expect(unusable))).await,
    }
}

async fn serve(routes: impl Fn(&mut ServiceConfig) + Clone + Send + 'static) -> io::Result<()> {
    let server = HttpServer::new(move || {
        App::new().route("/health/ready", web::get().to(HttpResponse::Ok)).configure(routes.clone())
    })
    .bind(("127.0.0.1", 0))?;
    for address in server.addrs() {
        println!("API http://{address}/api/v1/");
    }
    server.run().await
}

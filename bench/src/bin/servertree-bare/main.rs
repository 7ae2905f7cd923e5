//! The limit: three routes of ServerTree's API with actix-web and sqlx, and nothing around them. No log in, no layers, no
//! checks, no relay. It sends the SQL that ServerTree sends and answers the JSON that ServerTree answers, on a database that
//! ServerTree made: what ServerTree is slower by is what its own part costs.
//!
//! `servertree-bare FILE`, the file being that database. It takes any free port of loopback and says which, as ServerTree
//! does.
#![expect(
    clippy::expect_used,
    reason = "a program to compare with has nothing better to do than to end when it cannot start"
)]

mod find;
mod list;
mod pools;
mod register;
mod server;

use std::path::Path;

use actix_web::{App, HttpResponse, HttpServer, web};
use pools::Pools;

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let file = std::env::args_os().nth(1).expect("the path of a database that ServerTree made");
    let pools = web::Data::new(Pools::open(Path::new(&file)).await.expect("a database that can be opened"));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(pools.clone())
            .route("/health/ready", web::get().to(HttpResponse::Ok))
            .route("/api/v1/servers/{id}", web::get().to(find::find_server))
            .route("/api/v1/servers", web::get().to(list::list_servers))
            .route("/api/v1/servers", web::post().to(register::register_server))
    })
    .bind(("127.0.0.1", 0))?;
    for address in server.addrs() {
        println!("API http://{address}/api/v1/");
    }
    server.run().await
}

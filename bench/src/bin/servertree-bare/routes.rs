//! Which request goes where.

use actix_web::web::{self, ServiceConfig};

use super::{Pools, find, list, register};

/// The routes, on these connections.
pub fn routes(pools: Pools) -> impl Fn(&mut ServiceConfig) + Clone {
    let pools = web::Data::new(pools);
    move |config| {
        config
            .app_data(pools.clone())
            .route("/api/v1/servers/{id}", web::get().to(find::find_server))
            .route("/api/v1/servers", web::get().to(list::list_servers))
            .route("/api/v1/servers", web::post().to(register::register_server));
    }
}

//! How the context is reached.

mod account;
mod permissions;
mod roles;
mod sessions;
mod users;

use utoipa_actix_web::service_config::ServiceConfig;

/// All routes.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .configure(account::routes)
        .configure(sessions::routes)
        .configure(users::routes)
        .configure(roles::routes)
        .configure(permissions::routes);
}

//! The HTTP server: middleware, the routes of the contexts, and those of the host itself.

mod authenticate;
mod client_address;
mod fallback;
pub mod health;
mod jwks;
mod metrics;
mod observe;
pub mod openapi;
mod pages;
mod problem_pages;

use std::io;
use std::net::TcpListener;
use std::rc::Rc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::middleware::{DefaultHeaders, from_fn};
use actix_web::{App, HttpServer, web};
use servertree_kernel::http::{API_BASE, BodyTimeout, render_problems};
use servertree_kernel::plugin::{Application, Context};
use servertree_kernel::problem::{Failure, NotFound};
use tokio::task::JoinHandle;
use utoipa_actix_web::{AppExt, scope, service_config::ServiceConfig};
use utoipa_swagger_ui::SwaggerUi;

use crate::config::HttpSettings;
use crate::metrics::Metrics;
use crate::start::StartError;
use client_address::TrustedProxies;
use fallback::RouteTable;
use metrics::RequestMetrics;

/// How long requests under way may take to end when the server stops. Shorter than the whole stop may take, so that
/// the rest of it still gets its turn.
const FINISH_WITHIN: Duration = Duration::from_secs(8);

/// A running server.
pub struct Server {
    handle: ServerHandle,
    task: JoinHandle<io::Result<()>>,
}

impl Server {
    /// Accepts no more connections and waits for the requests under way.
    pub async fn stop(&self) {
        self.handle.stop(true).await;
    }

    /// Waits until it ends by itself, which it should not; answers why.
    pub async fn ended(&mut self) -> String {
        match (&mut self.task).await {
            Ok(Ok(())) => "it ended".to_owned(),
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        }
    }
}

/// Starts to serve what `listener` accepts.
pub fn start(
    listener: TcpListener,
    settings: &HttpSettings,
    application: Application,
    needed: health::Needed,
    metrics: Metrics,
) -> Result<Server, StartError> {
    let description = openapi::describe(&application.contexts);
    let table = web::Data::new(RouteTable::new(&description));
    let json = description.to_json().map_err(|error| StartError::Internal(error.to_string()))?;
    let description = web::Data::new(pages::Description(json.into()));
    let body_timeout = web::Data::new(BodyTimeout(Duration::from_secs(settings.body_timeout)));
    let own_origins = web::Data::new(authenticate::OwnOrigins(settings.own_origins(&listener)));
    let trusted_proxies = web::Data::new(TrustedProxies::new(&settings.trusted_proxies));
    let application = web::Data::new(application);
    let dependencies = web::Data::new(needed);
    let metrics = web::Data::new(metrics);
    let server = HttpServer::new(move || {
        let contexts = std::sync::Arc::clone(&application.contexts);
        App::new()
            .app_data(application.clone())
            .app_data(dependencies.clone())
            .app_data(description.clone())
            .app_data(table.clone())
            .app_data(body_timeout.clone())
            .app_data(own_origins.clone())
            .app_data(trusted_proxies.clone())
            .app_data(metrics.clone())
            .app_data(Rc::new(RequestMetrics::default()))
            // An id that is no UUID is the id of nothing.
            .app_data(web::PathConfig::default().error_handler(|_, _| Failure::from(NotFound).into()))
            .wrap(from_fn(authenticate::admit))
            .wrap(from_fn(render_problems))
            .wrap(from_fn(observe::observe))
            .wrap(
                DefaultHeaders::new()
                    .add(("X-Content-Type-Options", "nosniff"))
                    .add(("X-Frame-Options", "DENY")),
            )
            .into_utoipa_app()
            .configure(|config| routes(config, &contexts))
            .into_app()
            .service(web::redirect("/docs", "/docs/"))
            .service(SwaggerUi::new("/docs/{_:.*}").config("/openapi.json".into()))
            .default_service(web::to(fallback::answer))
    })
    .disable_signals()
    .shutdown_timeout(FINISH_WITHIN.as_secs())
    .listen(listener)
    .map_err(|error| StartError::Internal(error.to_string()))?
    .run();
    Ok(Server { handle: server.handle(), task: tokio::spawn(server) })
}

/// All routes that OpenAPI names: those of the host, and below `/api/v1` those of the contexts.
fn routes(config: &mut ServiceConfig<'_>, contexts: &[&'static Context]) {
    pages::routes(config);
    health::routes(config);
    jwks::routes(config);
    metrics::routes(config);
    problem_pages::routes(config);
    let of_contexts = |config: &mut ServiceConfig<'_>| {
        for context in contexts {
            (context.routes)(config);
        }
    };
    config.service(scope::scope(API_BASE).configure(pages::base).configure(of_contexts));
}

//! What is at the root, and at the base of the API.

use std::sync::Arc;

use actix_web::http::header::{ContentType, LOCATION};
use actix_web::{HttpResponse, get, web};
use serde::Serialize;
use servertree_kernel::plugin::Application;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

/// The description of the API, as JSON.
pub struct Description(pub Arc<str>);

/// Those at the root.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(to_docs).service(get_description);
}

/// Those below the base of the API.
pub fn base(config: &mut ServiceConfig<'_>) {
    config.service(get_welcome);
}

/// To the documentation
#[utoipa::path(tag = "service", responses(
    (status = 307, description = "To `/docs`", headers(("Location" = String)))
))]
#[get("/")]
async fn to_docs() -> HttpResponse {
    HttpResponse::TemporaryRedirect().insert_header((LOCATION, "/docs/")).finish()
}

/// This description
#[utoipa::path(tag = "service", responses(
    (status = 200, description = "OpenAPI 3.1", body = Object, content_type = "application/json",
        example = json!({"openapi": "3.1.0", "info": {"title": "ServerTree"}}))
))]
#[get("/openapi.json")]
async fn get_description(description: web::Data<Description>) -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::json()).body(description.0.to_string())
}

/// What is here.
#[derive(Serialize, ToSchema)]
struct Welcome {
    /// What this is.
    #[schema(example = "ServerTree")]
    name: &'static str,
    /// Its version.
    #[schema(example = "0.1.0")]
    version: &'static str,
    /// Where the documentation is.
    #[schema(example = "/docs")]
    docs: &'static str,
    /// Where the description of the API is.
    #[schema(example = "/openapi.json")]
    openapi: &'static str,
    /// The contexts that are enabled.
    #[schema(example = json!(["server"]))]
    contexts: Vec<&'static str>,
}

/// The base of the API
#[utoipa::path(tag = "service", responses((status = 200, description = "What is here", body = Welcome)))]
#[get("/")]
async fn get_welcome(application: web::Data<Application>) -> web::Json<Welcome> {
    web::Json(Welcome {
        name: "ServerTree",
        version: env!("CARGO_PKG_VERSION"),
        docs: "/docs",
        openapi: "/openapi.json",
        contexts: application.contexts.iter().map(|context| context.name).collect(),
    })
}

//! The routes of the host itself: how the service is doing, what it can do, what a problem means.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{ContentType, LOCATION};
use actix_web::{HttpResponse, get, web};
use serde::Serialize;
use servertree_kernel::database::Database;
use servertree_kernel::fields::FieldError;
use servertree_kernel::plugin::Application;
use servertree_kernel::problem::{Failure, NOT_FOUND, NotFound, Problem, ProblemType, UNAVAILABLE};
use servertree_kernel::problem_responses;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

/// How long a dependency may take to say that it is there.
const READY_WITHIN: Duration = Duration::from_secs(2);

/// The description of the API, as JSON.
pub struct Description(pub Arc<str>);

/// Those at the root.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(root)
        .service(openapi)
        .service(live)
        .service(ready)
        .service(problem_index)
        .service(problem_page);
}

/// Those below the base of the API.
pub fn base(config: &mut ServiceConfig<'_>) {
    config.service(welcome);
}

problem_responses! {
    ReadyProblems: &[&UNAVAILABLE];
    PageProblems: &[&NOT_FOUND];
}

/// To the documentation
#[utoipa::path(tag = "service", responses(
    (status = 307, description = "To `/docs`", headers(("Location" = String)))
))]
#[get("/")]
async fn root() -> HttpResponse {
    HttpResponse::TemporaryRedirect().insert_header((LOCATION, "/docs/")).finish()
}

/// This description
#[utoipa::path(tag = "service", responses(
    (status = 200, description = "OpenAPI 3.1", body = Object, content_type = "application/json",
        example = json!({"openapi": "3.1.0", "info": {"title": "ServerTree"}}))
))]
#[get("/openapi.json")]
async fn openapi(description: web::Data<Description>) -> HttpResponse {
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
async fn welcome(application: web::Data<Application>) -> web::Json<Welcome> {
    web::Json(Welcome {
        name: "ServerTree",
        version: env!("CARGO_PKG_VERSION"),
        docs: "/docs",
        openapi: "/openapi.json",
        contexts: application.contexts.iter().map(|context| context.name).collect(),
    })
}

/// That the process lives.
#[derive(Serialize, ToSchema)]
struct Live {
    #[schema(example = "live")]
    status: &'static str,
}

/// Does the process live?
///
/// Says nothing about what it depends on: restarting it would not help those.
#[utoipa::path(tag = "service", responses((status = 200, description = "It does", body = Live)))]
#[get("/health/live")]
async fn live() -> web::Json<Live> {
    web::Json(Live { status: "live" })
}

/// That requests can be answered.
#[derive(Serialize, ToSchema)]
struct Ready {
    #[schema(example = "ready")]
    status: &'static str,
    dependencies: Dependencies,
}

/// How what the service depends on is doing.
#[derive(Serialize, ToSchema)]
struct Dependencies {
    #[schema(example = "ready")]
    database: &'static str,
}

/// Can requests be answered?
///
/// 503 names the dependency that keeps them from being answered.
#[utoipa::path(tag = "service", responses(
    (status = 200, description = "They can", body = Ready), ReadyProblems
))]
#[get("/health/ready")]
async fn ready(database: web::Data<Database>) -> Result<web::Json<Ready>, Failure> {
    match tokio::time::timeout(READY_WITHIN, database.ping()).await {
        Ok(Ok(())) => {
            Ok(web::Json(Ready { status: "ready", dependencies: Dependencies { database: "ready" } }))
        }
        Ok(Err(error)) => Err(NotReady::because("database", Failure::from(error).chain()).into()),
        Err(_) => Err(NotReady::because("database", "no answer in time".to_owned()).into()),
    }
}

/// A dependency is away. The reason is for the log.
#[derive(Debug, thiserror::Error)]
#[error("{} is not available: {reason}", .away.field)]
struct NotReady {
    away: FieldError,
    reason: String,
}

impl NotReady {
    fn because(dependency: &str, reason: String) -> Self {
        let message = "is not available".to_owned();
        Self { away: FieldError { field: dependency.to_owned(), code: "unavailable", message }, reason }
    }
}

impl Problem for NotReady {
    fn problem(&self) -> &'static ProblemType {
        &UNAVAILABLE
    }

    fn fields(&self) -> &[FieldError] {
        std::slice::from_ref(&self.away)
    }
}

/// All types of problem
#[utoipa::path(tag = "service", responses(
    (status = 200, description = "A page that lists them", body = String, content_type = "text/html",
        example = "<!doctype html>…")
))]
#[get("/problems")]
async fn problem_index(application: web::Data<Application>) -> HttpResponse {
    let lines = application.problems().into_values().map(|problem| {
        let ProblemType { code, kind, title, .. } = problem;
        format!(r#"<li><a href="/problems/{code}"><code>{code}</code></a> ({}): {title}</li>"#, kind.status())
    });
    html("Problems", &format!("<ul>{}</ul>", lines.collect::<String>()))
}

/// What a type of problem means
///
/// The `type` of an error leads here.
#[utoipa::path(tag = "service",
    params(("code" = String, Path, description = "The code of the problem", example = "not_found")),
    responses(
        (status = 200, description = "A page that explains it", body = String, content_type = "text/html",
            example = "<!doctype html>…"),
        PageProblems
    )
)]
#[get("/problems/{code}")]
async fn problem_page(
    application: web::Data<Application>,
    code: web::Path<String>,
) -> Result<HttpResponse, Failure> {
    let problem = *application.problems().get(code.as_str()).ok_or(NotFound)?;
    let body = format!(
        "<p>{}</p><p>HTTP status {}, code <code>{}</code>.</p><p><a href=\"/problems\">All problems</a></p>",
        problem.explanation,
        problem.kind.status(),
        problem.code,
    );
    Ok(html(problem.title, &body))
}

/// A page. Title and body are texts of this program, which need no escaping.
fn html(title: &str, body: &str) -> HttpResponse {
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title} · ServerTree</title>\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <style>body{{font:1rem/1.5 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem}}</style>\
         <h1>{title}</h1>{body}</html>"
    );
    HttpResponse::Ok().content_type(ContentType::html()).body(page)
}

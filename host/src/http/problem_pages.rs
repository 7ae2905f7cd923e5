//! The pages that explain what a problem means: the `type` of an error leads there.

use actix_web::http::header::ContentType;
use actix_web::{HttpResponse, get, web};
use servertree_kernel::plugin::Application;
use servertree_kernel::problem::{Failure, NOT_FOUND, NotFound, ProblemType};
use servertree_kernel::problem_responses;
use utoipa_actix_web::service_config::ServiceConfig;

/// All of them.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_problems).service(explain_problem);
}

problem_responses! {
    PageProblems: &[&NOT_FOUND];
}

/// All types of problem
#[utoipa::path(tag = "service", responses(
    (status = 200, description = "A page that lists them", body = String, content_type = "text/html",
        example = "<!doctype html>…")
))]
#[get("/problems")]
async fn list_problems(application: web::Data<Application>) -> HttpResponse {
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
async fn explain_problem(
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
    let text = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title} · ServerTree</title>\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <style>body{{font:1rem/1.5 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem}}</style>\
         <h1>{title}</h1>{body}</html>"
    );
    HttpResponse::Ok().content_type(ContentType::html()).body(text)
}

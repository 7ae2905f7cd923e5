//! The metrics: those of requests, and the page that shows all.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use actix_web::http::header::CACHE_CONTROL;
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpResponse, get, web};
use metrics::{Counter, Histogram, counter, histogram};
use servertree_kernel::http::{ALWAYS, Call};
use servertree_kernel::metrics::READ;
use servertree_kernel::plugin::Application;
use servertree_kernel::problem::Failure;
use servertree_kernel::problem_responses;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::metrics::{Metrics, REQUEST_DURATION, REQUESTS};

/// The text format of Prometheus.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The one there is.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(show_metrics);
}

problem_responses! {
    MetricsProblems: ALWAYS;
}

/// The metrics of this process
///
/// How many requests, commands and queries there were, how they ended and how long they took; the cache, the database, the
/// process itself. Needs the permission to `read` the type `metrics`.
#[utoipa::path(tag = "service", responses(
    (status = 200, description = "The text format of Prometheus", body = String, content_type = "text/plain",
        example = "# TYPE servertree_build_info gauge\nservertree_build_info{version=\"0.1.0\"} 1\n"),
    MetricsProblems
))]
#[get("/metrics")]
async fn show_metrics(
    call: Call,
    application: web::Data<Application>,
    metrics: web::Data<Metrics>,
) -> Result<HttpResponse, Failure> {
    call.permit(READ).await?;
    application.measure().await;
    let mut answer = HttpResponse::Ok();
    answer.content_type(TEXT_FORMAT).insert_header((CACHE_CONTROL, "no-store"));
    Ok(answer.body(metrics.text()))
}

/// The requests that one worker answers, counted. What counts is made at the first request of its kind, and kept: no other worker
/// has to do with it.
#[derive(Default)]
pub struct RequestMetrics(RefCell<HashMap<Series, (Counter, Histogram)>>);

/// What requests are told apart by.
#[derive(PartialEq, Eq, Hash)]
struct Series {
    method: &'static str,
    /// The pattern, not the path: there are only so many.
    route: Option<String>,
    status: &'static str,
}

impl RequestMetrics {
    /// Counts a request that took so long. Without a status its client went away before it was answered.
    pub fn record(
        &self,
        method: &Method,
        route: Option<String>,
        status: Option<StatusCode>,
        duration: Duration,
    ) {
        let series = Series { method: name(method), route, status: class(status) };
        let mut known = self.0.borrow_mut();
        let (total, durations) = known.entry(series).or_insert_with_key(|series| {
            let route = series.route.clone().unwrap_or_else(|| "none".to_owned());
            let labels =
                [("method", series.method.into()), ("route", route), ("status", series.status.into())];
            (counter!(REQUESTS, &labels), histogram!(REQUEST_DURATION, &labels))
        });
        total.increment(1);
        durations.record(duration);
    }
}

/// Anybody can think of more methods.
fn name(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

fn class(status: Option<StatusCode>) -> &'static str {
    match status.map(|status| status.as_u16()) {
        Some(..200) => "1xx",
        Some(200..300) => "2xx",
        Some(300..400) => "3xx",
        Some(400..500) => "4xx",
        Some(500..) => "5xx",
        None => "none",
    }
}

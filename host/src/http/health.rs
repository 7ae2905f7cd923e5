//! How the service is doing: for whoever restarts it, and for whoever sends it requests.

use std::time::Duration;

use actix_web::{get, web};
use serde::Serialize;
use servertree_kernel::database::Database;
use servertree_kernel::fields::FieldError;
use servertree_kernel::problem::{Failure, Problem, ProblemType, UNAVAILABLE};
use servertree_kernel::problem_responses;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

/// How long a dependency may take to say that it is there.
const READY_WITHIN: Duration = Duration::from_secs(2);

/// All of them.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(is_live).service(is_ready);
}

problem_responses! {
    ReadyProblems: &[&UNAVAILABLE];
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
async fn is_live() -> web::Json<Live> {
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
async fn is_ready(database: web::Data<Database>) -> Result<web::Json<Ready>, Failure> {
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

//! How the service is doing: for whoever restarts it, and for whoever sends it requests.

use std::time::Duration;

use actix_web::{get, web};
use serde::Serialize;
use servertree_kernel::cache::RedisCache;
use servertree_kernel::database::Database;
use servertree_kernel::fields::FieldError;
use servertree_kernel::problem::{Failure, Problem, ProblemType, UNAVAILABLE};
use servertree_kernel::problem_responses;
use servertree_kernel::remote::Peer;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::bus::BusStatus;

/// How long a dependency may take to say that it is there.
const READY_WITHIN: Duration = Duration::from_secs(2);

/// What a dependency can be said to be, beside away.
const READY: &str = "ready";
const DEGRADED: &str = "degraded";

/// What is looked at. Put it into the app's data.
pub struct Needed {
    pub database: Database,
    /// The process that knows who may do what, if it is not this one.
    pub authorization: Option<Peer>,
    /// The bridge to the broker, if there is to be one.
    pub bus: Option<BusStatus>,
    /// The cache that processes share, if there is to be one.
    pub cache: Option<RedisCache>,
}

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
    /// Only where another process knows who may do what.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "ready")]
    authorization: Option<&'static str>,
    /// Only where events go to a broker.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "ready")]
    bus: Option<&'static str>,
    /// Only where values are cached outside of the process.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "ready")]
    cache: Option<&'static str>,
}

/// Can requests be answered?
///
/// 503 names the dependency that keeps them from being answered. One that is `degraded` keeps some: without `authorization`,
/// those that need to know who asks. Without the `bus` all are answered, and events wait until other services can be told of them. Without
/// the `cache` all are answered, some of them slower.
#[utoipa::path(tag = "service", responses(
    (status = 200, description = "They can", body = Ready), ReadyProblems
))]
#[get("/health/ready")]
async fn is_ready(needed: web::Data<Needed>) -> Result<web::Json<Ready>, Failure> {
    match tokio::time::timeout(READY_WITHIN, needed.database.ping()).await {
        Ok(Ok(())) => {
            let authorization = match &needed.authorization {
                Some(peer) => Some(state_of(peer).await),
                None => None,
            };
            let said = |is_ready: bool| if is_ready { READY } else { DEGRADED };
            let bus = needed.bus.as_ref().map(|bus| said(bus.is_ready()));
            let cache = needed.cache.as_ref().map(|cache| said(cache.is_ready()));
            let dependencies = Dependencies { database: READY, authorization, bus, cache };
            Ok(web::Json(Ready { status: READY, dependencies }))
        }
        Ok(Err(error)) => Err(NotReady::because("database", Failure::from(error).chain()).into()),
        Err(_) => Err(NotReady::because("database", "no answer in time".to_owned()).into()),
    }
}

async fn state_of(peer: &Peer) -> &'static str {
    let answer = tokio::time::timeout(READY_WITHIN, peer.is_ready()).await;
    if answer.unwrap_or(false) { READY } else { DEGRADED }
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

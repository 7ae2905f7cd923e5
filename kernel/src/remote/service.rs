//! The answers: what the ports say, in the words of the wire.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::{Semaphore, SemaphorePermit};
use tonic::{Request, Response, Status};

use super::wire::authorization_service_server::AuthorizationService;
use super::wire::{
    CheckPermissionRequest, CheckPermissionResponse, CheckPermissionsRequest, CheckPermissionsResponse,
    Grant, IntrospectRequest, IntrospectResponse, ListGrantsRequest, ListGrantsResponse,
};
use super::{MAX_CHECKS, properties};
use crate::authentication::TokenVerifier;
use crate::fields::shortened;
use crate::message::{Caller, Proof};
use crate::permission::{Condition, Decisions, ObjectType, Permission, PermissionChecker, Question, Verdict};
use crate::problem::{Failure, Kind};

/// Calls that are answered at once; more wait for their turn.
const CONCURRENT_CALLS: usize = 256;

/// Who knows the answers.
#[derive(Clone)]
pub struct Ports {
    /// Decides.
    pub decisions: Arc<dyn Decisions>,
    /// Knows the grants.
    pub permissions: Arc<dyn PermissionChecker>,
    /// Knows whom tokens stand for.
    pub verifier: Arc<dyn TokenVerifier>,
}

/// The service, behind the wire.
pub(super) struct Service {
    ports: Ports,
    turns: Semaphore,
}

impl Service {
    pub fn new(ports: Ports) -> Self {
        Self { ports, turns: Semaphore::new(CONCURRENT_CALLS) }
    }

    async fn turn(&self) -> Result<SemaphorePermit<'_>, Status> {
        self.turns.acquire().await.map_err(|_| Status::unavailable("it is stopping"))
    }

    async fn decide(&self, question: &Question) -> Result<CheckPermissionResponse, Status> {
        let Verdict { allowed, reason } = self.ports.decisions.decide(question).await.map_err(status)?;
        Ok(CheckPermissionResponse { allowed, reason })
    }
}

#[async_trait]
impl AuthorizationService for Service {
    async fn check_permission(
        &self,
        request: Request<CheckPermissionRequest>,
    ) -> Result<Response<CheckPermissionResponse>, Status> {
        let _turn = self.turn().await?;
        let question = question(request.into_inner()).map_err(Status::invalid_argument)?;
        self.decide(&question).await.map(Response::new)
    }

    async fn check_permissions(
        &self,
        request: Request<CheckPermissionsRequest>,
    ) -> Result<Response<CheckPermissionsResponse>, Status> {
        let _turn = self.turn().await?;
        let checks = request.into_inner().checks;
        if checks.len() > MAX_CHECKS {
            let message = format!("checks must be at most {MAX_CHECKS}, not {}", checks.len());
            return Err(Status::invalid_argument(message));
        }
        // All of them are read before any is decided: none of it is done in vain.
        let mut questions = Vec::with_capacity(checks.len());
        for (index, check) in checks.into_iter().enumerate() {
            let at_fault = |fault| Status::invalid_argument(format!("checks[{index}].{fault}"));
            questions.push(question(check).map_err(at_fault)?);
        }
        let mut results = Vec::with_capacity(questions.len());
        for question in &questions {
            results.push(self.decide(question).await?);
        }
        Ok(Response::new(CheckPermissionsResponse { results }))
    }

    async fn list_grants(
        &self,
        request: Request<ListGrantsRequest>,
    ) -> Result<Response<ListGrantsResponse>, Status> {
        let _turn = self.turn().await?;
        let ListGrantsRequest { subject, action, object_type } = request.into_inner();
        let Some(permission) = permission(&action, &object_type) else {
            return Ok(Response::new(ListGrantsResponse::default()));
        };
        let caller = Caller::named(&subject);
        let grants = self.ports.permissions.grants(&caller, &[permission]).await.map_err(status)?;
        let grants = grants.first().into_iter().flat_map(|grants| grants.iter());
        let grants = grants.map(|grant| Grant {
            role: grant.role.to_string(),
            condition: grant.condition.as_ref().map_or_else(String::new, |it| Condition::json(it).to_owned()),
        });
        Ok(Response::new(ListGrantsResponse { grants: grants.collect() }))
    }

    async fn introspect(
        &self,
        request: Request<IntrospectRequest>,
    ) -> Result<Response<IntrospectResponse>, Status> {
        let _turn = self.turn().await?;
        let caller = self.ports.verifier.verify(&request.into_inner().token).await.map_err(status)?;
        Ok(Response::new(caller.and_then(|caller| introspected(&caller)).unwrap_or_default()))
    }
}

/// Nothing for whoever has no account: they mean nothing to another process.
fn introspected(caller: &Caller) -> Option<IntrospectResponse> {
    let account = caller.account()?;
    let (session_id, token_id) = match account.proof {
        Proof::Session(id) => (id.to_string(), String::new()),
        Proof::Token(id) => (String::new(), id.to_string()),
    };
    Some(IntrospectResponse {
        active: true,
        subject: caller.subject().to_owned(),
        user_id: account.user.to_string(),
        session_id,
        token_id,
        read_only: caller.is_read_only(),
    })
}

/// The permission as it is declared, if it is.
fn permission(action: &str, object_type: &str) -> Option<Permission> {
    ObjectType::find(object_type)?.permissions().find(|permission| permission.action == action)
}

/// The question. An error says what is wrong with it.
fn question(request: CheckPermissionRequest) -> Result<Question, String> {
    let CheckPermissionRequest { subject, action, object, properties } = request;
    for (name, text) in [("subject", &subject), ("action", &action)] {
        if text.is_empty() {
            return Err(format!("{name} must not be empty"));
        }
    }
    let (object_type, object_id) = match object.split_once(':') {
        Some((_, "")) => return Err("object must have an id after the colon: type:id".to_owned()),
        Some((object_type, id)) => (object_type, Some(id.to_owned())),
        None => (object.as_str(), None),
    };
    let Some(object_type) = ObjectType::find(object_type) else {
        let known = ObjectType::all().map(|known| known.name).collect::<Vec<_>>().join(", ");
        let unknown = shortened(object_type);
        return Err(format!("object is of the type '{unknown}', which is unknown; known are {known}"));
    };
    let properties = properties::properties(properties.unwrap_or_default());
    Ok(Question {
        subject,
        action,
        object_type: object_type.name.to_owned(),
        object_id,
        properties: properties.map_err(|fault| format!("properties {fault}"))?,
    })
}

/// What went wrong is for our eyes only.
fn status(failure: Failure) -> Status {
    let error = failure.chain();
    if failure.kind() == Kind::Unavailable {
        tracing::warn!(error, "a call over gRPC cannot be answered right now");
        return Status::unavailable("it cannot be said right now");
    }
    tracing::error!(error, "a call over gRPC could not be answered");
    Status::internal("something went wrong here; the log says what")
}

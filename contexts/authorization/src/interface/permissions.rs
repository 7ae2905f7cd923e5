//! The routes of questions about permissions.

use actix_web::{post, web};
use deserr::Deserr;
use serde::Serialize;
use servertree_kernel::domain::Invalid;
use servertree_kernel::fields::{self, FieldError, FieldErrors, Json};
use servertree_kernel::http::{ALWAYS, BODY, Body, Call};
use servertree_kernel::problem::Failure;
use servertree_kernel::problem_responses;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::application::check_permission::CheckPermission;
use crate::application::check_permissions::CheckPermissions;
use crate::application::explain_permission::{ExplainPermission, Explanation};
use crate::application::policy::Decision;
use crate::domain::{Question, QuestionText};

/// The most questions at once.
const MAX_QUESTIONS: usize = 1_000;

/// All of them.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(check_permission).service(check_permissions).service(explain_permission);
}

problem_responses! {
    CheckProblems: ALWAYS, BODY;
}

/// Check a permission
///
/// Whether a user may do something to an object, and why: which grant of which role permits it, or what is missing. Of the object
/// counts what is given: a condition on anything else does not hold.
#[utoipa::path(
    tag = "permissions",
    request_body(content = QuestionText, content_type = "application/json"),
    responses((status = 200, description = "The decision", body = Decision), CheckProblems)
)]
#[post("/permissions/check")]
async fn check_permission(
    call: Call,
    Body(question): Body<Question>,
) -> Result<web::Json<Decision>, Failure> {
    Ok(web::Json(call.ask(CheckPermission { question }).await?))
}

/// Questions.
#[derive(ToSchema)]
#[schema(as = CheckPermissions)]
#[expect(dead_code, reason = "it describes, and is never made")]
struct ChecksText {
    /// Up to 1,000.
    #[schema(max_items = 1000)]
    checks: Vec<QuestionText>,
}

#[derive(Deserr)]
#[deserr(error = FieldErrors, deny_unknown_fields, validate = require_few -> FieldErrors)]
struct Checks {
    checks: Vec<Json>,
}

fn require_few(checks: Checks, location: deserr::ValuePointerRef<'_>) -> Result<Checks, FieldErrors> {
    let count = checks.checks.len();
    if count <= MAX_QUESTIONS {
        return Ok(checks);
    }
    let message = format!("must be {MAX_QUESTIONS} at most, not {count}");
    Err(FieldErrors::at(location.push_key("checks"), Invalid { code: "too_many", message }))
}

/// Answers, in the order of the questions.
#[derive(Serialize, ToSchema)]
struct Results {
    results: Vec<CheckResult>,
}

/// The answer to one question: a decision, or what is wrong with the question.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum CheckResult {
    Decided(Decision),
    Invalid { errors: Vec<FieldError> },
}

/// Check many permissions
///
/// Each question gets an answer, or is told what is wrong with it; the others get theirs all the same.
#[utoipa::path(
    tag = "permissions",
    request_body(content = ChecksText, content_type = "application/json"),
    responses((status = 200, description = "The decisions", body = Results), CheckProblems)
)]
#[post("/permissions/check_batch")]
async fn check_permissions(call: Call, Body(body): Body<Checks>) -> Result<web::Json<Results>, Failure> {
    let mut results = Vec::with_capacity(body.checks.len());
    let mut questions = Vec::with_capacity(body.checks.len());
    for Json(check) in body.checks {
        match fields::parse::<Question>(check) {
            Ok(question) => {
                questions.push(question);
                results.push(None);
            }
            Err(invalid) => results.push(Some(CheckResult::Invalid { errors: invalid.0 })),
        }
    }
    let mut decisions = call.ask(CheckPermissions { questions }).await?.into_iter().map(CheckResult::Decided);
    let results = results.into_iter().filter_map(|invalid| invalid.or_else(|| decisions.next())).collect();
    Ok(web::Json(Results { results }))
}

/// Explain a permission
///
/// The same as a check, and all that was considered: the roles of the user, and each of their grants that has to do with it.
#[utoipa::path(
    tag = "permissions",
    request_body(content = QuestionText, content_type = "application/json"),
    responses((status = 200, description = "The decision, explained", body = Explanation), CheckProblems)
)]
#[post("/permissions/explain")]
async fn explain_permission(
    call: Call,
    Body(question): Body<Question>,
) -> Result<web::Json<Explanation>, Failure> {
    Ok(web::Json(call.ask(ExplainPermission { question }).await?))
}

//! The routes of events.

use actix_web::{get, post, web};
use deserr::Deserr;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::EventId;
use super::discard_event::{DiscardEvent, DiscardReason, Discarded};
use super::error::NOT_OPEN;
use super::find_events::{FindEvent, FindEvents};
use super::resubmit_event::{ResubmitEvent, Resubmitted};
use super::resubmit_events::{ResubmitEvents, ResubmittedEvents};
use super::undelivered::SubscriberName;
use super::view::EventView;
use crate::criteria::{Criteria, Filter, ListView, Slice};
use crate::fields::{FieldError, FieldErrors, InvalidFields};
use crate::http::{ALWAYS, BODY, Body, Call, OptionalBody, Page};
use crate::problem::{Failure, INVALID_PARAMETER, NOT_FOUND};
use crate::problem_responses;

/// All of them.
pub(super) fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_events)
        .service(find_event)
        .service(resubmit_events)
        .service(resubmit_event)
        .service(discard_event);
}

problem_responses! {
    ListProblems: ALWAYS, &[&INVALID_PARAMETER];
    FindProblems: ALWAYS, &[&NOT_FOUND];
    ResubmitManyProblems: ALWAYS, BODY;
    SeeToProblems: ALWAYS, BODY, &[&NOT_FOUND, &NOT_OPEN];
}

/// List events
///
/// A page of the events that match, newest first, each with what became of it for each of its subscribers. Those that nobody can
/// be brought to take: `{"deliveries.state":{"eq":"dead"}}`. Old events are shown in the newest version of their fields.
#[utoipa::path(
    tag = "events",
    params(
        ("filter" = Option<String>, Query, example = r#"{"type":{"sw":"server."},"deliveries.state":{"eq":"dead"}}"#,
            description = "Conditions on fields, as JSON: `id`, `type`, `source`, `subject`, `time`, `actor`, `requestid`, \
                `deliveries.subscriber`, `deliveries.state`, `deliveries.attempts`"),
        ("and_filter" = Option<String>, Query, example = r#"[{"time":{"ge":"2026-01-01T00:00:00Z"}}]"#,
            description = "An array of filters that all hold"),
        ("or_filter" = Option<String>, Query, example = r#"[{"actor":{"eq":"ada"}},{"requestid":{"eq":"deploy-42"}}]"#,
            description = "An array of filters of which one holds"),
        ("sort" = Option<String>, Query, example = r#"[{"time":"asc"}]"#,
            description = "The order, as JSON: by `time` or `id`; the newest id first if not given"),
        ("limit" = Option<u64>, Query, minimum = 1, maximum = 500, example = 25,
            description = "How many at most; 25 if not given"),
        ("offset" = Option<u64>, Query, maximum = 10000, example = 0, description = "How many to skip"),
        ("cursor" = Option<String>, Query, example = "eyJwIjpbXSwiYiI6ZmFsc2UsImYiOjB9",
            description = "Where to go on: `next_cursor` or `prev_cursor` of a page with the same filter and `sort`"),
        ("count" = Option<String>, Query, example = "exact",
            description = "`exact` (if not given), or `none`: spares counting all that match"),
        ("fields" = Option<String>, Query, example = "id,type,deliveries", description = "What to show of each event"),
    ),
    responses((status = 200, description = "A page of events", body = Page<EventView>, example = json!({
        "items": [{"specversion": "1.0", "id": "019a9f3c-7c1e-7b52-9d3a-2f6c1d0e4b11", "source": "/servertree/server",
            "type": "server.discarded", "subject": "019a9f3c-7c1e-7b52-9d3a-2f6c1d0e4b10", "time": "2026-01-31T10:00:00Z",
            "datacontenttype": "application/json", "revision": 3, "sequence": 0, "schemaversion": 1, "actor": "ada",
            "requestid": "deploy-42", "data": {"name": "web-1"}, "deliveries": []}],
        "total": 1, "limit": 25, "offset": 0, "prev_offset": null, "next_offset": null, "prev_cursor": null,
        "next_cursor": null})), ListProblems)
)]
#[get("/events")]
async fn list_events(call: Call, criteria: Criteria<EventView>) -> Result<Slice<EventView>, Failure> {
    call.ask(FindEvents { criteria }).await
}

/// Find an event
#[utoipa::path(
    tag = "events",
    params(("id" = EventId, Path, description = "The id of the event")),
    responses((status = 200, description = "The event, with its deliveries", body = EventView, example = json!({
        "specversion": "1.0", "id": "019a9f3c-7c1e-7b52-9d3a-2f6c1d0e4b11", "source": "/servertree/server",
        "type": "server.discarded", "subject": "019a9f3c-7c1e-7b52-9d3a-2f6c1d0e4b10", "time": "2026-01-31T10:00:00Z",
        "datacontenttype": "application/json", "revision": 3, "sequence": 0, "schemaversion": 1, "actor": "ada",
        "requestid": "deploy-42", "data": {"name": "web-1"}, "deliveries": []})), FindProblems)
)]
#[get("/events/{id}")]
async fn find_event(call: Call, id: web::Path<EventId>) -> Result<web::Json<EventView>, Failure> {
    Ok(web::Json(call.ask(FindEvent { id: *id }).await?))
}

/// To whom.
#[derive(Deserr, ToSchema)]
#[deserr(error = FieldErrors, deny_unknown_fields)]
struct ResubmitBody {
    /// To this subscriber alone; without it, to all with whom the event is dead or failed.
    #[deserr(default)]
    subscriber: Option<SubscriberName>,
}

/// Resubmit an event
///
/// It is handed over anew, and what it held back after it, to whom it is dead or failed with: to one subscriber, or to all of them.
#[utoipa::path(
    tag = "events",
    params(("id" = EventId, Path, description = "The id of the event")),
    request_body(content = Option<ResubmitBody>, content_type = "application/json",
        example = json!({"subscriber": "audit.write_trail"})),
    responses((status = 200, description = "Resubmitted", body = Resubmitted), SeeToProblems)
)]
#[post("/events/{id}/resubmit")]
async fn resubmit_event(
    call: Call,
    id: web::Path<EventId>,
    OptionalBody(body): OptionalBody<ResubmitBody>,
) -> Result<web::Json<Resubmitted>, Failure> {
    let subscriber = body.and_then(|body| body.subscriber);
    Ok(web::Json(call.dispatch(ResubmitEvent { id: *id, subscriber }).await?))
}

/// Which events, and to whom.
#[derive(Deserr, ToSchema)]
#[deserr(error = FieldErrors, deny_unknown_fields)]
struct ResubmitEventsBody {
    /// Conditions on fields, as in the list of events. `{}`: all.
    #[schema(value_type = Object)]
    filter: Value,
    /// To this subscriber alone.
    #[deserr(default)]
    subscriber: Option<SubscriberName>,
    /// Only those after this one: the `last` of the answer before.
    #[deserr(default)]
    after: Option<EventId>,
}

/// Resubmit dead events
///
/// Of the events that match, the dead ones are handed over anew: the oldest 500 of them. As long as there are `more`, ask again, with
/// `after` set to `last`: so each is resubmitted once, even if it is dead again at once.
#[utoipa::path(
    tag = "events",
    request_body(content = ResubmitEventsBody, content_type = "application/json",
        example = json!({"filter": {"type": {"sw": "server."}}, "subscriber": "audit.write_trail"})),
    responses((status = 200, description = "Resubmitted", body = ResubmittedEvents), ResubmitManyProblems)
)]
#[post("/events/resubmit")]
async fn resubmit_events(
    call: Call,
    Body(body): Body<ResubmitEventsBody>,
) -> Result<web::Json<ResubmittedEvents>, Failure> {
    let filter = Filter::parse(EventView::FIELDS, &body.filter)
        .and_then(|filter| filter.check_size().map(|()| filter))
        .map_err(|message| {
            InvalidFields(vec![FieldError { field: "filter".to_owned(), code: "invalid_format", message }])
        })?;
    let command = ResubmitEvents { filter, subscriber: body.subscriber, after: body.after };
    Ok(web::Json(call.dispatch(command).await?))
}

/// Why, and for whom.
#[derive(Deserr, ToSchema)]
#[deserr(error = FieldErrors, deny_unknown_fields)]
struct DiscardBody {
    /// Why it is given up: it is kept.
    reason: DiscardReason,
    /// For this subscriber alone; without it, for all with whom the event is dead or failed.
    #[deserr(default)]
    subscriber: Option<SubscriberName>,
}

/// Discard an event
///
/// It is given up where it is dead or failed: for one subscriber, or for all of them. What it held back comes next.
#[utoipa::path(
    tag = "events",
    params(("id" = EventId, Path, description = "The id of the event")),
    request_body(content = DiscardBody, content_type = "application/json",
        example = json!({"reason": "The server was removed by hand"})),
    responses((status = 200, description = "Discarded", body = Discarded), SeeToProblems)
)]
#[post("/events/{id}/discard")]
async fn discard_event(
    call: Call,
    id: web::Path<EventId>,
    Body(body): Body<DiscardBody>,
) -> Result<web::Json<Discarded>, Failure> {
    let command = DiscardEvent { id: *id, subscriber: body.subscriber, reason: body.reason };
    Ok(web::Json(call.dispatch(command).await?))
}

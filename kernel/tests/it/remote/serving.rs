//! What the server answers, to whoever speaks gRPC.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value as WireValue};
use serde_json::json;
use servertree_kernel::remote::wire::authorization_service_client::AuthorizationServiceClient;
use servertree_kernel::remote::wire::{
    CheckPermissionRequest, CheckPermissionResponse, CheckPermissionsRequest, IntrospectRequest,
    ListGrantsRequest,
};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};

use super::{DEADLINE, SECRET, Server, with_secret};

fn channel(server: &Server) -> Channel {
    Endpoint::from_shared(format!("http://{}", server.address)).unwrap().connect_lazy()
}

fn client(server: &Server) -> AuthorizationServiceClient<Channel> {
    AuthorizationServiceClient::new(channel(server))
}

fn check(subject: &str, action: &str, object: &str) -> CheckPermissionRequest {
    let (subject, action, object) = (subject.to_owned(), action.to_owned(), object.to_owned());
    CheckPermissionRequest { subject, action, object, properties: None }
}

async fn code(server: &Server, check: CheckPermissionRequest) -> Code {
    client(server).check_permission(check).await.map_or_else(|status| status.code(), |_| Code::Ok)
}

#[tokio::test]
async fn three_texts_are_a_question() {
    let server = Server::start().await;
    let mut client = client(&server);
    for (subject, allowed, reason) in [("ada", true, "granted"), ("mallory", false, "no_grant")] {
        let answer = client.check_permission(check(subject, "move", "rack:7:b")).await.unwrap().into_inner();
        assert_eq!(answer, CheckPermissionResponse { allowed, reason: reason.to_owned() });
    }
    client.check_permission(check("ada", "create", "rack")).await.unwrap();
    let questions = server.authority.questions.lock().unwrap().clone();
    assert_eq!((questions[0].object_type.as_str(), questions[0].object_id.as_deref()), ("rack", Some("7:b")));
    assert_eq!(questions[0].properties, json!({}));
    assert_eq!((questions[2].action.as_str(), questions[2].object_id.as_deref()), ("create", None));
    server.stop().await;
}

#[tokio::test]
async fn properties_arrive_as_they_were_meant() {
    let server = Server::start().await;
    let value = |kind| WireValue { kind: Some(kind) };
    let number = |number| value(Kind::NumberValue(number));
    let object = |fields: Vec<(&str, WireValue)>| Struct {
        fields: fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
    };
    let nested =
        object(vec![("name", value(Kind::StringValue("Debian".to_owned()))), ("major", number(12.0))]);
    let list =
        ListValue { values: vec![number(0.5), value(Kind::BoolValue(true)), value(Kind::NullValue(0))] };
    let properties =
        object(vec![("os", value(Kind::StructValue(nested))), ("list", value(Kind::ListValue(list)))]);
    let full = CheckPermissionRequest { properties: Some(properties), ..check("ada", "read", "rack:7") };
    client(&server).check_permission(full).await.unwrap();
    let expected = json!({"os": {"name": "Debian", "major": 12}, "list": [0.5, true, null]});
    assert_eq!(server.authority.questions.lock().unwrap()[0].properties, expected);

    let infinite = object(vec![("a", number(f64::INFINITY))]);
    let infinite = CheckPermissionRequest { properties: Some(infinite), ..check("ada", "read", "rack:7") };
    assert_eq!(code(&server, infinite).await, Code::InvalidArgument);
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_question_is_refused() {
    let server = Server::start().await;
    for (subject, action, object) in [
        ("", "read", "rack:7"),
        ("ada", "", "rack:7"),
        ("ada", "read", ""),
        ("ada", "read", "rack:"),
        ("ada", "read", ":7"),
        ("ada", "read", "dragon:7"),
    ] {
        assert_eq!(code(&server, check(subject, action, object)).await, Code::InvalidArgument, "{object}");
    }
    assert_eq!(server.authority.asked(), 0);
    server.stop().await;
}

#[tokio::test]
async fn many_are_answered_in_their_order() {
    let server = Server::start().await;
    let mut client = client(&server);
    let subject = |index: usize| if index.is_multiple_of(3) { "ada" } else { "mallory" };
    let checks = |count: usize| (0..count).map(|index| check(subject(index), "read", "rack:1")).collect();
    let answers = client.check_permissions(CheckPermissionsRequest { checks: checks(1_000) }).await.unwrap();
    let allowed: Vec<bool> = answers.into_inner().results.iter().map(|result| result.allowed).collect();
    assert_eq!(allowed, (0..1_000).map(|index| index % 3 == 0).collect::<Vec<_>>());

    let status =
        client.check_permissions(CheckPermissionsRequest { checks: checks(1_001) }).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let checks = vec![check("ada", "read", "rack:1"), check("ada", "read", "dragon")];
    let status = client.check_permissions(CheckPermissionsRequest { checks }).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().starts_with("checks[1].object"), "{}", status.message());
    assert_eq!(server.authority.asked(), 1_000, "what is refused is not begun");
    server.stop().await;
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let server = Server::start().await;
    let status =
        client(&server).introspect(IntrospectRequest { token: "t".repeat(1 << 20) }).await.unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange);
    server.stop().await;
}

#[tokio::test]
async fn nobody_has_grants_for_what_is_not_declared() {
    let server = Server::start().await;
    let grants = async |subject: &str, action: &str, object_type: &str| {
        let (subject, action) = (subject.to_owned(), action.to_owned());
        let request = ListGrantsRequest { subject, action, object_type: object_type.to_owned() };
        client(&server).list_grants(request).await.unwrap().into_inner().grants
    };
    assert_eq!(grants("ada", "read", "rack").await.len(), 1);
    let conditional = grants("bob", "read", "rack").await;
    assert_eq!(
        (conditional[0].role.as_str(), conditional[0].condition.as_str()),
        ("some", r#"{"hall":{"in":["A","B"]}}"#)
    );
    for (action, object_type) in [("fly", "rack"), ("read", "dragon"), ("", "")] {
        assert!(grants("ada", action, object_type).await.is_empty(), "{action} {object_type}");
    }
    server.stop().await;
}

#[tokio::test]
async fn errors_say_nothing_of_the_inside() {
    let server = Server::start().await;
    for (subject, expected) in
        [("away", Code::Unavailable), ("broken", Code::Internal), ("missing", Code::Internal)]
    {
        let status = client(&server).check_permission(check(subject, "read", "rack:7")).await.unwrap_err();
        assert_eq!(status.code(), expected, "{subject}");
        assert!(!status.message().contains("hunter2") && !status.message().contains("fishing"));
    }
    server.stop().await;
}

#[tokio::test]
async fn an_answer_that_nobody_waits_for_is_given_up() {
    let server = Server::start().await;
    let mut request = Request::new(check("slow", "read", "rack:7"));
    request.set_timeout(Duration::from_millis(50));
    let status = client(&server).check_permission(request).await.unwrap_err();
    assert!(matches!(status.code(), Code::Cancelled | Code::DeadlineExceeded), "{status}");
    let given_up = server.authority.given_up.notified();
    tokio::time::timeout(DEADLINE, given_up).await.expect("it goes on");
    server.stop().await;
}

/// Shows this secret with a call.
fn showing<T>(secret: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", secret.parse().unwrap());
    request
}

#[tokio::test]
async fn without_the_secret_nothing_is_answered_but_health() {
    let server = Server::start_with(&with_secret(SECRET)).await;
    let ask =
        async |request| client(&server).introspect(request).await.err().map(|status: Status| status.code());
    let token = || IntrospectRequest { token: "of-a-session".to_owned() };
    assert_eq!(ask(Request::new(token())).await, Some(Code::Unauthenticated));
    for wrong in
        ["", "Bearer ", "Bearer", SECRET, "Bearer a-secret-of-peer", "Bearer a-secret-of-peers2", "bearer x"]
    {
        assert_eq!(ask(showing(wrong, token())).await, Some(Code::Unauthenticated), "{wrong}");
    }
    let mut twice = showing(&format!("Bearer {SECRET}"), token());
    twice.metadata_mut().append("authorization", "Bearer other".parse().unwrap());
    assert_eq!(ask(twice).await, Some(Code::Unauthenticated));
    assert_eq!(server.authority.asked(), 0);
    assert_eq!(ask(showing(&format!("Bearer {SECRET}"), token())).await, None);
    assert_eq!(health(&server).await, ServingStatus::Serving as i32);
    assert_eq!(services(&server, "").await.unwrap_err().code(), Code::Unauthenticated);
    assert!(services(&server, SECRET).await.is_ok());
    server.stop().await;
}

async fn health(server: &Server) -> i32 {
    let service = "authorization.AuthorizationService".to_owned();
    let mut client = HealthClient::new(channel(server));
    client.check(HealthCheckRequest { service }).await.unwrap().into_inner().status
}

/// The names of the services, as reflection tells them.
async fn services(server: &Server, secret: &str) -> Result<Vec<String>, Status> {
    let list = MessageRequest::ListServices(String::new());
    let question = ServerReflectionRequest { host: String::new(), message_request: Some(list) };
    let request = showing(&format!("Bearer {secret}"), stream::iter([question]));
    let mut client = ServerReflectionClient::new(channel(server));
    let mut answers = client.server_reflection_info(request).await?.into_inner();
    let answer: ServerReflectionResponse = answers.next().await.unwrap()?;
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("{answer:?}")
    };
    Ok(list.service.into_iter().map(|service| service.name).collect())
}

#[tokio::test]
async fn it_tells_what_it_speaks() {
    let server = Server::start().await;
    let services = services(&server, "").await.unwrap();
    assert!(services.contains(&"authorization.AuthorizationService".to_owned()), "{services:?}");
    server.stop().await;
}

/// Those who watch never leave by themselves: it does not wait for them, but tells them.
#[tokio::test]
async fn when_it_stops_it_says_so() {
    let server = Server::start().await;
    let service = "authorization.AuthorizationService".to_owned();
    let mut client = HealthClient::new(channel(&server));
    let mut watch = client.watch(HealthCheckRequest { service }).await.unwrap().into_inner();
    let mut next = async || watch.next().await.unwrap().unwrap().status;
    assert_eq!(next().await, ServingStatus::Serving as i32);
    server.stop.cancel();
    assert_eq!(next().await, ServingStatus::NotServing as i32);
    drop((watch, client));
    server.stop().await;
}

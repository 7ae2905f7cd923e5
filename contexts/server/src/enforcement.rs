//! That every use case of this context keeps to the conditions of grants.
#![cfg(test)]

use serde_json::{Value, json};
use servertree_kernel::criteria::{Filter, ListView};
use servertree_kernel::domain::Precondition;
use servertree_kernel::merge_patch::MergePatch;
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Kind;
use servertree_kernel::testkit::enforcement::{Attempt, assert_hidden, assert_read_only};
use servertree_kernel::testkit::{AllowAll, Objects, Permit, Stopped, Testbed, criteria};

use crate::CONTEXT;
use crate::application::add_credential::AddCredential;
use crate::application::change_credential::ChangeCredential;
use crate::application::change_server_status::ChangeServerStatus;
use crate::application::discard_server::DiscardServer;
use crate::application::find_credential::FindCredential;
use crate::application::find_server::{FindServer, ServerView};
use crate::application::find_server_history::FindServerHistory;
use crate::application::find_servers::FindServers;
use crate::application::find_servers_of_application::FindServersOfApplication;
use crate::application::install_application::InstallApplication;
use crate::application::modify_server::ModifyServer;
use crate::application::patch_server::PatchServer;
use crate::application::register_server::RegisterServer;
use crate::application::remove_credential::RemoveCredential;
use crate::application::restore_server::RestoreServer;
use crate::application::reveal_credential::RevealCredential;
use crate::application::uninstall_application::UninstallApplication;
use crate::domain::samples::{
    self, application, credential, directories, draft, installations, register_applications,
};
use crate::domain::{
    CredentialDrafts, CredentialId, Environment, RevealReason, ServerDraft, ServerId, Status,
};

fn in_environment(name: &str) -> Filter {
    Filter::parse(ServerView::FIELDS, &json!({"environment": {"eq": name}})).unwrap()
}

fn server(name: &str, environment: &str) -> ServerDraft {
    let ssh = json!({"connection_type": "ssh", "username": "root", "password": "hunter2"});
    ServerDraft {
        environment: Environment::parse(environment.to_owned()).unwrap(),
        credentials: CredentialDrafts::Replace(vec![credential(ssh)]),
        applications: installations(&["nginx"]),
        ..draft(name)
    }
}

/// Events so far: an application, and two servers with one credential and that application each.
const GIVEN: usize = 7;

/// One server in production and one in staging, and what is left of who registered them.
async fn given() -> (ServerView, ServerView, Stopped) {
    let test = Testbed::of(&[&CONTEXT]).permissions(AllowAll).start().await;
    register_applications(&test, &["nginx"]).await;
    let production = test.dispatch(RegisterServer { draft: server("web-1", "production") }).await.unwrap();
    let staging = test.dispatch(RegisterServer { draft: server("web-2", "staging") }).await.unwrap();
    (production, staging, test.stop().await)
}

async fn as_permitted(
    stopped: Stopped,
    objects: impl Fn(Permission) -> Objects + Send + Sync + 'static,
) -> Testbed {
    Testbed::of(&[&CONTEXT]).permissions(Permit(objects)).after(stopped).start().await
}

fn page(pairs: &[(&str, &str)]) -> FindServers {
    FindServers { criteria: criteria(pairs) }
}

/// Each use case that is about this server. One that is not here fails the test below.
fn attempts(
    test: &Testbed,
    id: ServerId,
    credential: CredentialId,
    precondition: Precondition,
) -> Vec<Attempt<'_>> {
    let any = || precondition.clone();
    let ssh = || samples::credential(json!({"connection_type": "ssh", "username": "admin"}));
    let reason = RevealReason::parse("test".to_owned()).unwrap();
    let nginx = application("nginx").id;
    let patch = MergePatch::new(json!({"cpu_cores": 64})).unwrap();
    let same = ServerDraft { credentials: CredentialDrafts::Keep, ..server("web-1", "production") };
    let directories = directories("nginx-2");
    vec![
        test.attempt_query(FindServer { id }),
        test.attempt_query(FindServerHistory { id, criteria: criteria(&[]) }),
        test.attempt_query(FindCredential { server: id, credential }),
        test.attempt(ModifyServer { id, draft: same, precondition: any() }),
        test.attempt(PatchServer { id, patch, precondition: any() }),
        test.attempt(ChangeServerStatus { id, status: Status::Error, precondition: any() }),
        test.attempt(DiscardServer { id, precondition: any() }),
        test.attempt(RestoreServer { id, precondition: any() }),
        test.attempt(AddCredential { server: id, draft: ssh(), precondition: any() }),
        test.attempt(ChangeCredential { server: id, credential, draft: ssh(), precondition: any() }),
        test.attempt(RemoveCredential { server: id, credential, precondition: any() }),
        test.attempt(RevealCredential { server: id, credential, reason }),
        test.attempt(InstallApplication { server: id, application: nginx, directories, precondition: any() }),
        test.attempt(UninstallApplication { server: id, application: nginx, precondition: any() }),
    ]
}

/// These are about no server that is there yet, or about all of them: they have tests of their own below.
/// The last one is a subscriber: nobody calls it.
const ABOUT_NO_ONE: [&str; 4] = [
    "server.register_server",
    "server.find_servers",
    "server.find_servers_of_application",
    "server.applications",
];

/// What may not be read looks like what is not there, whatever revision is asked for.
#[tokio::test]
async fn what_may_not_be_read_is_not_there() {
    let (production, _, stopped) = given().await;
    let test = as_permitted(stopped, |permission| match (permission.action, permission.object_type) {
        ("read", "server") => Objects::Some(in_environment("staging")),
        _ => Objects::All,
    })
    .await;
    let (id, known) = (production.id, production.shown_credentials()[0].id);
    let unknown = ServerId::from(uuid::Uuid::max());
    test.assert_each_is_tried(&attempts(&test, id, known, Precondition::Any), &ABOUT_NO_ONE);
    for precondition in [Precondition::Any, Precondition::OneOf(vec![])] {
        let at = |id: ServerId| attempts(&test, id, known, precondition.clone());
        assert_hidden((&id.to_string(), at(id)), (&unknown.to_string(), at(unknown))).await;
    }
    assert_eq!(test.events().await.len(), GIVEN, "nothing happened");
    test.finish().await;
}

#[tokio::test]
async fn what_may_be_read_is_not_changed_without_a_grant() {
    let (production, _, stopped) = given().await;
    let test = as_permitted(stopped, |permission| match permission.action {
        "read" => Objects::All,
        _ => Objects::Some(in_environment("staging")),
    })
    .await;
    let (id, known) = (production.id, production.shown_credentials()[0].id);
    assert_read_only(attempts(&test, id, known, Precondition::Any)).await;
    assert_eq!(test.events().await.len(), GIVEN, "nothing happened");
    test.finish().await;
}

/// Whoever may not read the credentials of a server does nothing to one by its id, whatever else they may.
#[tokio::test]
async fn credentials_that_may_not_be_read_are_not_there() {
    for (readable, expected) in [(true, Kind::NotFound), (false, Kind::Forbidden)] {
        let (production, _, stopped) = given().await;
        let test =
            as_permitted(stopped, move |permission| match (permission.action, permission.object_type) {
                ("read", "server.credential") if readable => Objects::Some(in_environment("staging")),
                ("read", "server.credential") => Objects::None,
                _ => Objects::All,
            })
            .await;
        let (id, known) = (production.id, production.shown_credentials()[0].id);
        let attempts = attempts(&test, id, known, Precondition::Any).into_iter();
        let mut count = 0;
        for attempt in attempts.filter(|attempt| attempt.name.ends_with("_credential")) {
            let name = attempt.name;
            assert_eq!(attempt.outcome().await.unwrap_err().kind(), expected, "{name}");
            count += 1;
        }
        assert_eq!((count, test.events().await.len()), (5, GIVEN), "nothing happened");
        test.finish().await;
    }
}

/// Moving a server to where one may change credentials is no way to change those it has: they are asked about before, too.
#[tokio::test]
async fn credentials_are_covered_before_and_after() {
    let (production, _, stopped) = given().await;
    let test = as_permitted(stopped, |permission| match (permission.action, permission.object_type) {
        (_, "server") => Objects::All,
        _ => Objects::Some(in_environment("staging")),
    })
    .await;
    let patch = |json: Value| PatchServer {
        id: production.id,
        patch: MergePatch::new(json).unwrap(),
        precondition: Precondition::Any,
    };
    let both = json!({"environment": "staging", "credentials": []});
    assert_eq!(test.dispatch(patch(both)).await.unwrap_err().kind(), Kind::Forbidden);
    // Nor does the answer to the move show what was there before it.
    let moved = test.dispatch(patch(json!({"environment": "staging"}))).await.unwrap();
    assert_eq!(moved.credentials, None);
    test.finish().await;
}

/// A change must be covered before and after: nobody moves a server out of what they may change, or into it.
#[tokio::test]
async fn a_change_is_covered_before_and_after() {
    let (production, staging, stopped) = given().await;
    let test = as_permitted(stopped, |permission| match (permission.action, permission.object_type) {
        ("update" | "create", "server") => Objects::Some(in_environment("staging")),
        _ => Objects::All,
    })
    .await;
    let moved = |environment: &str| MergePatch::new(json!({ "environment": environment })).unwrap();
    let patch = |id, patch| PatchServer { id, patch, precondition: Precondition::Any };
    for (id, environment) in [(staging.id, "production"), (production.id, "staging")] {
        let refused = test.dispatch(patch(id, moved(environment))).await.unwrap_err();
        assert_eq!(refused.kind(), Kind::Forbidden, "to {environment}");
    }
    test.dispatch(patch(staging.id, MergePatch::new(json!({"cpu_cores": 8})).unwrap())).await.unwrap();
    let register = |environment| RegisterServer { draft: server("web-3", environment) };
    assert_eq!(test.dispatch(register("production")).await.unwrap_err().kind(), Kind::Forbidden);
    test.dispatch(register("staging")).await.unwrap();
    test.finish().await;
}

#[tokio::test]
async fn a_list_shows_what_grants_cover() {
    let (_, staging, stopped) = given().await;
    let test = as_permitted(stopped, |_| Objects::Some(in_environment("staging"))).await;
    for pairs in [&[][..], &[("q", "web")], &[("filter", r#"{"environment":{"in":"production,staging"}}"#)]] {
        let found = test.ask(page(pairs)).await.unwrap();
        assert_eq!((found.items, found.total), (vec![staging.clone()], Some(1)), "{pairs:?}");
    }
    let hidden = test.ask(page(&[("filter", r#"{"environment":{"eq":"production"}}"#)])).await.unwrap();
    assert_eq!((hidden.items.len(), hidden.total), (0, Some(0)));
    let FindServers { criteria } = page(&[]);
    let of_nginx = FindServersOfApplication { application: application("nginx").id, criteria };
    let found = test.ask(of_nginx).await.unwrap();
    assert_eq!((found.items, found.total), (vec![staging], Some(1)));
    test.finish().await;
}

/// Without a grant to read them, credentials are absent from answers and unknown in filters, also in answers to changes.
#[tokio::test]
async fn credentials_are_unknown_to_who_may_not_see_them() {
    let (production, _, stopped) = given().await;
    let test = as_permitted(stopped, |permission| match permission.object_type {
        "server" => Objects::All,
        _ => Objects::None,
    })
    .await;
    let found = test.ask(FindServer { id: production.id }).await.unwrap();
    assert_eq!(found.credentials, None);
    assert!(serde_json::to_value(&found).unwrap().get("credentials").is_none());
    assert!(test.ask(page(&[])).await.unwrap().items.iter().all(|server| server.credentials.is_none()));
    for pairs in [
        ("filter", r#"{"credentials.username":{"eq":"root"}}"#),
        ("or_filter", r#"[{"credentials":{"em":true}}]"#),
        ("fields", "name,credentials"),
    ] {
        let refused = test.ask(page(&[pairs])).await.unwrap_err();
        assert_eq!(
            (refused.kind(), refused.fields()[0].code),
            (Kind::Malformed, "unknown_field"),
            "{pairs:?}"
        );
    }
    // What they see can be put back: the credentials stay.
    let id = production.id;
    let same = ServerDraft { credentials: CredentialDrafts::Keep, ..server("web-1", "production") };
    let modify = |draft| ModifyServer { id, draft, precondition: Precondition::Any };
    let put = test.dispatch(modify(same)).await.unwrap();
    assert_eq!((put.revision, put.credentials), (1, None));
    // Nor do the answers to changes show them.
    let patch = MergePatch::new(json!({"cpu_cores": 8})).unwrap();
    let any = Precondition::Any;
    let patched = test.dispatch(PatchServer { id, patch, precondition: any.clone() }).await.unwrap();
    let status = ChangeServerStatus { id, status: Status::Error, precondition: any.clone() };
    let changed = test.dispatch(status).await.unwrap();
    test.dispatch(DiscardServer { id, precondition: any.clone() }).await.unwrap();
    let restored = test.dispatch(RestoreServer { id, precondition: any }).await.unwrap();
    let registered = test.dispatch(RegisterServer { draft: draft("web-4") }).await.unwrap();
    for view in [patched, changed, restored, registered] {
        assert_eq!(view.credentials, None);
    }
    // But neither are they changed along with the server, nor brought along with a new one.
    let none =
        ServerDraft { credentials: CredentialDrafts::Replace(vec![]), ..server("web-1", "production") };
    for draft in [none, server("web-1", "production")] {
        assert_eq!(test.dispatch(modify(draft)).await.unwrap_err().kind(), Kind::Forbidden);
    }
    // Whatever is said of them: an answer that depends on what is there would tell.
    for credentials in [
        json!(null),
        json!([]),
        json!([{"id": uuid::Uuid::nil(), "connection_type": "x", "username": "y"}]),
        json!(7),
    ] {
        let patch = MergePatch::new(json!({ "credentials": credentials })).unwrap();
        let patch = PatchServer { id, patch, precondition: Precondition::Any };
        assert_eq!(test.dispatch(patch).await.unwrap_err().kind(), Kind::Forbidden, "{credentials}");
    }
    let register = RegisterServer { draft: server("web-3", "production") };
    assert_eq!(test.dispatch(register).await.unwrap_err().kind(), Kind::Forbidden);
    test.finish().await;
}

/// Conditions can be about what is installed: a change is covered before and after, and a list is narrowed to it.
#[tokio::test]
async fn grants_depend_on_what_is_installed() {
    let (production, staging, stopped) = given().await;
    let with_nginx =
        Filter::parse(ServerView::FIELDS, &json!({"applications.name": {"eq": "NGINX"}})).unwrap();
    let test = as_permitted(stopped, move |permission| match permission.action {
        "update" => Objects::Some(with_nginx.clone()),
        _ => Objects::All,
    })
    .await;
    let nginx = application("nginx").id;
    let status = |id| ChangeServerStatus { id, status: Status::Error, precondition: Precondition::Any };
    test.dispatch(status(staging.id)).await.unwrap();
    let uninstall =
        UninstallApplication { server: production.id, application: nginx, precondition: Precondition::Any };
    assert_eq!(test.dispatch(uninstall).await.unwrap_err().kind(), Kind::Forbidden);
    // It is another one by now, whoever wrote the server.
    let renamed = json!({"changes": [{"field": "name", "old": "nginx", "new": "httpd"}]});
    test.publish("application.modified", nginx, 2, renamed).await;
    test.delivered().await;
    assert_eq!(test.dispatch(status(production.id)).await.unwrap_err().kind(), Kind::Forbidden);
    test.finish().await;
}

/// With a grant for some servers only, those of the others are neither shown nor found.
#[tokio::test]
async fn credentials_of_some_servers_are_seen() {
    let (production, staging, stopped) = given().await;
    let test = as_permitted(stopped, |permission| match permission.object_type {
        "server" => Objects::All,
        _ => Objects::Some(in_environment("staging")),
    })
    .await;
    assert_eq!(test.ask(FindServer { id: production.id }).await.unwrap().credentials, None);
    assert_eq!(test.ask(FindServer { id: staging.id }).await.unwrap(), staging);
    let all = test.ask(page(&[])).await.unwrap().items;
    let seen: Vec<bool> = all.iter().map(|server| server.credentials.is_some()).collect();
    assert_eq!(seen, [false, true]);
    for filter in [r#"{"credentials.username":{"eq":"root"}}"#, r#"{"credentials.username":{"ne":"nobody"}}"#]
    {
        let found = test.ask(page(&[("filter", filter)])).await.unwrap().items;
        assert_eq!(found, std::slice::from_ref(&staging), "{filter}");
    }
    let find = |server: &ServerView, of: &ServerView| FindCredential {
        server: server.id,
        credential: of.shown_credentials()[0].id,
    };
    assert!(test.ask(find(&staging, &staging)).await.is_ok());
    let hidden = test.ask(find(&production, &staging)).await.unwrap_err();
    assert_eq!(hidden.kind(), Kind::NotFound);
    test.finish().await;
}

/// The value that a condition compares with is that of the object, whatever its JSON leaves out for others.
#[test]
fn views_have_every_field_that_conditions_can_name() {
    let id = uuid::Uuid::nil();
    let credentials = |json: Value| credential(json);
    let drafts = vec![credentials(json!({"connection_type": "ssh", "username": "root"}))];
    let (credentials, applications) = (CredentialDrafts::Replace(drafts), installations(&["nginx"]));
    let draft = ServerDraft { credentials, applications, ..draft("web-1") };
    let now = servertree_kernel::domain::Timestamp::from_micros(0);
    let known = [application("nginx")];
    let server = crate::domain::Server::register(id.into(), draft, &known, || id.into(), now).unwrap();
    let view = serde_json::to_value(ServerView::from(&server)).unwrap();
    for field in ServerView::FIELDS {
        let (whole, part) = field.api_name().split_once('.').unwrap_or((field.api_name(), ""));
        let object = if view[whole].is_array() { &view[whole][0] } else { &view[whole] };
        assert!(part.is_empty() || object.get(part).is_some(), "{}", field.api_name());
        assert!(view.get(whole).is_some(), "{}", field.api_name());
    }
}

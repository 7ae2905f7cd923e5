//! That every use case of this context keeps to the conditions of grants.
#![cfg(test)]

use serde_json::json;
use servertree_kernel::criteria::{Filter, ListView};
use servertree_kernel::domain::Precondition;
use servertree_kernel::merge_patch::MergePatch;
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Kind;
use servertree_kernel::testkit::enforcement::{Attempt, assert_hidden, assert_read_only};
use servertree_kernel::testkit::{AllowAll, Objects, Permit, Stopped, Testbed, criteria};

use crate::CONTEXT;
use crate::application::discard_application::DiscardApplication;
use crate::application::find_application::{ApplicationView, FindApplication};
use crate::application::find_application_history::FindApplicationHistory;
use crate::application::find_applications::FindApplications;
use crate::application::modify_application::ModifyApplication;
use crate::application::patch_application::PatchApplication;
use crate::application::register_application::RegisterApplication;
use crate::application::restore_application::RestoreApplication;
use crate::domain::{ApplicationId, Specification};

fn of(architect: &str) -> Filter {
    Filter::parse(ApplicationView::FIELDS, &json!({"architect": {"eq": architect}})).unwrap()
}

fn application(name: &str, architect: &str) -> Specification {
    let json = json!({"name": name, "version": "1.27", "architect": architect});
    servertree_kernel::fields::parse(json).unwrap()
}

/// One application of Ada's and one of Grace's, and what is left of who registered them.
async fn given() -> (ApplicationView, ApplicationView, Stopped) {
    let test = Testbed::of(&[&CONTEXT]).permissions(AllowAll).start().await;
    let register =
        |name, architect| test.dispatch(RegisterApplication { specification: application(name, architect) });
    let (adas, graces) = (register("nginx", "ada").await.unwrap(), register("bind", "grace").await.unwrap());
    (adas, graces, test.stop().await)
}

async fn as_permitted(
    stopped: Stopped,
    objects: impl Fn(Permission) -> Objects + Send + Sync + 'static,
) -> Testbed {
    Testbed::of(&[&CONTEXT]).permissions(Permit(objects)).after(stopped).start().await
}

/// Each use case that is about this application. One that is not here fails the test below.
fn attempts(test: &Testbed, id: ApplicationId, precondition: Precondition) -> Vec<Attempt<'_>> {
    let any = || precondition.clone();
    let patch = MergePatch::new(json!({"version": "1.28"})).unwrap();
    let specification = application("nginx", "ada");
    vec![
        test.attempt_query(FindApplication { id }),
        test.attempt_query(FindApplicationHistory { id, criteria: criteria(&[]) }),
        test.attempt(ModifyApplication { id, specification, precondition: any() }),
        test.attempt(PatchApplication { id, patch, precondition: any() }),
        test.attempt(DiscardApplication { id, precondition: any() }),
        test.attempt(RestoreApplication { id, precondition: any() }),
    ]
}

/// These are about no application that is there yet, or about all of them: they have tests of their own below.
const ABOUT_NO_ONE: [&str; 2] = ["application.register_application", "application.find_applications"];

/// What may not be read looks like what is not there, whatever revision is asked for.
#[tokio::test]
async fn what_may_not_be_read_is_not_there() {
    let (adas, _, stopped) = given().await;
    let test = as_permitted(stopped, |permission| match permission.action {
        "read" => Objects::Some(of("grace")),
        _ => Objects::All,
    })
    .await;
    let (id, unknown) = (adas.id, ApplicationId::from(uuid::Uuid::max()));
    test.assert_each_is_tried(&attempts(&test, id, Precondition::Any), &ABOUT_NO_ONE);
    for precondition in [Precondition::Any, Precondition::OneOf(vec![])] {
        let at = |id: ApplicationId| attempts(&test, id, precondition.clone());
        assert_hidden((&id.to_string(), at(id)), (&unknown.to_string(), at(unknown))).await;
    }
    assert_eq!(test.events().await.len(), 2, "nothing happened");
    test.finish().await;
}

#[tokio::test]
async fn what_may_be_read_is_not_changed_without_a_grant() {
    let (adas, _, stopped) = given().await;
    let test = as_permitted(stopped, |permission| match permission.action {
        "read" => Objects::All,
        _ => Objects::Some(of("grace")),
    })
    .await;
    assert_read_only(attempts(&test, adas.id, Precondition::Any)).await;
    assert_eq!(test.events().await.len(), 2, "nothing happened");
    test.finish().await;
}

/// A change must be covered before and after: nobody hands an application over to where they may do nothing, or takes one.
#[tokio::test]
async fn a_change_is_covered_before_and_after() {
    let (adas, graces, stopped) = given().await;
    let test = as_permitted(stopped, |permission| match permission.action {
        "update" | "create" => Objects::Some(of("grace")),
        _ => Objects::All,
    })
    .await;
    let patch = |id, architect: &str| PatchApplication {
        id,
        patch: MergePatch::new(json!({ "architect": architect })).unwrap(),
        precondition: Precondition::Any,
    };
    for (id, architect) in [(graces.id, "ada"), (adas.id, "grace")] {
        let refused = test.dispatch(patch(id, architect)).await.unwrap_err();
        assert_eq!(refused.kind(), Kind::Forbidden, "to {architect}");
    }
    let specification = application("bind9", "grace");
    let modify = ModifyApplication { id: graces.id, specification, precondition: Precondition::Any };
    assert_eq!(test.dispatch(modify).await.unwrap().name, "bind9");
    let register = |architect| RegisterApplication { specification: application("unbound", architect) };
    assert_eq!(test.dispatch(register("ada")).await.unwrap_err().kind(), Kind::Forbidden);
    test.dispatch(register("grace")).await.unwrap();
    test.finish().await;
}

/// A name that is taken by what the caller may not know of is taken all the same.
#[tokio::test]
async fn a_hidden_name_is_taken() {
    let (_, _, stopped) = given().await;
    let test = as_permitted(stopped, |_| Objects::Some(of("grace"))).await;
    let register = RegisterApplication { specification: application("nginx", "grace") };
    let taken = test.dispatch(register).await.unwrap_err();
    assert_eq!(taken.problem().code, "application_name_taken");
    assert!(!taken.to_string().contains("ada"), "{taken}");
    test.finish().await;
}

#[tokio::test]
async fn a_list_shows_what_grants_cover() {
    let (_, graces, stopped) = given().await;
    let test = as_permitted(stopped, |_| Objects::Some(of("grace"))).await;
    let page = |pairs: &[(&str, &str)]| FindApplications { criteria: criteria(pairs) };
    for pairs in [&[][..], &[("q", "1.27")], &[("filter", r#"{"architect":{"in":"ada,grace"}}"#)]] {
        let found = test.ask(page(pairs)).await.unwrap();
        assert_eq!((found.items, found.total), (vec![graces.clone()], Some(1)), "{pairs:?}");
    }
    let hidden = test.ask(page(&[("filter", r#"{"architect":{"eq":"ada"}}"#)])).await.unwrap();
    assert_eq!((hidden.items.len(), hidden.total), (0, Some(0)));
    test.finish().await;
}

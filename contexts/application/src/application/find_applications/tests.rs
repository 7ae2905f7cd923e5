//! The list of applications, on a real database.

use std::time::Duration;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use servertree_kernel::criteria::ListView;
use servertree_kernel::domain::Precondition;
use servertree_kernel::testkit::{Testbed, criteria};

use super::*;
use crate::CONTEXT;
use crate::application::discard_application::DiscardApplication;
use crate::application::register_application::RegisterApplication;
use crate::domain::Specification;

fn page(pairs: &[(&str, &str)]) -> FindApplications {
    FindApplications { criteria: criteria(pairs) }
}

fn names_of(page: &Slice<ApplicationView>) -> Vec<String> {
    page.items.iter().map(|application| format!("{} {}", application.name, application.version)).collect()
}

fn register(name: &str, version: &str, architect: &str) -> RegisterApplication {
    let json = json!({"name": name, "version": version, "architect": architect});
    let specification: Specification = servertree_kernel::fields::parse(json).unwrap();
    RegisterApplication { specification }
}

const NAMES: [&str; 4] = ["nginx", "Apache", "Größe_100%", "apache tomcat"];
const VERSIONS: [&str; 3] = ["1.27", "RC!", "10"];
const ARCHITECTS: [&str; 3] = ["Ada", "web team", "ÉTÉ"];

/// Twelve of them, each different, a minute apart; the first one is discarded.
async fn populate(test: &Testbed) {
    for (number, name) in NAMES.iter().enumerate() {
        for (nth, version) in VERSIONS.iter().enumerate() {
            let architect = ARCHITECTS[(number + nth) % ARCHITECTS.len()];
            let id = test.dispatch(register(name, version, architect)).await.unwrap().id;
            if number + nth == 0 {
                test.dispatch(DiscardApplication { id, precondition: Precondition::Any }).await.unwrap();
            }
            test.clock.advance(Duration::from_secs(60));
        }
    }
}

#[tokio::test]
async fn pages_are_sorted_by_name_without_regard_to_case() {
    let test = Testbed::of(&[&CONTEXT]).start().await;
    for name in ["b", "A", "d", "C"] {
        test.dispatch(register(name, "1", "ada")).await.unwrap();
    }
    let first = test.ask(page(&[("limit", "3")])).await.unwrap();
    assert_eq!((names_of(&first), first.total), (["A 1", "b 1", "C 1"].map(str::to_owned).into(), Some(4)));
    let next = first.next_cursor.unwrap();
    let second = test.ask(page(&[("limit", "3"), ("cursor", &next)])).await.unwrap();
    assert_eq!((names_of(&second), second.total), (vec!["d 1".to_owned()], Some(4)));
    let down = test.ask(page(&[("sort", r#"[{"name":"desc"}]"#)])).await.unwrap();
    assert_eq!(names_of(&down), ["d 1", "C 1", "b 1", "A 1"]);
    test.finish().await;
}

/// Forth by cursors and back again, over orders with equal keys.
#[tokio::test]
async fn cursors_lead_through_the_list_in_both_directions() {
    let test = Testbed::of(&[&CONTEXT]).start().await;
    populate(&test).await;
    for sort in [
        r#"[{"name":"asc"}]"#,
        r#"[{"name":"desc"}]"#,
        r#"[{"architect":"desc"},{"version":"asc"}]"#,
        r#"[{"created_at":"desc"}]"#,
    ] {
        let whole = names_of(&test.ask(page(&[("sort", sort)])).await.unwrap());
        assert_eq!(whole.len(), 11);
        let ask = async |cursor: Option<&str>| {
            let mut pairs = vec![("sort", sort), ("limit", "3")];
            pairs.extend(cursor.map(|cursor| ("cursor", cursor)));
            test.ask(page(&pairs)).await.unwrap()
        };
        let mut part = ask(None).await;
        let mut forth = names_of(&part);
        while let Some(next) = part.next_cursor.clone() {
            part = ask(Some(&next)).await;
            forth.extend(names_of(&part));
        }
        assert_eq!(forth, whole, "{sort}");
        let mut back = names_of(&part);
        while let Some(prev) = part.prev_cursor.clone() {
            part = ask(Some(&prev)).await;
            back.splice(0..0, names_of(&part));
        }
        assert_eq!(back, whole, "{sort}");
    }
    test.finish().await;
}

#[tokio::test]
async fn a_search_finds_every_word_in_name_version_or_architect() {
    let test = Testbed::of(&[&CONTEXT]).start().await;
    populate(&test).await;
    for (words, expected) in [
        ("NGINX", 2),
        ("apache", 6),
        ("apache tomcat", 3),
        ("größe ada", 1),
        ("100%", 3),
        ("été rc!", 1),
        ("team web", 4),
        ("ginxrc", 0),
        ("\0", 0),
    ] {
        let found = test.ask(page(&[("q", words)])).await.unwrap();
        assert_eq!(found.total, Some(expected), "{words}: {:?}", names_of(&found));
    }
    test.finish().await;
}

/// A condition on some field, with values that are there, nearly there, or nonsense.
fn condition() -> impl Strategy<Value = (String, Value)> {
    let near = ["NGINX", "apache", "e", "%", "_1", "!", "é", "GRÖSSE", "größe_", "'; --", "a\0b", "", "𝔘"];
    let known = NAMES.into_iter().chain(VERSIONS).chain(ARCHITECTS).chain(near).collect::<Vec<_>>();
    let texts = prop::sample::select(known).prop_map(Value::from).boxed();
    let times = (0..14_u32).prop_map(|minute| Value::from(format!("2026-01-31T10:{minute:02}:00Z"))).boxed();
    let compared = |fields: &'static [&'static str], values: BoxedStrategy<Value>| {
        let one: &[&str] = &["eq", "ne", "gt", "ge", "lt", "le"];
        let many = prop::collection::vec(values.clone(), 0..4).prop_map(|values| ("in", Value::from(values)));
        let two = prop::collection::vec(values.clone(), 2).prop_map(|values| ("btw", Value::from(values)));
        let empty = any::<bool>().prop_map(|empty| ("em", Value::from(empty)));
        let condition =
            prop_oneof![4 => (prop::sample::select(one), values), 1 => many, 1 => two, 1 => empty];
        (prop::sample::select(fields), condition)
            .prop_map(|(field, (operator, value))| (field.to_owned(), json!({ operator: value })))
    };
    const TEXTS: &[&str] = &["name", "version", "architect"];
    let contained = (prop::sample::select(TEXTS), prop_oneof![Just("lk"), Just("sw")], texts.clone())
        .prop_map(|(field, operator, value)| (field.to_owned(), json!({ operator: value })));
    prop_oneof![
        3 => compared(TEXTS, texts),
        3 => contained,
        1 => compared(&["revision"], (0..4_i64).prop_map(Value::from).boxed()),
        1 => compared(&["created_at", "modified_at"], times),
        1 => compared(&["discarded"], any::<bool>().prop_map(Value::from).boxed()),
    ]
}

/// Whatever the filter, the database finds just the applications that match it in memory.
#[tokio::test]
async fn the_database_and_memory_agree_on_every_filter() {
    let test = Testbed::of(&[&CONTEXT]).start().await;
    populate(&test).await;
    let everything = [("filter", r#"{"discarded":{"in":[true,false]}}"#)];
    let all = test.ask(page(&everything)).await.unwrap().items;
    assert_eq!(all.len(), 12);
    let mut runner = TestRunner::deterministic();
    let filters = prop::collection::vec(condition(), 1..4)
        .prop_map(|conditions| Value::Object(conditions.into_iter().collect()));
    let mut found_some = 0;
    for _ in 0..300 {
        let filter = filters.new_tree(&mut runner).unwrap().current().to_string();
        let query = page(&[("filter", &filter)]);
        let leaves_out_discarded = !query.criteria.filters_by("discarded");
        let is_expected = |application: &&ApplicationView| {
            let object = serde_json::to_value(application).unwrap();
            query.criteria.matches(&object) && !(leaves_out_discarded && application.discarded)
        };
        let expected: Vec<ApplicationView> = all.iter().filter(is_expected).cloned().collect();
        let found = test.ask(query).await.unwrap();
        assert_eq!(found.items, expected, "{filter}");
        assert_eq!(found.total, Some(u64::try_from(expected.len()).unwrap()), "{filter}");
        found_some += usize::from(!expected.is_empty());
    }
    assert!(found_some > 60, "only {found_some} of the filters found anything");
    test.finish().await;
}

#[test]
fn every_field_of_it_can_be_shown_and_compared() {
    let now = servertree_kernel::domain::Timestamp::from_micros(0);
    let specification = register("nginx", "1.27", "ada").specification;
    let application = crate::domain::Application::register(uuid::Uuid::nil().into(), specification, now);
    let view = serde_json::to_value(ApplicationView::from(&application)).unwrap();
    let names: Vec<&str> = view.as_object().unwrap().keys().map(String::as_str).collect();
    for field in ApplicationView::FIELDS {
        assert!(names.contains(&field.api_name()), "{}", field.api_name());
    }
    assert!(names.iter().all(|name| ApplicationView::SHOWN.contains(name)), "{names:?}");
    assert_eq!(names.len(), ApplicationView::SHOWN.len());
}

//! Find what happened to an application.

use std::sync::Arc;

use async_trait::async_trait;
use servertree_kernel::criteria::{Criteria, Slice};
use servertree_kernel::history::{History, HistoryEntry};
use servertree_kernel::message::Message;
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::query::{Query, QueryHandler};
use servertree_kernel::uow::ReadUow;
use shaku::Component;

use super::find_application::ApplicationViews;
use crate::domain::ApplicationId;
use crate::error::Error;

/// Find who changed what about an application, discarded or not, and when: whoever may see it sees that, too.
pub struct FindApplicationHistory {
    pub id: ApplicationId,
    pub criteria: Criteria<HistoryEntry>,
}

impl Query for FindApplicationHistory {
    type Output = Slice<HistoryEntry>;
    const NAME: &'static str = "application.find_application_history";
    const NEEDS: Permission = Permission::new("read", "application");
}

#[derive(Component)]
#[shaku(interface = QueryHandler<FindApplicationHistory>)]
pub struct Handler {
    #[shaku(inject)]
    views: Arc<dyn ApplicationViews>,
}

#[async_trait]
impl QueryHandler<FindApplicationHistory> for Handler {
    async fn handle(
        &self,
        query: FindApplicationHistory,
        uow: &mut ReadUow,
        message: &Message,
    ) -> Result<Slice<HistoryEntry>, Failure> {
        let found = self.views.find(query.id, uow).await?.ok_or(Error::NotFound(query.id))?;
        message.access.permit(|| &found, Error::NotFound(query.id))?;
        History::of(query.id).page(&query.criteria, uow).await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};
    use servertree_kernel::clock::Clock;
    use servertree_kernel::domain::Precondition;
    use servertree_kernel::message::Caller;
    use servertree_kernel::problem::Kind;
    use servertree_kernel::testkit::{Testbed, criteria};

    use super::*;
    use crate::CONTEXT;
    use crate::application::discard_application::DiscardApplication;
    use crate::application::modify_application::ModifyApplication;
    use crate::application::register_application::RegisterApplication;
    use crate::application::restore_application::RestoreApplication;
    use crate::domain::samples::specification;

    fn history(id: ApplicationId, pairs: &[(&str, &str)]) -> FindApplicationHistory {
        FindApplicationHistory { id, criteria: criteria(pairs) }
    }

    /// An application that was registered, modified, discarded and restored, a minute apart; among others.
    async fn given(test: &Testbed) -> ApplicationId {
        let register = |name| RegisterApplication { specification: specification(name, "1.27") };
        let ada = Caller::named("ada");
        let id = test.dispatch_as(&ada, register("nginx")).await.unwrap().id;
        let other = test.dispatch(register("apache")).await.unwrap().id;
        let precondition = Precondition::Any;
        let modify = |id, name| ModifyApplication {
            id,
            specification: specification(name, "1.28"),
            precondition: precondition.clone(),
        };
        test.clock.advance(Duration::from_secs(60));
        test.dispatch(modify(id, "nginx")).await.unwrap();
        test.clock.advance(Duration::from_secs(60));
        test.dispatch_as(&ada, DiscardApplication { id, precondition: precondition.clone() }).await.unwrap();
        test.dispatch(modify(other, "apache")).await.unwrap();
        test.clock.advance(Duration::from_secs(60));
        test.dispatch(RestoreApplication { id, precondition }).await.unwrap();
        id
    }

    fn revisions(slice: &Slice<HistoryEntry>) -> Vec<u64> {
        slice.items.iter().map(|entry| entry.revision).collect()
    }

    #[tokio::test]
    async fn it_says_who_changed_what_when_and_from_which_value_to_which() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        let start = test.clock.now();
        let id = given(&test).await;
        let told = test.ask(history(id, &[])).await.unwrap();
        let entry = |minutes: u64, actor: &str, what: &str, revision: u64, changes: Value| {
            json!({
                "at": start.after(Duration::from_secs(60 * minutes)), "actor": actor, "request_id": "test",
                "event_type": format!("application.{what}"), "revision": revision, "changes": changes,
            })
        };
        let change = |field: &str, old: Value, new: Value| json!({"field": field, "old": old, "new": new});
        let expected = json!([
            entry(3, "tester", "restored", 4, json!([change("discarded", json!(true), json!(false))])),
            entry(2, "ada", "discarded", 3, json!([change("discarded", json!(false), json!(true))])),
            entry(1, "tester", "modified", 2, json!([change("version", json!("1.27"), json!("1.28"))])),
            entry(
                0,
                "ada",
                "registered",
                1,
                json!([
                    change("architect", json!(null), json!("web team")),
                    change("name", json!(null), json!("nginx")),
                    change("version", json!(null), json!("1.27")),
                ])
            ),
        ]);
        assert_eq!((serde_json::to_value(&told.items).unwrap(), told.total), (expected, Some(4)));
        test.finish().await;
    }

    #[tokio::test]
    async fn it_is_a_list() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        let id = given(&test).await;
        for (pairs, expected, total) in [
            (&[("limit", "2")][..], vec![4, 3], Some(4)),
            (&[("limit", "2"), ("offset", "2"), ("count", "none")], vec![2, 1], None),
            (&[("sort", r#"[{"revision":"asc"}]"#)], vec![1, 2, 3, 4], Some(4)),
            (&[("sort", r#"[{"at":"asc"}]"#), ("limit", "3")], vec![1, 2, 3], Some(4)),
            (&[("filter", r#"{"actor":{"eq":"ada"}}"#)], vec![3, 1], Some(2)),
            (&[("filter", r#"{"actor":{"lk":"EST"}}"#)], vec![4, 2], Some(2)),
            (
                &[("filter", r#"{"event_type":{"in":"application.registered,application.restored"}}"#)],
                vec![4, 1],
                Some(2),
            ),
            (&[("filter", r#"{"revision":{"btw":[2,3]}}"#)], vec![3, 2], Some(2)),
            (&[("filter", r#"{"at":{"gt":"2000-01-01T00:00:00Z"},"revision":{"lt":2}}"#)], vec![1], Some(1)),
            (&[("filter", r#"{"event_type":{"eq":"server.modified"}}"#)], vec![], Some(0)),
        ] {
            let told = test.ask(history(id, pairs)).await.unwrap();
            assert_eq!((revisions(&told), told.total), (expected, total), "{pairs:?}");
        }
        for unknown in ["q", "subject"] {
            let refused = Criteria::<HistoryEntry>::parse(&[(unknown.to_owned(), "x".to_owned())]);
            assert!(refused.unwrap_err().to_string().starts_with(unknown));
        }
        test.finish().await;
    }

    #[tokio::test]
    async fn cursors_lead_through_it_in_both_directions() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        let id = given(&test).await;
        for sort in ["revision", "at"].map(|field| format!(r#"[{{"{field}":"desc"}}]"#)) {
            let ask = async |cursor: Option<&str>| {
                let mut pairs = vec![("limit", "1"), ("sort", sort.as_str())];
                pairs.extend(cursor.map(|cursor| ("cursor", cursor)));
                test.ask(history(id, &pairs)).await.unwrap()
            };
            let mut page = ask(None).await;
            let mut seen = revisions(&page);
            while let Some(next) = page.next_cursor.clone() {
                page = ask(Some(&next)).await;
                seen.extend(revisions(&page));
            }
            while let Some(back) = page.prev_cursor.clone() {
                page = ask(Some(&back)).await;
                seen.extend(revisions(&page));
            }
            assert_eq!(seen, [4, 3, 2, 1, 2, 3, 4], "{sort}");
        }
        test.finish().await;
    }

    /// However long it is, a page of it is two statements: the application, and its entries.
    #[tokio::test]
    async fn it_makes_no_query_per_entry() {
        let mut test = Testbed::of(&[&CONTEXT]).start().await;
        let id = given(&test).await;
        let database = test.quiet_database().await;
        let before = database.statements();
        assert_eq!(test.ask(history(id, &[])).await.unwrap().items.len(), 4);
        assert_eq!(database.statements() - before, 2);
        test.resume().await;
        test.finish().await;
    }

    #[tokio::test]
    async fn what_is_not_there_has_none() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        let nobody = test.ask(history(uuid::Uuid::nil().into(), &[])).await.unwrap_err();
        assert_eq!(nobody.kind(), Kind::NotFound);
        test.finish().await;
    }
}

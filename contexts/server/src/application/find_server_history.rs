//! Find what happened to a server.

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

use super::find_credential;
use super::find_server::ServerViews;
use crate::domain::ServerId;
use crate::error::Error;

/// Find who changed what about a server, discarded or not, and when: whoever may see it sees that, too, and whoever may see its
/// credentials what became of those.
pub struct FindServerHistory {
    pub id: ServerId,
    pub criteria: Criteria<HistoryEntry>,
}

impl Query for FindServerHistory {
    type Output = Slice<HistoryEntry>;
    const NAME: &'static str = "server.find_server_history";
    const NEEDS: Permission = Permission::new("read", "server");
    const ALSO: &'static [Permission] = &[find_credential::READ];
}

#[derive(Component)]
#[shaku(interface = QueryHandler<FindServerHistory>)]
pub struct Handler {
    #[shaku(inject)]
    views: Arc<dyn ServerViews>,
}

#[async_trait]
impl QueryHandler<FindServerHistory> for Handler {
    async fn handle(
        &self,
        query: FindServerHistory,
        uow: &mut ReadUow,
        message: &Message,
    ) -> Result<Slice<HistoryEntry>, Failure> {
        let found = self.views.find(query.id, uow).await?.ok_or(Error::NotFound(query.id))?;
        message.access.permit(|| &found, Error::NotFound(query.id))?;
        let mut history = History::of(query.id);
        if !message.access.covers(find_credential::READ, || &found) {
            history = history.without(find_credential::OBJECT.name);
        }
        history.page(&query.criteria, uow).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use servertree_kernel::criteria::{Filter, ListView};
    use servertree_kernel::domain::Precondition;
    use servertree_kernel::merge_patch::MergePatch;
    use servertree_kernel::testkit::{Objects, Permit, Testbed, criteria};

    use super::*;
    use crate::CONTEXT;
    use crate::application::change_credential::ChangeCredential;
    use crate::application::change_server_status::ChangeServerStatus;
    use crate::application::discard_server::DiscardServer;
    use crate::application::find_server::ServerView;
    use crate::application::patch_server::PatchServer;
    use crate::application::register_server::RegisterServer;
    use crate::application::remove_credential::RemoveCredential;
    use crate::application::reveal_credential::RevealCredential;
    use crate::domain::samples::{credential, draft};
    use crate::domain::{CredentialDrafts, CredentialId, RevealReason, ServerDraft, Status};

    fn history(id: ServerId, pairs: &[(&str, &str)]) -> FindServerHistory {
        FindServerHistory { id, criteria: criteria(pairs) }
    }

    /// A server with a life behind it, and the credential that it had.
    async fn given(test: &Testbed) -> (ServerId, CredentialId) {
        let root =
            json!({"connection_type": "ssh", "username": "root", "password": "hunter2", "local_ip": "::1"});
        let credentials = CredentialDrafts::Replace(vec![credential(root)]);
        let draft = ServerDraft { credentials, ..draft("web-1") };
        let registered = test.dispatch(RegisterServer { draft }).await.unwrap();
        let (id, known) = (registered.id, registered.shown_credentials()[0].id);
        let any = Precondition::Any;
        let patch = MergePatch::new(json!({"cpu_cores": 8, "operating_system": {"version": "13"}})).unwrap();
        test.dispatch(PatchServer { id, patch, precondition: any.clone() }).await.unwrap();
        let status = ChangeServerStatus { id, status: Status::Running, precondition: any.clone() };
        test.dispatch(status).await.unwrap();
        let admin =
            json!({"connection_type": "ssh", "username": "admin", "password": "hunter3", "local_ip": "::1"});
        let precondition = any.clone();
        test.dispatch(ChangeCredential {
            server: id,
            credential: known,
            draft: credential(admin),
            precondition,
        })
        .await
        .unwrap();
        let reason = RevealReason::parse("disk full".to_owned()).unwrap();
        test.dispatch(RevealCredential { server: id, credential: known, reason }).await.unwrap();
        test.dispatch(RemoveCredential { server: id, credential: known, precondition: any.clone() })
            .await
            .unwrap();
        test.dispatch(DiscardServer { id, precondition: any }).await.unwrap();
        (id, known)
    }

    /// Revision, event, and each change.
    type Told = (u64, String, Vec<(String, Value, Value)>);

    /// What each entry says, the newest first.
    fn told(slice: &Slice<HistoryEntry>) -> Vec<Told> {
        let entries = slice.items.iter().map(|entry| {
            let changes = entry.changes.iter();
            let changes =
                changes.map(|change| (change.field.clone(), change.old.clone(), change.new.clone()));
            (entry.revision, entry.event_type.trim_start_matches("server.").to_owned(), changes.collect())
        });
        entries.collect()
    }

    fn of_server(revision: u64, what: &str, changes: &[(&str, Value, Value)]) -> Told {
        let changes = changes.iter().map(|(field, old, new)| ((*field).to_owned(), old.clone(), new.clone()));
        (revision, what.to_owned(), changes.collect())
    }

    #[tokio::test]
    async fn it_tells_of_the_server_and_of_its_credentials() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        let (id, known) = given(&test).await;
        let of_credential = |revision, what: &str, changes: &[(&str, Value, Value)]| {
            let place = |(field, old, new): &(&str, Value, Value)| {
                (format!("credentials.{known}.{field}"), old.clone(), new.clone())
            };
            (revision, format!("credential.{what}"), changes.iter().map(place).collect::<Vec<_>>())
        };
        let null = || Value::Null;
        let expected = [
            of_server(7, "discarded", &[("discarded", json!(false), json!(true))]),
            of_credential(
                6,
                "removed",
                &[("connection_type", json!("ssh"), null()), ("username", json!("admin"), null())],
            ),
            of_credential(
                5,
                "revealed",
                &[
                    ("connection_type", null(), json!("ssh")),
                    ("reason", null(), json!("disk full")),
                    ("username", null(), json!("admin")),
                ],
            ),
            of_credential(
                4,
                "changed",
                &[("username", json!("root"), json!("admin")), ("password_changed", null(), json!(true))],
            ),
            of_server(3, "status.changed", &[("status", json!("stopped"), json!("running"))]),
            of_server(
                2,
                "modified",
                &[("cpu_cores", json!(4), json!(8)), ("operating_system.version", json!("12"), json!("13"))],
            ),
            of_credential(
                1,
                "added",
                &[
                    ("connection_type", null(), json!("ssh")),
                    ("has_password", null(), json!(true)),
                    ("local_ip", null(), json!("::1")),
                    ("username", null(), json!("root")),
                ],
            ),
            of_server(
                1,
                "registered",
                &[
                    ("cpu_cores", null(), json!(4)),
                    ("environment", null(), json!("production")),
                    ("hdd_mib", null(), json!(102_400)),
                    ("name", null(), json!("web-1")),
                    ("operating_system.architecture", null(), json!("x86_64")),
                    ("operating_system.name", null(), json!("Debian")),
                    ("operating_system.version", null(), json!("12")),
                    ("ram_mib", null(), json!(8192)),
                    ("status", null(), json!("stopped")),
                ],
            ),
        ];
        let whole = test.ask(history(id, &[])).await.unwrap();
        assert_eq!((told(&whole), whole.total), (expected.to_vec(), Some(8)));
        assert!(!serde_json::to_string(&whole.items).unwrap().contains("hunter"), "a secret is told");

        // Two entries of one revision are on pages of their own.
        let first = test.ask(history(id, &[("limit", "7")])).await.unwrap();
        assert_eq!(told(&first), expected[..7]);
        let cursor = first.next_cursor.unwrap();
        let last = test.ask(history(id, &[("limit", "7"), ("cursor", &cursor)])).await.unwrap();
        assert_eq!((told(&last), last.next_cursor), (expected[7..].to_vec(), None));
        test.finish().await;
    }

    /// What became of the credentials is for those who may see them, on this server: it is neither shown nor found nor counted.
    #[tokio::test]
    async fn of_credentials_it_tells_those_who_may_see_them() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        let (id, _) = given(&test).await;
        let mut stopped = test.stop().await;
        let in_environment =
            |name: &str| Filter::parse(ServerView::FIELDS, &json!({"environment": {"eq": name}})).unwrap();
        for (seen, expected) in [(None, 4_u64), (Some("staging"), 4), (Some("production"), 8)] {
            let test = Testbed::of(&[&CONTEXT])
                .permissions(Permit(move |permission: Permission| match (permission.object_type, seen) {
                    ("server.credential", None) => Objects::None,
                    ("server.credential", Some(environment)) => Objects::Some(in_environment(environment)),
                    _ => Objects::All,
                }))
                .after(stopped)
                .start()
                .await;
            let shown = test.ask(history(id, &[])).await.unwrap();
            assert_eq!((told(&shown).len() as u64, shown.total), (expected, Some(expected)), "{seen:?}");
            let of_credentials = [("filter", r#"{"event_type":{"sw":"server.credential"}}"#)];
            let found = test.ask(history(id, &of_credentials)).await.unwrap();
            assert_eq!(found.total, Some(expected - 4), "{seen:?}");
            assert_eq!(told(&shown).iter().any(|(_, what, _)| what.starts_with("credential")), expected > 4);
            stopped = test.stop().await;
        }
    }
}

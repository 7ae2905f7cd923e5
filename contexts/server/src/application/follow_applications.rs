//! Hear of applications.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde::de::IgnoredAny;
use servertree_kernel::event::{Envelope, EventHandler, Start, Subscription};
use servertree_kernel::message::Message;
use servertree_kernel::problem::{Failure, Internal};
use servertree_kernel::uow::WriteUow;
use shaku::Component;
use utoipa::ToSchema;

use crate::domain::{Application, ApplicationId, ApplicationRepository};

/// What the events of applications tell: all of one that is registered, discarded or restored; of one that is modified the fields
/// that changed.
#[derive(Deserialize, ToSchema)]
pub struct FollowApplications {
    name: Option<String>,
    version: Option<String>,
    #[serde(default)]
    changes: Vec<Change>,
}

#[derive(Deserialize, ToSchema)]
struct Change {
    field: String,
    #[schema(value_type = serde_json::Value)]
    new: New,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum New {
    Text(String),
    Other(IgnoredAny),
}

impl Subscription for FollowApplications {
    const NAME: &'static str = "server.applications";
    const EVENTS: &'static [&'static str] =
        &["application.registered", "application.modified", DISCARDED, "application.restored"];
    const START: Start = Start::Beginning;
    const PROJECTION: Option<&'static str> = Some(KNOWN_APPLICATIONS);
}

/// The table with what is known of applications; the tag of what is made of it.
pub const KNOWN_APPLICATIONS: &str = "server_applications";

const DISCARDED: &str = "application.discarded";

#[derive(Component)]
#[shaku(interface = EventHandler<FollowApplications>)]
pub struct Handler {
    #[shaku(inject)]
    applications: Arc<dyn ApplicationRepository>,
}

#[async_trait]
impl EventHandler<FollowApplications> for Handler {
    async fn handle(
        &self,
        data: FollowApplications,
        event: &Envelope,
        uow: &mut WriteUow,
        _: &Message,
    ) -> Result<(), Failure> {
        let id = event.subject.into();
        let known = match self.applications.find(id, uow).await? {
            Some((_, revision)) if revision >= event.revision => return Ok(()),
            known => known.map(|(application, _)| application),
        };
        let application = data.told_of(id, known, event)?;
        Ok(self.applications.save(&application, event.revision, uow).await?)
    }
}

impl FollowApplications {
    /// What the application is by now, which was `known` until then.
    fn told_of(
        self,
        id: ApplicationId,
        known: Option<Application>,
        event: &Envelope,
    ) -> Result<Application, Internal> {
        let unknown =
            || Internal(format!("{} tells of an application that nobody told of before", event.event_type));
        let whole = self.name.zip(self.version).map(|(name, version)| Application {
            id,
            name,
            version,
            discarded: event.event_type == DISCARDED,
        });
        let mut application = whole.or(known).ok_or_else(unknown)?;
        for Change { field, new } in self.changes {
            match (field.as_str(), new) {
                ("name", New::Text(name)) => application.name = name,
                ("version", New::Text(version)) => application.version = version,
                _ => {}
            }
        }
        Ok(application)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use servertree_kernel::domain::{Precondition, Revision};
    use servertree_kernel::testkit::Testbed;

    use super::*;
    use crate::CONTEXT;
    use crate::application::find_server::FindServer;
    use crate::application::modify_server::ModifyServer;
    use crate::application::register_server::RegisterServer;
    use crate::domain::ServerDraft;
    use crate::domain::samples::{application, draft, installations, register_applications};

    /// No server is written for it, and each shows it.
    #[tokio::test]
    async fn what_is_heard_shows_on_servers() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        register_applications(&test, &["nginx"]).await;
        let with = || ServerDraft { applications: installations(&["nginx"]), ..draft("web-1") };
        let server = test.dispatch(RegisterServer { draft: with() }).await.unwrap();
        let whole = |name: &str, version: &str| json!({"name": name, "version": version, "architect": "x", "later": []});
        let changed = |changes: Value| json!({ "changes": changes });
        let change = |field: &str, new: Value| json!({"field": field, "old": null, "new": new, "why": "x"});
        let renamed = changed(json!([change("name", json!("Nginx")), change("architect", json!("ada"))]));
        let bumped = changed(json!([change("version", json!("1.28")), change("tags", json!([1]))]));
        let steps: [(Revision, &str, Value, [&str; 2], bool); 7] = [
            (3, "modified", renamed, ["Nginx", "1.27"], false),
            (4, "modified", bumped.clone(), ["Nginx", "1.28"], false),
            (6, "discarded", whole("Nginx", "1.28"), ["Nginx", "1.28"], true),
            (7, "modified", changed(json!([change("architect", json!("bob"))])), ["Nginx", "1.28"], true),
            (9, "restored", whole("Nginx", "1.29"), ["Nginx", "1.29"], false),
            // What is not newer than what is known changes nothing.
            (8, "discarded", whole("Nginx", "1.29"), ["Nginx", "1.29"], false),
            (2, "modified", bumped, ["Nginx", "1.29"], false),
        ];
        let id = application("nginx").id;
        for (revision, name, data, expected, discarded) in steps {
            test.publish(&format!("application.{name}"), id, revision, data).await;
            test.delivered().await;
            let found = test.ask(FindServer { id: server.id }).await.unwrap();
            let shown = &found.applications[0];
            assert_eq!(
                ([shown.name.as_str(), &shown.version], shown.application_discarded, found.revision),
                (expected, discarded, 1),
                "{name} {revision}"
            );
        }
        // What is put back is what is known by now.
        let put = ModifyServer { id: server.id, draft: with(), precondition: Precondition::Any };
        assert_eq!(test.dispatch(put).await.unwrap(), test.ask(FindServer { id: server.id }).await.unwrap());
        test.finish().await;
    }

    /// Applications that were there before this context was are known, too.
    #[tokio::test]
    async fn it_begins_at_the_beginning() {
        static BEFORE: servertree_kernel::plugin::Context =
            servertree_kernel::plugin::Context { register: |_, _| {}, ..CONTEXT };
        let test = Testbed::of(&[&BEFORE]).start().await;
        let nginx = application("nginx");
        test.publish(
            "application.registered",
            nginx.id,
            1,
            json!({"name": nginx.name, "version": nginx.version}),
        )
        .await;
        test.dispatched().await;
        let test = Testbed::of(&[&CONTEXT]).after(test.stop().await).start().await;
        let register = || RegisterServer {
            draft: ServerDraft { applications: installations(&["nginx"]), ..draft("web-1") },
        };
        let registered = async || test.dispatch(register()).await.ok();
        let server = test.eventually("nginx can be installed", registered).await;
        assert_eq!(server.applications[0].name, "nginx");
        test.finish().await;
    }

    #[tokio::test]
    async fn made_again_of_the_same_events_it_is_the_same() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        register_applications(&test, &["apache", "nginx"]).await;
        let draft = ServerDraft { applications: installations(&["apache", "nginx"]), ..draft("web-1") };
        let server = test.dispatch(RegisterServer { draft }).await.unwrap();
        let changes = json!([{"field": "name", "old": "nginx", "new": "Nginx"}]);
        test.publish("application.modified", application("nginx").id, 2, json!({ "changes": changes })).await;
        test.publish(
            "application.discarded",
            application("apache").id,
            2,
            json!({"name": "apache", "version": "1.27"}),
        )
        .await;
        test.delivered().await;
        let before = test.ask(FindServer { id: server.id }).await.unwrap();
        assert_ne!(before, server);
        assert_eq!(test.rebuild(FollowApplications::NAME).await, 4);
        assert_eq!(test.ask(FindServer { id: server.id }).await.unwrap(), before);
        test.finish().await;
    }
}

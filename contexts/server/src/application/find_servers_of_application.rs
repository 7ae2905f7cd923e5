//! Find the servers on which an application is installed.

use std::sync::Arc;

use async_trait::async_trait;
use servertree_kernel::attempts::Patience;
use servertree_kernel::criteria::{Criteria, Slice};
use servertree_kernel::message::Message;
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::query::{Query, QueryHandler};
use servertree_kernel::uow::ReadUow;
use shaku::Component;

use super::find_credential;
use super::find_server::{ServerView, ServerViews};
use super::find_servers::page_of;
use crate::domain::ApplicationId;
use crate::error::Error;

/// Of the servers with this application, discarded or not, find those that meet the criteria.
pub struct FindServersOfApplication {
    pub application: ApplicationId,
    pub criteria: Criteria<ServerView>,
}

impl Query for FindServersOfApplication {
    type Output = Slice<ServerView>;
    const NAME: &'static str = "server.find_servers_of_application";
    const NEEDS: Permission = Permission::new("read", "server");
    const ALSO: &'static [Permission] = &[find_credential::READ];
}

#[derive(Component)]
#[shaku(interface = QueryHandler<FindServersOfApplication>)]
pub struct Handler {
    #[shaku(inject)]
    views: Arc<dyn ServerViews>,
}

#[async_trait]
impl QueryHandler<FindServersOfApplication> for Handler {
    async fn handle(
        &self,
        query: FindServersOfApplication,
        uow: &mut ReadUow,
        message: &Message,
    ) -> Result<Slice<ServerView>, Failure> {
        let FindServersOfApplication { application, criteria } = query;
        let with_it = ServerView::with_application(application);
        let page = page_of(&*self.views, &criteria, with_it, uow, message).await?;
        let mut patience = Patience::new();
        // What is installed somewhere is known.
        while page.items.is_empty() && !self.views.knows_application(application, uow).await? {
            if !patience.wait().await {
                return Err(Error::NoApplication(application).into());
            }
        }
        Ok(page)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use servertree_kernel::problem::Kind;
    use servertree_kernel::testkit::Testbed;

    use super::*;
    use crate::CONTEXT;
    use crate::application::register_server::RegisterServer;
    use crate::domain::ServerDraft;
    use crate::domain::samples::{application, draft, installations, register_applications};

    #[tokio::test]
    async fn they_are_those_with_the_application() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        register_applications(&test, &["a", "b", "c"]).await;
        for (name, applications) in [("web-1", &["a"][..]), ("web-2", &["a", "b"]), ("web-3", &[])] {
            let draft = ServerDraft { applications: installations(applications), ..draft(name) };
            test.dispatch(RegisterServer { draft }).await.unwrap();
        }
        let a = application("a").id;
        test.publish("application.discarded", a, 2, json!({"name": "a", "version": "1.27"})).await;
        test.delivered().await;
        let ask = async |name: &str, pairs: &[(&str, &str)]| {
            let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
            let criteria = Criteria::parse(&pairs).unwrap();
            test.ask(FindServersOfApplication { application: application(name).id, criteria }).await
        };
        for (name, pairs, expected) in [
            ("a", &[][..], &["web-1", "web-2"][..]),
            ("a", &[("filter", r#"{"applications.name":{"eq":"B"}}"#)], &["web-2"]),
            ("a", &[("sort", r#"[{"name":"desc"}]"#), ("limit", "1")], &["web-2"]),
            ("a", &[("q", "web-3")], &[]),
            ("b", &[], &["web-2"]),
            ("c", &[], &[]),
        ] {
            let page = ask(name, pairs).await.unwrap();
            let names: Vec<&str> = page.items.iter().map(|server| server.name.as_str()).collect();
            assert_eq!(names, expected, "{name} {pairs:?}");
        }
        assert_eq!(ask("d", &[]).await.unwrap_err().kind(), Kind::NotFound);
        test.finish().await;
    }
}

//! Find many servers: a page of the list.

use std::sync::Arc;

use async_trait::async_trait;
use servertree_kernel::criteria::{Criteria, Slice};
use servertree_kernel::message::Message;
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::query::{Query, QueryHandler};
use servertree_kernel::uow::ReadUow;
use shaku::Component;

use super::find_server::{ServerView, ServerViews};

/// Find the servers that meet the criteria and are not discarded.
pub struct FindServers {
    pub criteria: Criteria<ServerView>,
}

impl Query for FindServers {
    type Output = Slice<ServerView>;
    const NAME: &'static str = "server.find_servers";
    const NEEDS: Permission = Permission::new("read", "server");
}

#[derive(Component)]
#[shaku(interface = QueryHandler<FindServers>)]
pub struct Handler {
    #[shaku(inject)]
    views: Arc<dyn ServerViews>,
}

#[async_trait]
impl QueryHandler<FindServers> for Handler {
    async fn handle(
        &self,
        query: FindServers,
        uow: &mut ReadUow,
        _: &Message,
    ) -> Result<Slice<ServerView>, Failure> {
        Ok(self.views.list(&query.criteria, uow).await?)
    }
}

#[cfg(test)]
mod tests {
    use servertree_kernel::domain::Precondition;
    use servertree_kernel::testkit::Testbed;

    use super::*;
    use crate::CONTEXT;
    use crate::application::discard_server::DiscardServer;
    use crate::application::register_server::RegisterServer;
    use crate::domain::samples::specification;

    fn page(pairs: &[(&str, &str)]) -> FindServers {
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        FindServers { criteria: Criteria::parse(&pairs).unwrap() }
    }

    fn names(page: &Slice<ServerView>) -> Vec<&str> {
        page.items.iter().map(|server| server.name.as_str()).collect()
    }

    #[tokio::test]
    async fn pages_are_sorted_by_name_without_regard_to_case() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        for name in ["b", "A", "d", "C"] {
            test.dispatch(RegisterServer { specification: specification(name) }).await.unwrap();
        }
        let first = test.ask(page(&[("limit", "3")])).await.unwrap();
        assert_eq!((names(&first), first.total), (vec!["A", "b", "C"], 4));
        let second = test.ask(page(&[("limit", "3"), ("offset", "3")])).await.unwrap();
        assert_eq!((names(&second), second.total), (vec!["d"], 4));
        let past = test.ask(page(&[("offset", "9")])).await.unwrap();
        assert_eq!((names(&past), past.total), (vec![], 4));
        let down = test.ask(page(&[("sort", r#"[{"name":"desc"}]"#)])).await.unwrap();
        assert_eq!(names(&down), ["d", "C", "b", "A"]);
        test.finish().await;
    }

    #[tokio::test]
    async fn discarded_servers_are_left_out() {
        let test = Testbed::of(&[&CONTEXT]).start().await;
        let server = test.dispatch(RegisterServer { specification: specification("a") }).await.unwrap();
        let discard = DiscardServer { id: server.id, precondition: Precondition::Any };
        test.dispatch(discard).await.unwrap();
        let page = test.ask(page(&[])).await.unwrap();
        assert_eq!((page.items.len(), page.total), (0, 0));
        test.finish().await;
    }

    /// However many servers there are, a page of them is one statement.
    #[tokio::test]
    async fn a_list_makes_no_query_per_row() {
        let mut test = Testbed::of(&[&CONTEXT]).start().await;
        let mut statements = Vec::new();
        for count in [1, 99] {
            for number in 0..count {
                let name = format!("server-{count}-{number}");
                test.dispatch(RegisterServer { specification: specification(&name) }).await.unwrap();
            }
            let database = test.quiet_database().await;
            let before = database.statements();
            let found = test.ask(page(&[("limit", "500")])).await.unwrap().items.len();
            statements.push((found, database.statements() - before));
            test.resume().await;
        }
        assert_eq!(statements, [(1, 1), (100, 1)]);
        test.finish().await;
    }
}

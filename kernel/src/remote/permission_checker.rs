//! The grants, from the process that knows them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::try_join_all;

use super::memory::{Memory, REMEMBERED};
use super::{Peer, wire};
use crate::criteria::Field;
use crate::message::Caller;
use crate::permission::{Condition, Grant, Grants, ObjectType, Permission, PermissionChecker};
use crate::problem::Failure;

/// Asks for grants. What it does not get, or not understand, nobody has.
pub struct RemotePermissionChecker {
    peer: Peer,
    known: Memory<(Arc<str>, Permission), Grants>,
}

impl RemotePermissionChecker {
    /// Asks this one.
    pub fn new(peer: Peer) -> Self {
        Self::remembering(peer, REMEMBERED)
    }

    /// Asks this one, and remembers what it says for this time.
    pub fn remembering(peer: Peer, time: Duration) -> Self {
        Self { peer, known: Memory::new(time) }
    }

    async fn ask(&self, subject: &str, permission: Permission) -> Result<Grants, Failure> {
        let question = wire::ListGrantsRequest {
            subject: subject.to_owned(),
            action: permission.action.to_owned(),
            object_type: permission.object_type.to_owned(),
        };
        let call = async |mut client: super::peer::Client, question| client.list_grants(question).await;
        let answer = self.peer.ask(question, call).await?;
        Ok(Grants::new(answer.grants.into_iter().filter_map(|grant| read(grant, permission)).collect()))
    }
}

#[async_trait]
impl PermissionChecker for RemotePermissionChecker {
    async fn grants(&self, caller: &Caller, permissions: &[Permission]) -> Result<Vec<Grants>, Failure> {
        // The wire has names only, and whoever has no account has a name, too: it must not be taken for somebody else's.
        if caller.account().is_none() {
            return Ok(vec![Grants::none(); permissions.len()]);
        }
        let subject: Arc<str> = caller.subject().into();
        let ask = |permission: &Permission| {
            let key = (Arc::clone(&subject), *permission);
            self.known.recall(key, self.ask(caller.subject(), *permission))
        };
        try_join_all(permissions.iter().map(ask)).await
    }
}

/// A grant with a condition that is not understood here covers nothing here.
fn read(grant: wire::Grant, permission: Permission) -> Option<Grant> {
    let role = grant.role.as_str().into();
    if grant.condition.is_empty() {
        return Some(Grant { role, condition: None });
    }
    let fields: &'static [Field] =
        ObjectType::find(permission.object_type).map_or(&[], |object_type| object_type.fields);
    let json = serde_json::from_str(&grant.condition).map_err(|error| error.to_string());
    match json.and_then(|json| Condition::parse(fields, &json)) {
        Ok(condition) => Some(Grant { role, condition: Some(condition) }),
        Err(fault) => {
            let Permission { action, object_type } = permission;
            tracing::warn!(%role, action, object_type, fault, "a grant is left out: its condition is not understood here");
            None
        }
    }
}

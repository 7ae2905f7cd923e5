//! Find one credential of a server; and what a credential looks like from outside.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use servertree_kernel::criteria::ListView;
use servertree_kernel::domain::{IpAddress, Revision};
use servertree_kernel::http::Representation;
use servertree_kernel::message::Message;
use servertree_kernel::permission::{Audience, ObjectType, Permission};
use servertree_kernel::problem::Failure;
use servertree_kernel::query::{Query, QueryHandler};
use servertree_kernel::uow::ReadUow;
use shaku::Component;
use utoipa::ToSchema;

use super::find_server::{ServerView, ServerViews};
use crate::domain::{ConnectionType, Credential, CredentialId, CredentialUsername, Port, Server, ServerId};
use crate::error::Error;

/// Find a credential of a server. Its password is not shown: that takes a reveal.
pub struct FindCredential {
    pub server: ServerId,
    pub credential: CredentialId,
}

impl Query for FindCredential {
    type Output = ServerCredential;
    const NAME: &'static str = "server.find_credential";
    const NEEDS: Permission = READ;
}

#[derive(Component)]
#[shaku(interface = QueryHandler<FindCredential>)]
pub struct Handler {
    #[shaku(inject)]
    views: Arc<dyn ServerViews>,
}

#[async_trait]
impl QueryHandler<FindCredential> for Handler {
    async fn handle(
        &self,
        query: FindCredential,
        uow: &mut ReadUow,
        message: &Message,
    ) -> Result<ServerCredential, Failure> {
        let server = self.views.find(query.server, uow).await?.ok_or(Error::NotFound(query.server))?;
        message.access.permit(|| &server, Error::NotFound(query.server))?;
        let revision = server.revision;
        let mut credentials = server.credentials.into_iter().flatten();
        let credential = credentials.find(|credential| credential.id == query.credential);
        let credential = credential.ok_or(Error::NoCredential(query.credential))?;
        Ok(ServerCredential { credential, revision })
    }
}

/// What permissions on credentials are about; conditions are about the server.
pub const OBJECT: ObjectType = ObjectType {
    name: "server.credential",
    actions: &["read", "create", "update", "discard", "reveal"],
    fields: ServerView::FIELDS,
    audience: Audience::Confidential,
};

/// To see that there are credentials, and what they are but for their passwords.
pub const READ: Permission = Permission::new("read", "server.credential");
/// To add credentials.
pub const CREATE: Permission = Permission::new("create", "server.credential");
/// To change credentials.
pub const UPDATE: Permission = Permission::new("update", "server.credential");
/// To remove credentials.
pub const DISCARD: Permission = Permission::new("discard", "server.credential");

/// How a server is reached.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = Credential)]
pub struct CredentialView {
    pub id: CredentialId,
    /// How one connects.
    #[schema(value_type = ConnectionType)]
    pub connection_type: String,
    /// Who one logs in as.
    #[schema(value_type = CredentialUsername)]
    pub username: String,
    /// Whether there is a password to reveal.
    pub has_password: bool,
    /// Where the server is in its own network.
    #[schema(required, value_type = Option<IpAddress>)]
    pub local_ip: Option<String>,
    /// The port there.
    #[schema(required, value_type = Option<Port>)]
    pub local_port: Option<u16>,
    /// Where the server is seen from outside.
    #[schema(required, value_type = Option<IpAddress>)]
    pub public_ip: Option<String>,
    /// The port there.
    #[schema(required, value_type = Option<Port>)]
    pub public_port: Option<u16>,
}

/// A credential by itself. Its revision is that of its server: what changes the one changes the other.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ServerCredential {
    #[serde(flatten)]
    pub credential: CredentialView,
    #[serde(skip)]
    pub revision: Revision,
}

impl ServerCredential {
    /// A credential of `server`.
    pub fn of(server: &Server, id: CredentialId) -> Result<Self, Error> {
        let credential = server.state().credentials.get(id)?.into();
        Ok(Self { credential, revision: server.revision() })
    }
}

impl Representation for ServerCredential {
    fn revision(&self) -> Revision {
        self.revision
    }
}

impl From<&Credential> for CredentialView {
    fn from(credential: &Credential) -> Self {
        let specification = &credential.specification;
        let text = |address: IpAddress| address.to_string();
        Self {
            id: credential.id,
            connection_type: specification.connection_type.to_string(),
            username: specification.username.to_string(),
            has_password: credential.password.is_some(),
            local_ip: specification.local_ip.map(text),
            local_port: specification.local_port.map(Port::get),
            public_ip: specification.public_ip.map(text),
            public_port: specification.public_port.map(Port::get),
        }
    }
}

//! Where servers are kept, and what is known of applications.

use async_trait::async_trait;
use servertree_kernel::domain::{Port, Revision, Secret, WriteUow};

use super::{Application, ApplicationId, CredentialId, Server, ServerId};
use crate::error::Error;

/// Keeps servers, within a unit of work.
#[async_trait]
pub trait ServerRepository: Port {
    /// The server with this id.
    async fn get(&self, id: ServerId, uow: &mut WriteUow) -> Result<Server, Error>;

    /// Has others wait who would change this server. What is read of it from then on stays so until the commit.
    async fn lock(&self, id: ServerId, uow: &mut WriteUow) -> Result<(), Error>;

    /// Stores what changed and hands over the events that tell of it. Does nothing if nothing did. Fails if the name
    /// is taken, or if somebody else stored a change since the server was read.
    async fn save(&self, server: &mut Server, uow: &mut WriteUow) -> Result<(), Error>;

    /// The password of a credential that has one.
    async fn password(&self, credential: CredentialId, uow: &mut WriteUow) -> Result<Secret, Error>;
}

/// Keeps what is known of applications, within a unit of work.
#[async_trait]
pub trait ApplicationRepository: Port {
    /// Those of these that are known. Nobody is asked about none.
    async fn find_many(&self, ids: &[ApplicationId], uow: &mut WriteUow) -> Result<Vec<Application>, Error>;

    /// The application with this id, and the revision that it was heard of at, if it is known.
    async fn find(
        &self,
        id: ApplicationId,
        uow: &mut WriteUow,
    ) -> Result<Option<(Application, Revision)>, Error>;

    /// Remembers that it is so at this revision.
    async fn save(
        &self,
        application: &Application,
        revision: Revision,
        uow: &mut WriteUow,
    ) -> Result<(), Error>;
}

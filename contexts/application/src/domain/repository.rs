//! Where applications are kept.

use async_trait::async_trait;
use servertree_kernel::domain::{Port, WriteUow};

use super::{Application, ApplicationId};
use crate::error::Error;

/// Keeps applications, within a unit of work.
#[async_trait]
pub trait ApplicationRepository: Port {
    /// The application with this id. Others who would change it wait until the commit.
    async fn get(&self, id: ApplicationId, uow: &mut WriteUow) -> Result<Application, Error>;

    /// Stores what changed and hands over the events that tell of it. Does nothing if nothing did. Fails if name and version
    /// are taken, or if somebody else stored a change since the application was read.
    async fn save(&self, application: &mut Application, uow: &mut WriteUow) -> Result<(), Error>;
}

//! What changes of servers have in common: grants cover the server as it is and as it is to be.

use servertree_kernel::domain::{Aggregate, Precondition};
use servertree_kernel::message::Message;
use servertree_kernel::permission::Access;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::WriteUow;

use super::find_credential::{CREATE, DISCARD, UPDATE};
use super::find_server::ServerView;
use crate::domain::{Server, ServerEvent, ServerId, ServerRepository};

impl dyn ServerRepository + '_ {
    /// The server as it is, for a caller who may do to it what they want to.
    pub async fn get_to_change(
        &self,
        id: ServerId,
        precondition: &Precondition,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<Server, Failure> {
        let server = self.get(id, uow).await?;
        // First: who may not know of it does not learn its revision, either.
        message.access.permit(|| ServerView::from(&server))?;
        precondition.require(server.revision())?;
        Ok(server)
    }

    /// Stores it as it is to be, if the caller may make it that; answers what they may see of it.
    pub async fn save_change(
        &self,
        server: &mut Server,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<ServerView, Failure> {
        let view = ServerView::from(&*server);
        message.access.permit_result(|| &view)?;
        permit_credentials(server, &view, &message.access)?;
        self.save(server, uow).await?;
        Ok(view.seen_with(&message.access))
    }
}

/// Goes on only if the caller may do to the credentials what was done to them: they can be changed along with the server.
fn permit_credentials(server: &mut Server, view: &ServerView, access: &Access) -> Result<(), Failure> {
    for event in server.recorder().events() {
        match event {
            ServerEvent::CredentialAdded { .. } => access.permit_also(CREATE, || view)?,
            ServerEvent::CredentialChanged { .. } => access.permit_also(UPDATE, || view)?,
            ServerEvent::CredentialRemoved { .. } => access.permit_also(DISCARD, || view)?,
            _ => {}
        }
    }
    Ok(())
}

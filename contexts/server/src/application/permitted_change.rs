//! What changes of servers have in common: grants cover the server as it is and as it is to be.

use std::ops::{Deref, DerefMut};

use servertree_kernel::domain::{Aggregate, Precondition};
use servertree_kernel::message::Message;
use servertree_kernel::permission::{Access, Permission};
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::WriteUow;

use super::find_credential;
use super::find_server::ServerView;
use crate::domain::{Server, ServerEvent, ServerId, ServerRepository};
use crate::error::Error;

/// A server on its way from what it was to what its caller makes of it.
pub struct Change<'m> {
    server: Server,
    /// Nothing, for a new one.
    before: Option<ServerView>,
    access: &'m Access,
}

impl dyn ServerRepository + '_ {
    /// The server as it is, locked, for a caller who may do to it what they want to: changes that come together take their
    /// turns.
    pub async fn get_to_change<'m>(
        &self,
        id: ServerId,
        precondition: &Precondition,
        uow: &mut WriteUow,
        message: &'m Message,
    ) -> Result<Change<'m>, Failure> {
        self.lock(id, uow).await?;
        let server = self.get(id, uow).await?;
        let before = ServerView::from(&server);
        // First: who may not know of it does not learn its revision, either.
        message.access.permit(|| &before, Error::NotFound(id))?;
        precondition.require(server.revision())?;
        Ok(Change { server, before: Some(before), access: &message.access })
    }

    /// Stores it as it is to be, if the caller may make it that; answers what they may see of it.
    pub async fn save_change(
        &self,
        mut change: Change<'_>,
        uow: &mut WriteUow,
    ) -> Result<ServerView, Failure> {
        let after = ServerView::from(&change.server);
        change.access.permit_result(|| &after)?;
        change.permit_credentials(&after)?;
        self.save(&mut change.server, uow).await?;
        let sees = |view: &ServerView| change.access.covers(find_credential::READ, || view);
        let sees_credentials = change.before.as_ref().is_none_or(sees) && sees(&after);
        Ok(ServerView { credentials: after.credentials.filter(|_| sees_credentials), ..after })
    }
}

impl<'m> Change<'m> {
    /// A new server.
    pub fn of_nothing(server: Server, message: &'m Message) -> Self {
        Self { server, before: None, access: &message.access }
    }

    /// Goes on only if the caller may read the credentials: who names them asks about them, whatever becomes of it.
    pub fn permit_naming_credentials(&self) -> Result<(), Failure> {
        match &self.before {
            Some(before) => self.access.permit_also(find_credential::READ, || before),
            None => self.access.permit_also(find_credential::READ, || ServerView::from(&self.server)),
        }
    }

    /// Goes on only if the caller may do to the credentials what was done to them, where the server was and where it is to
    /// be: nobody moves it to where they may.
    fn permit_credentials(&mut self, after: &ServerView) -> Result<(), Failure> {
        let needed: Vec<Permission> = self.server.recorder().events().iter().filter_map(needs).collect();
        for permission in needed {
            self.access.permit_also(permission, || after)?;
            if let Some(before) = &self.before {
                self.access.permit_also(permission, || before)?;
            }
        }
        Ok(())
    }
}

fn needs(event: &ServerEvent) -> Option<Permission> {
    match event {
        ServerEvent::CredentialAdded { .. } => Some(find_credential::CREATE),
        ServerEvent::CredentialChanged { .. } => Some(find_credential::UPDATE),
        ServerEvent::CredentialRemoved { .. } => Some(find_credential::DISCARD),
        _ => None,
    }
}

impl Deref for Change<'_> {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl DerefMut for Change<'_> {
    fn deref_mut(&mut self) -> &mut Server {
        &mut self.server
    }
}

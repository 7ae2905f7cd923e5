//! Log out.

use std::sync::Arc;

use super::acting::Owner;
use super::find_account;
use crate::domain::{CloseReason, Sessions, Users};
use async_trait::async_trait;
use servertree_kernel::command::{Command, CommandHandler};
use servertree_kernel::message::Message;
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::WriteUow;
use shaku::Component;

/// End the session that asks.
#[derive(Clone)]
pub struct LogOut;

impl Command for LogOut {
    type Output = ();
    const NAME: &'static str = "authorization.log_out";
    const NEEDS: Permission = find_account::UPDATE;
}

#[derive(Component)]
#[shaku(interface = CommandHandler<LogOut>)]
pub struct Handler {
    #[shaku(inject)]
    sessions: Arc<dyn Sessions>,
    #[shaku(inject)]
    users: Arc<dyn Users>,
}

#[async_trait]
impl CommandHandler<LogOut> for Handler {
    async fn handle(&self, _: LogOut, uow: &mut WriteUow, message: &Message) -> Result<(), Failure> {
        let owner = Owner::of(message)?;
        self.users.lock(&[owner.user], uow).await?;
        let mut session = self.sessions.get(owner.session, uow).await?;
        session.close(CloseReason::LoggedOut, message.now);
        Ok(self.sessions.save(&mut session, uow).await?)
    }
}

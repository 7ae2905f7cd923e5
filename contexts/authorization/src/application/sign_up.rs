//! Sign up.

use std::sync::Arc;

use async_trait::async_trait;
use servertree_kernel::clock::{Clock, IdGenerator};
use servertree_kernel::command::{Command, CommandHandler};
use servertree_kernel::message::{Caller, Message};
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::settings::Sections;
use servertree_kernel::uow::WriteUow;
use shaku::Component;

use super::find_user::UserView;
use super::log_in::require_no_session;
use super::settings::AccountSettings;
use crate::domain::{Asker, Attempt, Attempts, Password, Passwords, Registration, User, Username, Users};
use crate::error::Error;

/// Give oneself an account, with the role `user`.
#[derive(Clone)]
pub struct SignUp {
    pub username: Username,
    pub password: Password,
}

impl Command for SignUp {
    type Output = UserView;
    const NAME: &'static str = "authorization.sign_up";
    const NEEDS: Permission = Permission::OPEN;
}

#[derive(Component)]
#[shaku(interface = CommandHandler<SignUp>)]
pub struct Handler {
    #[shaku(inject)]
    sections: Arc<dyn Sections>,
    #[shaku(inject)]
    attempts: Arc<dyn Attempts>,
    #[shaku(inject)]
    passwords: Arc<dyn Passwords>,
    #[shaku(inject)]
    users: Arc<dyn Users>,
    #[shaku(inject)]
    ids: Arc<dyn IdGenerator>,
    #[shaku(inject)]
    clock: Arc<dyn Clock>,
}

#[async_trait]
impl CommandHandler<SignUp> for Handler {
    async fn handle(
        &self,
        command: SignUp,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<UserView, Failure> {
        require_no_session(message)?;
        if !self.sections.get::<AccountSettings>().signup {
            return Err(Error::SignUpClosed.into());
        }
        let SignUp { username, password } = command;
        require_acceptable(&username, &password)?;
        // Each takes a hash: strangers do not get as many as they like.
        let attempt =
            Attempt { account: username.as_str(), address: message.address, is_known_address: false };
        self.attempts.admit(&attempt, self.clock.now())?;
        let hash = self.passwords.hash(&password, Asker::Stranger).await?;
        let id = self.ids.next().into();
        let mut user = User::register(id, (username, hash), Vec::new(), Registration::SignUp, message.now)?;
        uow.act_as(Caller::named(user.state().username.as_str()));
        self.users.save(&mut user, uow).await?;
        Ok(UserView::from(&user))
    }
}

/// Goes on only if the name may be given, and the password is not the name.
pub fn require_acceptable(username: &Username, password: &Password) -> Result<(), Error> {
    username.require_free().map_err(|fault| Error::field("username", fault))?;
    password.require_unlike(username.as_str()).map_err(|fault| Error::field("password", fault))
}

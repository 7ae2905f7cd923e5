//! What whoever works on the machine itself does about accounts: the commands behind `servertree admin`. They are the kernel's,
//! so that the host can give them without knowing the context that carries them out.

use std::io;
use std::sync::Arc;

use crate::command::Command;
use crate::domain::Secret;
use crate::permission::Permission;

/// Keeps a password that was made up, where its owner finds it, in place of one that an earlier attempt kept.
pub type KeepPassword = Arc<dyn Fn(&Secret) -> io::Result<()> + Send + Sync>;

/// Create the first administrator, with a password that is made up, unless there are users. The password is kept before the
/// administrator is: one that nobody knows would be of no use.
#[derive(Clone)]
pub struct CreateFirstAdministrator {
    /// Keeps the password.
    pub keep: KeepPassword,
}

impl Command for CreateFirstAdministrator {
    /// The administrator who was created, if it was for this to create one.
    type Output = Option<FirstAdministrator>;
    const NAME: &'static str = "authorization.create_first_administrator";
    const NEEDS: Permission = Permission::LOCAL;
}

/// An administrator who was just created, with the password to show once.
#[derive(Debug)]
pub struct FirstAdministrator {
    /// The name to log in with.
    pub username: String,
    /// The password.
    pub password: Secret,
}

/// Create an administrator who may do everything.
#[derive(Clone, Debug)]
pub struct CreateAdministrator {
    /// The name to log in with.
    pub username: String,
    /// The password.
    pub password: Secret,
}

impl Command for CreateAdministrator {
    type Output = ();
    const NAME: &'static str = "authorization.create_administrator";
    const NEEDS: Permission = Permission::LOCAL;
}

/// Set the password of anybody, an administrator who lost it in the first place. It ends their sessions and tokens, and takes
/// an inactive one back.
#[derive(Clone, Debug)]
pub struct ResetPassword {
    /// Whose.
    pub username: String,
    /// The new password.
    pub password: Secret,
}

impl Command for ResetPassword {
    type Output = ();
    const NAME: &'static str = "authorization.reset_password";
    const NEEDS: Permission = Permission::LOCAL;
}

/// Keep an administrator from logging in: for one whom nobody else is above. Never the last one.
#[derive(Clone, Debug)]
pub struct InactivateAdministrator {
    /// Whom.
    pub username: String,
}

impl Command for InactivateAdministrator {
    type Output = ();
    const NAME: &'static str = "authorization.inactivate_administrator";
    const NEEDS: Permission = Permission::LOCAL;
}

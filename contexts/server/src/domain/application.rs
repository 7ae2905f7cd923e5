//! What this context knows of applications: the events of the context that they belong to tell it.

use servertree_kernel::id;

id!(
    /// Identifies an application.
    ApplicationId
);

/// An application, as it was last heard of. What its name and version may be is for others to say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Application {
    pub id: ApplicationId,
    pub name: String,
    pub version: String,
    /// A discarded one stays where it is installed, and is installed nowhere else.
    pub discarded: bool,
}

//! Prune sessions that ended long ago.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use servertree_kernel::domain::{Port, Timestamp};
use servertree_kernel::job::{Job, JobHandler};
use servertree_kernel::message::Message;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::WriteUow;
use shaku::Component;

use crate::error::Error;

/// How long a session is kept after its end: so long its user is known at the address.
const KEPT: Duration = Duration::from_hours(90 * 24);

/// Remove sessions that ended long ago.
pub struct PruneSessions;

impl Job for PruneSessions {
    const NAME: &'static str = "authorization.prune_sessions";
    const EVERY: Duration = Duration::from_mins(1);
}

/// Removes sessions.
#[async_trait]
pub trait EndedSessions: Port {
    /// Some of those that ended before.
    async fn remove(&self, before: Timestamp, uow: &mut WriteUow) -> Result<(), Error>;
}

#[derive(Component)]
#[shaku(interface = JobHandler<PruneSessions>)]
pub struct Handler {
    #[shaku(inject)]
    ended: Arc<dyn EndedSessions>,
}

#[async_trait]
impl JobHandler<PruneSessions> for Handler {
    async fn run(&self, uow: &mut WriteUow, message: &Message) -> Result<(), Failure> {
        Ok(self.ended.remove(message.now.before(KEPT), uow).await?)
    }
}

#[cfg(test)]
mod tests {
    use servertree_kernel::domain::IpAddress;

    use super::*;
    use crate::application::log_in::LogIn;
    use crate::domain::PasswordAttempt;
    use crate::testing::{PASSWORD, operator, testbed, user};

    /// An address is known for ninety days after the last session from there.
    #[tokio::test]
    async fn addresses_are_forgotten_in_the_end() {
        let test = testbed().start().await;
        test.dispatch_as(&operator(), user("ada", &[])).await.unwrap();
        let log_in = async |password: &str| {
            let password = PasswordAttempt::parse(password.to_owned()).unwrap();
            let command = LogIn { username: "ada".to_owned(), password, user_agent: None };
            let address = IpAddress::parse("198.18.0.5").unwrap();
            let message =
                test.message_of(servertree_kernel::message::Caller::anonymous()).from(Some(address.into()));
            test.application
                .commands
                .dispatch(command, message)
                .await
                .map_err(|failure| failure.problem().code)
        };
        log_in(PASSWORD).await.unwrap();
        // Guesses from a known address leave the budget of strangers alone.
        for (days, known) in [(89, true), (92, false)] {
            test.clock.advance(Duration::from_hours(days * 24));
            test.application.run_jobs().await;
            let mut guesses = 0;
            while log_in("wrong horse battery").await.err() == Some("wrong_credentials") {
                guesses += 1;
            }
            assert_eq!(guesses, 10, "{days}");
            let is_known = test.application.commands.dispatch(
                LogIn {
                    username: "ada".to_owned(),
                    password: PasswordAttempt::parse(PASSWORD.to_owned()).unwrap(),
                    user_agent: None,
                },
                test.message_of(servertree_kernel::message::Caller::anonymous())
                    .from(Some(IpAddress::parse("198.18.0.6").unwrap().into())),
            );
            assert_eq!(is_known.await.is_ok(), known, "{days}");
        }
        test.finish().await;
    }
}

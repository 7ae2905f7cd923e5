//! Log in.

use std::sync::Arc;

use async_trait::async_trait;
use servertree_kernel::clock::{Clock, IdGenerator};
use servertree_kernel::command::{Command, CommandHandler};
use servertree_kernel::domain::{IpAddress, Port, Secret, Timestamp};
use servertree_kernel::message::{Account, Caller, Message, Proof};
use servertree_kernel::permission::Permission;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::WriteUow;
use shaku::Component;

use super::access_tokens::AccessTokens;
use super::find_user::UserView;
use crate::domain::{
    Asker, Attempt, Attempts, CloseReason, PasswordAttempt, PasswordHash, Passwords, Session, Sessions, User,
    UserId, Username, Users,
};
use crate::error::Error;

/// The most sessions that a user has at a time: with one more, the oldest ends.
const MAX_SESSIONS: usize = 100;

/// Open a session for whoever knows the password.
#[derive(Clone)]
pub struct LogIn {
    /// In lower case, whether anybody has it or not.
    pub username: String,
    pub password: PasswordAttempt,
    pub user_agent: Option<String>,
}

impl Command for LogIn {
    type Output = LoggedIn;
    const NAME: &'static str = "authorization.log_in";
    const NEEDS: Permission = Permission::OPEN;
}

/// A session that was opened or renewed.
#[derive(Debug)]
pub struct LoggedIn {
    pub access_token: Secret,
    pub expires_at: Timestamp,
    pub user: UserView,
}

/// What a log-in needs to know before it is let through.
pub struct LogInState {
    pub user: UserId,
    pub password: PasswordHash,
    /// Whether the user has logged in from the same address before.
    pub is_known_address: bool,
}

/// Looks that up, outside of any transaction: what follows takes its time.
#[async_trait]
pub trait LogIns: Port {
    /// Of the user of this name.
    async fn find(
        &self,
        username: &Username,
        address: Option<IpAddress>,
    ) -> Result<Option<LogInState>, Error>;
}

/// Goes on only if no session asks: whoever has one needs no other.
pub fn require_no_session(message: &Message) -> Result<(), Error> {
    match message.caller.account() {
        Some(Account { proof: Proof::Session(_), .. }) => Err(Error::LoggedIn),
        _ => Ok(()),
    }
}

#[derive(Component)]
#[shaku(interface = CommandHandler<LogIn>)]
pub struct Handler {
    #[shaku(inject)]
    log_ins: Arc<dyn LogIns>,
    #[shaku(inject)]
    attempts: Arc<dyn Attempts>,
    #[shaku(inject)]
    passwords: Arc<dyn Passwords>,
    #[shaku(inject)]
    users: Arc<dyn Users>,
    #[shaku(inject)]
    sessions: Arc<dyn Sessions>,
    #[shaku(inject)]
    access_tokens: Arc<dyn AccessTokens>,
    #[shaku(inject)]
    ids: Arc<dyn IdGenerator>,
    #[shaku(inject)]
    clock: Arc<dyn Clock>,
}

#[async_trait]
impl CommandHandler<LogIn> for Handler {
    async fn handle(
        &self,
        command: LogIn,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<LoggedIn, Failure> {
        require_no_session(message)?;
        let (log_ins, attempts, passwords) = (&*self.log_ins, &*self.attempts, &*self.passwords);
        let now = self.clock.now();
        let state = right_password(log_ins, attempts, passwords, &command, message, now).await?;
        // It took a while: whoever changed the password meanwhile, or lost the account, does not get in with the old one.
        self.users.lock(&[state.user], uow).await?;
        let user = self.users.get(state.user, uow).await?;
        if !user.state().active || user.state().password.as_str() != state.password.as_str() {
            return Err(Error::WrongCredentials.into());
        }
        uow.act_as(Caller::named(user.state().username.as_str()));
        self.make_room(&user, message.now, uow).await?;
        let owner = (user.state().id, user.state().username.clone());
        let address = message.address.map(IpAddress::from);
        let id = self.ids.next().into();
        let mut session = Session::open(id, owner, address, command.user_agent, message.now);
        self.sessions.save(&mut session, uow).await?;
        Ok(LoggedIn::with(&session, &user, self.access_tokens.as_ref(), message.now, uow).await?)
    }
}

/// A name that nobody has and a wrong password take the same work, and are told apart by nothing.
async fn right_password(
    log_ins: &dyn LogIns,
    attempts: &dyn Attempts,
    passwords: &dyn Passwords,
    command: &LogIn,
    message: &Message,
    now: Timestamp,
) -> Result<LogInState, Error> {
    let address = message.address.map(IpAddress::from);
    // What is no name is nobody's.
    let state = match Username::parse(command.username.clone()) {
        Ok(username) => log_ins.find(&username, address).await?,
        Err(_) => None,
    };
    let is_known_address = state.as_ref().is_some_and(|state| state.is_known_address);
    let attempt = Attempt { account: &command.username, address: message.address, is_known_address };
    let admitted = attempts.admit(&attempt, now)?;
    let stored = state.as_ref().map(|state| &state.password);
    let asker = if is_known_address { Asker::Known } else { Asker::Stranger };
    let is_right = passwords.verify(&command.password, stored, asker).await;
    // Nothing was guessed, either, when nothing could be compared.
    if !matches!(is_right, Ok(false)) {
        attempts.succeeded(admitted);
    }
    match state {
        Some(state) if is_right? => Ok(state),
        _ => Err(Error::WrongCredentials),
    }
}

impl Handler {
    async fn make_room(&self, user: &User, now: Timestamp, uow: &mut WriteUow) -> Result<(), Error> {
        let mut live = self.sessions.live(user.state().id, now, uow).await?;
        let surplus = (live.len() + 1).saturating_sub(MAX_SESSIONS);
        for session in live.iter_mut().take(surplus) {
            session.close(CloseReason::Superseded, now);
            self.sessions.save(session, uow).await?;
        }
        Ok(())
    }
}

impl LoggedIn {
    /// With a new access token of the session.
    pub async fn with(
        session: &Session,
        user: &User,
        access_tokens: &dyn AccessTokens,
        now: Timestamp,
        uow: &mut WriteUow,
    ) -> Result<Self, Error> {
        let token = access_tokens.issue(session, now, uow).await?;
        let access_token = Secret::parse(token.text).map_err(|fault| Error::Corrupt(fault.to_string()))?;
        Ok(Self { access_token, expires_at: token.expires_at, user: user.into() })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use servertree_kernel::problem::Kind;
    use servertree_kernel::testkit::Testbed;

    use super::*;
    use crate::application::inactivate_user::InactivateUser;
    use crate::domain::{Admitted, Password};
    use crate::testing::{PASSWORD, caller, log_in, operator, somebody, testbed, user, verify};

    async fn refusal(test: &Testbed, name: &str, password: &str) -> (&'static str, String) {
        let failure = log_in(test, name, password).await.unwrap_err();
        (failure.problem().code, failure.to_string())
    }

    #[tokio::test]
    async fn who_knows_the_password_gets_a_session() {
        let test = testbed().start().await;
        let (ada, _) = somebody(&test, "ada", &["viewer"]).await;
        let logged_in = log_in(&test, "ada", PASSWORD).await.unwrap();
        assert_eq!(logged_in.user, ada);
        let seen = verify(&test, logged_in.access_token.expose()).await.unwrap();
        assert_eq!((seen.subject(), seen.account().unwrap().user), ("ada", ada.id.into()));
        assert_eq!(
            logged_in.expires_at.as_micros(),
            test.clock.now().after(Duration::from_mins(15)).as_micros()
        );
        assert_eq!(test.event_types().await, ["user.created", "session.opened", "session.opened"]);
        let events = test.events().await;
        assert_eq!(events.last().unwrap().actor, "ada");
        assert!(!format!("{events:?}").contains(PASSWORD));
        test.finish().await;
    }

    /// Nothing that is answered tells which names there are, nor who was inactivated.
    #[tokio::test]
    async fn all_that_is_wrong_looks_alike() {
        let test = testbed().start().await;
        somebody(&test, "ada", &[]).await;
        let (bob, _) = somebody(&test, "bob", &[]).await;
        test.dispatch_as(&operator(), InactivateUser { id: bob.id }).await.unwrap();
        let wrong = refusal(&test, "ada", "wrong horse battery").await;
        assert_eq!(wrong.0, "wrong_credentials");
        for (name, password) in [("nobody", PASSWORD), ("bob", PASSWORD), ("Not A Name!", "x"), ("", "x")] {
            assert_eq!(refusal(&test, name, password).await, wrong, "{name}");
        }
        test.finish().await;
    }

    #[tokio::test]
    async fn a_session_does_not_log_in_again() {
        let test = testbed().start().await;
        let (_, ada) = somebody(&test, "ada", &[]).await;
        let password = PasswordAttempt::parse(PASSWORD.to_owned()).unwrap();
        let again = LogIn { username: "ada".to_owned(), password, user_agent: None };
        let failure = test.dispatch_as(&ada, again).await.unwrap_err();
        assert_eq!((failure.kind(), failure.problem().code), (Kind::Conflict, "logged_in"));
        test.finish().await;
    }

    #[tokio::test]
    async fn the_oldest_session_makes_room() {
        let test = testbed().start().await;
        let (_, first) = somebody(&test, "ada", &[]).await;
        for _ in 0..MAX_SESSIONS - 1 {
            log_in(&test, "ada", PASSWORD).await.unwrap();
        }
        let closed =
            async || test.event_types().await.iter().filter(|name| *name == "session.closed").count();
        assert_eq!(closed().await, 0);
        let last = caller(&test, "ada").await;
        assert_eq!(closed().await, 1);
        let sessions = test.ask_as(&last, crate::application::find_sessions::FindSessions).await.unwrap();
        assert_eq!(sessions.len(), MAX_SESSIONS);
        let ended = first.account().map(|account| account.proof);
        assert!(sessions.iter().all(|session| Some(Proof::Session(session.id.into())) != ended));
        assert_eq!(sessions.iter().filter(|session| session.current).count(), 1);
        test.finish().await;
    }

    /// Guessing is refused after ten attempts, and begins again minutes later; the refusal says when.
    #[tokio::test]
    async fn guessing_is_slowed_down() {
        let test = testbed().start().await;
        test.dispatch_as(&operator(), user("ada", &[])).await.unwrap();
        for _ in 0..10 {
            assert_eq!(refusal(&test, "ada", "wrong horse battery").await.0, "wrong_credentials");
        }
        let refused = log_in(&test, "ada", PASSWORD).await.unwrap_err();
        assert_eq!((refused.kind(), refused.problem().code), (Kind::TooMany, "too_many_attempts"));
        test.clock.advance(refused.retry_after().unwrap());
        log_in(&test, "ada", PASSWORD).await.unwrap();
        test.finish().await;
    }

    async fn log_in_from(test: &Testbed, address: [u8; 4], password: &str) -> Result<LoggedIn, &'static str> {
        let password = PasswordAttempt::parse(password.to_owned()).unwrap();
        let command = LogIn { username: "ada".to_owned(), password, user_agent: None };
        let message = test.message_of(Caller::anonymous()).from(Some(address.into()));
        test.application.commands.dispatch(command, message).await.map_err(|failure| failure.problem().code)
    }

    /// An hour of guessing at one account, from a thousand addresses: few guesses are looked at, each of which takes a hash; and
    /// whoever it belongs to gets in meanwhile, from where they have been before, and goes on with the session they have.
    #[tokio::test]
    async fn guessing_from_everywhere_comes_to_nothing_and_keeps_nobody_out() {
        let test = testbed().start().await;
        let (_, session) = somebody(&test, "ada", &[]).await;
        let home = [198, 18, 0, 1];
        log_in_from(&test, home, PASSWORD).await.unwrap();
        let mut hashes = 0;
        for number in 0..10_000_u32 {
            let [.., high, low] = (number % 1_000).to_be_bytes();
            match log_in_from(&test, [198, 19, high, low], "wrong horse battery").await.unwrap_err() {
                "wrong_credentials" => hashes += 1,
                refused => assert_eq!(refused, "too_many_attempts"),
            }
            test.clock.advance(Duration::from_micros(3_600_000_000 / 10_000));
            if number % 2_500 == 0 {
                log_in_from(&test, home, PASSWORD).await.unwrap();
                test.ask_as(&session, crate::application::find_account::FindAccount).await.unwrap();
            }
        }
        assert!((60..=100).contains(&hashes), "{hashes} guesses were looked at");
        test.finish().await;
    }

    /// Counts what it is asked, and knows nothing.
    #[derive(Default)]
    struct Counting(AtomicUsize);

    #[async_trait]
    impl Passwords for Counting {
        async fn hash(&self, _: &Password, _: Asker) -> Result<PasswordHash, Error> {
            unreachable!("nobody gets a new password here")
        }

        async fn verify(
            &self,
            _: &PasswordAttempt,
            _: Option<&PasswordHash>,
            _: Asker,
        ) -> Result<bool, Error> {
            self.0.fetch_add(1, Ordering::SeqCst);
            Ok(false)
        }
    }

    /// Knows `ada`.
    struct OnlyAda;

    #[async_trait]
    impl LogIns for OnlyAda {
        async fn find(&self, username: &Username, _: Option<IpAddress>) -> Result<Option<LogInState>, Error> {
            let password = PasswordHash::new(String::new());
            let state = LogInState {
                user: servertree_kernel::domain::Uuid::nil().into(),
                password,
                is_known_address: false,
            };
            Ok((username.as_str() == "ada").then_some(state))
        }
    }

    impl Attempts for OnlyAda {
        fn admit(&self, _: &Attempt<'_>, _: Timestamp) -> Result<Admitted, Error> {
            Ok(Admitted::new(0))
        }

        fn admit_confirmation(&self, _: &str, _: Timestamp) -> Result<Admitted, Error> {
            Ok(Admitted::new(0))
        }

        fn succeeded(&self, _: Admitted) {}
    }

    #[tokio::test]
    async fn a_known_and_an_unknown_name_are_one_hash_each() {
        let test = testbed().start().await;
        let message = test.message_of(Caller::anonymous());
        for name in ["ada", "nobody"] {
            let passwords = Arc::new(Counting::default());
            let password = PasswordAttempt::parse("wrong".to_owned()).unwrap();
            let command = LogIn { username: name.to_owned(), password, user_agent: None };
            let checked =
                right_password(&OnlyAda, &OnlyAda, &*passwords, &command, &message, message.now).await;
            assert!(matches!(checked, Err(Error::WrongCredentials)), "{name}");
            assert_eq!(passwords.0.load(Ordering::SeqCst), 1, "{name}");
        }
        test.finish().await;
    }
}

//! Hashing, and the queue before it.

use std::pin::pin;
use std::sync::mpsc;

use futures_util::future::join_all;
use futures_util::poll;
use servertree_kernel::problem::{Kind, Problem};
use servertree_kernel::testkit::Testbed;

use super::*;

const RIGHT: &str = "correct horse";
const AT_ONCE: usize = 1;
/// How many strangers may wait for it.
const STRANGERS: usize = WAITING * 3 / 4;

struct Subject {
    passwords: Argon2Passwords,
    testbed: Testbed,
}

impl Subject {
    async fn new() -> Self {
        let testbed = Testbed::of(&[]).start().await;
        let hashing = Arc::new(Hashing::at_once(AT_ONCE));
        let passwords = Argon2Passwords::new(Arc::new(testbed.keyring.clone()), hashing);
        Self { passwords, testbed }
    }

    async fn hash(&self) -> PasswordHash {
        self.passwords.hash(&Password::parse(RIGHT.to_owned()).unwrap(), Asker::Known).await.unwrap()
    }

    async fn verify(&self, attempt: &str, stored: Option<&PasswordHash>) -> Result<bool, Error> {
        self.passwords
            .verify(&PasswordAttempt::parse(attempt.to_owned()).unwrap(), stored, Asker::Stranger)
            .await
    }

    /// The hash of `RIGHT`, made in another way.
    fn hash_at(&self, cost: Params) -> PasswordHash {
        let input = self.passwords.peppered(RIGHT).unwrap();
        let salt = Salt::new(&[7; SALT_LENGTH]).unwrap();
        let output = self.passwords.hashing.compute(&input, &salt, cost.clone()).unwrap();
        let params = ParamsString::try_from(&cost).unwrap();
        PasswordHash::new(format!("$argon2id$v=19${params}${salt}${output}"))
    }

    async fn finish(self) {
        self.testbed.finish().await;
    }
}

/// Waits until it holds.
async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::task::yield_now().await;
    }
}

/// A runtime whose only thread for blocking work is taken until something is sent: no hash runs before that.
fn with_blocked_thread(test: impl AsyncFnOnce(&Subject, mpsc::Sender<()>)) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let subject = Subject::new().await;
        let (release, released) = mpsc::channel();
        tokio::task::spawn_blocking(move || released.recv());
        test(&subject, release).await;
        subject.finish().await;
    });
}

#[tokio::test]
async fn the_right_password_is_told_from_wrong_ones() {
    let subject = Subject::new().await;
    let hash = subject.hash().await;
    assert!(subject.verify(RIGHT, Some(&hash)).await.unwrap());
    for wrong in ["Correct horse", "correct horse ", "c", "password123", &"correct".repeat(100)] {
        assert!(!subject.verify(wrong, Some(&hash)).await.unwrap(), "{wrong}");
    }
    subject.finish().await;
}

#[tokio::test]
async fn one_hash_is_computed_whether_anything_is_stored_or_not() {
    let subject = Subject::new().await;
    let hash = subject.hash().await;
    assert_eq!(subject.passwords.computed(), 1);
    for (stored, attempt) in [(Some(&hash), RIGHT), (Some(&hash), "wrong"), (None, RIGHT), (None, "wrong")] {
        let before = subject.passwords.computed();
        let is_right = subject.verify(attempt, stored).await.unwrap();
        assert_eq!(is_right, stored.is_some() && attempt == RIGHT);
        assert_eq!(subject.passwords.computed(), before + 1);
    }
    subject.finish().await;
}

#[tokio::test]
async fn a_hash_says_how_it_was_made() {
    let subject = Subject::new().await;
    let (hash, other) = (subject.hash().await, subject.hash().await);
    assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.as_str());
    let (cost, salt, output) = read(hash.as_str()).unwrap();
    assert_eq!((cost.m_cost(), cost.t_cost(), cost.p_cost()), (19_456, 2, 1));
    assert_eq!((salt.len(), output.len()), (16, 32));
    assert_ne!(hash.as_str(), other.as_str(), "each has a salt of its own");
    let (made_up, _, output) = read(MADE_UP).unwrap();
    assert_eq!((made_up, output.len()), (cost, 32), "names that nobody has take the same work");
    subject.finish().await;
}

#[tokio::test]
async fn it_is_argon2id() {
    let subject = Subject::new().await;
    let hash = subject.hash().await;
    let peppered = subject.testbed.keyring.keyed_hash("password", RIGHT.as_bytes()).unwrap();
    let verified = argon2::PasswordVerifier::verify_password(&Argon2::default(), &peppered, hash.as_str());
    assert_eq!(verified, Ok(()));
    subject.finish().await;
}

#[tokio::test]
async fn without_the_pepper_nothing_is_right() {
    let (subject, other) = (Subject::new().await, Subject::new().await);
    let hash = subject.hash().await;
    assert!(!other.verify(RIGHT, Some(&hash)).await.unwrap());
    let keyless = Argon2Passwords::new(
        Arc::new(servertree_kernel::secrets::Keyring::default()),
        Arc::new(Hashing::at_once(1)),
    );
    let attempt = PasswordAttempt::parse(RIGHT.to_owned()).unwrap();
    assert!(matches!(keyless.verify(&attempt, Some(&hash), Asker::Stranger).await, Err(Error::Secrets(_))));
    subject.finish().await;
    other.finish().await;
}

#[tokio::test]
async fn the_cost_of_a_stored_hash_is_honoured() {
    let subject = Subject::new().await;
    for (memory, passes, lanes) in [(8, 1, 1), (30_000, 3, 2), (64, 10, 8)] {
        let hash = subject.hash_at(Params::new(memory, passes, lanes, None).unwrap());
        assert!(subject.verify(RIGHT, Some(&hash)).await.unwrap(), "{memory} {passes} {lanes}");
        assert!(!subject.verify("wrong", Some(&hash)).await.unwrap());
    }
    subject.finish().await;
}

#[tokio::test]
async fn what_is_stored_and_cannot_be_used_is_an_error() {
    let subject = Subject::new().await;
    let salt = "AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for stored in [
        String::new(),
        RIGHT.to_owned(),
        format!("$argon2id$v=19$m=10485760,t=2,p=1${salt}"),
        format!("$argon2id$v=19$m=4294967295,t=2,p=1${salt}"),
        format!("$argon2id$v=19$m=19456,t=11,p=1${salt}"),
        format!("$argon2id$v=19$m=19456,t=2,p=9${salt}"),
        format!("$argon2id$v=19$m=0,t=0,p=0${salt}"),
        format!("$argon2id$v=19$m=x,t=2,p=1${salt}"),
        format!("$argon2id$v=16$m=19456,t=2,p=1${salt}"),
        format!("$argon2d$v=19$m=19456,t=2,p=1${salt}"),
        format!("$bcrypt$v=19$m=19456,t=2,p=1${salt}"),
        "$argon2id$v=19$m=19456,t=2,p=1".to_owned(),
        "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA".to_owned(),
    ] {
        let error = subject.verify(RIGHT, Some(&PasswordHash::new(stored.clone()))).await.unwrap_err();
        assert!(matches!(error, Error::Hashing(_)), "{stored}: {error}");
        assert_eq!(error.problem().kind, Kind::Internal);
        assert!(!error.to_string().contains("AAAA") && !error.to_string().contains(RIGHT), "{error}");
    }
    assert_eq!(subject.passwords.computed(), 0);
    subject.finish().await;
}

#[tokio::test]
async fn of_a_thousand_at_once_those_without_a_place_are_refused_at_once() {
    let subject = Subject::new().await;
    let hash = subject.hash_at(Params::new(8, 1, 1, None).unwrap());
    let before = subject.passwords.computed();
    let turn = subject.passwords.hashing.queue.turn(Asker::Stranger).await.unwrap();
    let mut attempts = Vec::new();
    let mut busy = 0;
    for _ in 0..1_000 {
        let mut attempt = Box::pin(subject.verify(RIGHT, Some(&hash)));
        match poll!(&mut attempt) {
            std::task::Poll::Pending => attempts.push(attempt),
            std::task::Poll::Ready(outcome) => {
                let error = outcome.unwrap_err();
                assert!(matches!(error, Error::HashingBusy), "{error}");
                assert_eq!(error.problem().kind, Kind::Unavailable);
                busy += 1;
            }
        }
    }
    assert_eq!((attempts.len(), busy), (STRANGERS, 1_000 - STRANGERS));
    assert_eq!(subject.passwords.computed(), before, "nobody had a turn");
    let attempt = PasswordAttempt::parse(RIGHT.to_owned()).unwrap();
    let mut known = Box::pin(subject.passwords.verify(&attempt, Some(&hash), Asker::Known));
    assert!(poll!(&mut known).is_pending(), "there is room for those who are known");
    drop(turn);
    let (known, outcomes) = futures_util::future::join(known, join_all(attempts)).await;
    assert!(known.unwrap());
    for outcome in outcomes {
        assert!(outcome.unwrap());
    }
    assert_eq!(subject.passwords.computed(), before + 31);
    until(|| subject.passwords.hashing.queue.free_places() == AT_ONCE + STRANGERS).await;
    assert!(subject.verify(RIGHT, Some(&hash)).await.unwrap(), "it goes on as before");
    subject.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_tasks_are_all_answered() {
    let subject = Arc::new(Subject::new().await);
    let hash = subject.hash_at(Params::new(64, 1, 1, None).unwrap());
    let tasks = (0..1_000).map(|_| {
        let (subject, hash) = (Arc::clone(&subject), hash.clone());
        tokio::spawn(async move { subject.verify(RIGHT, Some(&hash)).await })
    });
    let mut right = 0;
    for task in tasks.collect::<Vec<_>>() {
        match task.await.unwrap() {
            Ok(is_right) => right += usize::from(is_right),
            Err(error) => assert!(matches!(error, Error::HashingBusy), "{error}"),
        }
    }
    assert!(right >= AT_ONCE + STRANGERS, "{right}");
}

#[tokio::test]
async fn whoever_stops_waiting_leaves_their_place() {
    let subject = Subject::new().await;
    let queue = &subject.passwords.hashing.queue;
    let turn = queue.turn(Asker::Stranger).await.unwrap();
    for _ in 0..3 {
        let mut waiting: Vec<_> = (0..STRANGERS).map(|_| Box::pin(queue.turn(Asker::Stranger))).collect();
        for waiter in &mut waiting {
            assert!(poll!(waiter).is_pending());
        }
        assert!(matches!(queue.turn(Asker::Stranger).await, Err(Error::HashingBusy)));
        drop(waiting);
        assert_eq!(queue.free_places(), STRANGERS);
    }
    drop(turn);
    assert!(queue.turn(Asker::Stranger).await.is_ok());
    subject.finish().await;
}

#[test]
fn others_go_on_while_a_password_is_hashed() {
    with_blocked_thread(async |subject, release| {
        let mut verification = pin!(subject.verify(RIGHT, None));
        assert!(poll!(&mut verification).is_pending());
        assert_eq!(tokio::spawn(async { "done" }).await.unwrap(), "done");
        assert!(poll!(&mut verification).is_pending());
        release.send(()).unwrap();
        assert!(!verification.await.unwrap());
    });
}

#[test]
fn a_hash_that_nobody_waits_for_keeps_its_turn_until_it_ends() {
    with_blocked_thread(async |subject, release| {
        let mut verification = Box::pin(subject.verify(RIGHT, None));
        assert!(poll!(&mut verification).is_pending());
        drop(verification);
        let mut next = pin!(subject.passwords.hashing.queue.turn(Asker::Stranger));
        assert!(poll!(&mut next).is_pending());
        release.send(()).unwrap();
        assert!(next.await.is_ok());
        assert_eq!(subject.passwords.computed(), 1);
    });
}

//! Rotation of the key that signs tokens. Nobody is logged out: what the one before it signed counts for as long as it
//! would have.

use std::time::Duration;

use super::key::{KeyId, Purpose};
use super::key_error::KeyError;
use super::key_store::{self, KeyState};
use super::keyring::Keyring;
use crate::database::{Database, DatabaseError, Transaction};
use crate::domain::Timestamp;
use crate::locks::Lock;

/// How long what a key signed counts after another one became active: longer than any access token lives, by more than the
/// clocks of machines differ.
const COUNTS_FOR: Duration = Duration::from_secs(60 * 60);

/// What a rotation of the token key came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RotatedTokenKey {
    /// The key that signs from now on.
    pub active: KeyId,
    /// Those whose signatures still count.
    pub retiring: Vec<String>,
    /// Those that this rotation let go.
    pub retired: Vec<String>,
}

impl Keyring {
    /// Makes another token key the active one.
    pub async fn rotate_token_key(
        &self,
        database: &Database,
        now: Timestamp,
    ) -> Result<RotatedTokenKey, KeyError> {
        let mut transaction = database.begin().await?;
        Lock::Keys.take(&mut transaction).await?;
        let retired = Self::retire_superseded(&mut transaction, now).await?;
        let keys = self.read().await?;
        let stored = key_store::all(&mut transaction).await?;
        let next = self.next(Purpose::Token, keys, now)?;
        // One that was let go may be so because somebody else has it. And when it was made active could not be told.
        let is_used_up = |state| stored.iter().any(|known| known.is_key(&next) && known.is(state));
        if is_used_up(KeyState::Retiring) || is_used_up(KeyState::Retired) {
            return Err(KeyError::UsedBefore { id: next.id().clone() });
        }
        self.supersede(&mut transaction, &stored, &next, now).await?;
        let stored = key_store::all(&mut transaction).await?;
        transaction.commit().await?;
        let retiring =
            stored.iter().filter(|stored| stored.is_for(Purpose::Token) && stored.is(KeyState::Retiring));
        let retiring = retiring.map(|stored| stored.id().to_owned()).collect();
        Ok(RotatedTokenKey { active: next.id().clone(), retiring, retired })
    }

    /// Lets the token keys go that nothing counts of any more: those whose successor has been active for long enough. A
    /// token key becomes active once, when the database first sees it, so the successor is the one after it in time.
    pub(super) async fn retire_superseded(
        transaction: &mut Transaction,
        now: Timestamp,
    ) -> Result<Vec<String>, DatabaseError> {
        let mut stored = key_store::all(transaction).await?;
        stored.retain(|stored| stored.is_for(Purpose::Token));
        let mut retired = Vec::new();
        for (key, successor) in stored.iter().zip(stored.iter().skip(1)) {
            if key.is(KeyState::Retiring) && successor.created_at.after(COUNTS_FOR) < now {
                key_store::set_state(transaction, key.id(), KeyState::Retired).await?;
                tracing::info!(id = key.id(), "a token key is let go: what it signed has expired");
                retired.push(key.id().to_owned());
            }
        }
        Ok(retired)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;
    use std::time::Instant;

    use futures_util::future::join_all;
    use sea_query::{Expr, ExprTrait, Query};
    use tempfile::TempDir;
    use uuid::Uuid;

    use super::*;
    use crate::cache::MemoryCache;
    use crate::clock::Clock as _;
    use crate::domain::Secret;
    use crate::message::{Caller, Message, RequestId};
    use crate::plugin::migrations;
    use crate::secrets::{Key, KeySource, SecretColumn, Secrets, SecretsError};
    use crate::testkit::{SequentialIds, SettableClock, TestDatabase};
    use crate::uow::{UnitsOfWork, WriteUow};

    const MESSAGE: &[u8] = b"header.payload";

    /// A database with its keys.
    struct Place {
        folder: TempDir,
        database: Database,
        _place: TestDatabase,
        clock: SettableClock,
    }

    impl Place {
        async fn new() -> Self {
            let folder = TempDir::new().unwrap();
            let place = TestDatabase::new(&folder.path().join("test.db")).await;
            let database = place.open().await;
            database.migrate(&migrations(&[])).await.unwrap();
            Self { folder, database, _place: place, clock: SettableClock::default() }
        }

        fn keys(&self) -> PathBuf {
            self.folder.path().join("keys")
        }

        /// As another process would.
        async fn open(&self) -> Keyring {
            self.try_open(KeySource::Folder(self.keys())).await.unwrap()
        }

        async fn try_open(&self, source: KeySource) -> Result<Keyring, KeyError> {
            let keyring = Keyring::new(source);
            keyring.open(&self.database, self.clock.now()).await?;
            Ok(keyring)
        }

        async fn rotate(&self, keyring: &Keyring) -> RotatedTokenKey {
            keyring.rotate_token_key(&self.database, self.clock.now()).await.unwrap()
        }

        fn uow(&self) -> WriteUow {
            let message =
                Message::new(Caller::named("t"), RequestId::parse("t").unwrap(), None, self.clock.now());
            UnitsOfWork::new(
                self.database.clone(),
                Arc::new(SequentialIds::default()),
                Arc::new(MemoryCache::new(0, Arc::new(SettableClock::default()))),
            )
            .write(message)
        }

        async fn sign(&self, keyring: &Keyring) -> (KeyId, [u8; 64]) {
            let signer = keyring.token_signer(&mut self.uow()).await.unwrap();
            (signer.key().clone(), signer.sign(MESSAGE))
        }

        /// The states of the token keys, oldest first.
        async fn states(&self, keyring: &Keyring) -> Vec<String> {
            let mut listed = keyring.list(&self.database).await.unwrap();
            listed.retain(|key| key.purpose == "token");
            listed.into_iter().map(|key| key.state).collect()
        }
    }

    async fn verifies(keyring: &Keyring, (key, signature): &(KeyId, [u8; 64])) -> bool {
        let verifier = keyring.token_verifier(key).await.unwrap();
        verifier.is_some_and(|verifier| verifier.verify(MESSAGE, signature))
    }

    async fn public_ids(keyring: &Keyring) -> Vec<KeyId> {
        keyring.token_keys().await.unwrap().into_iter().map(|key| key.id).collect()
    }

    fn remove(folder: &Path, key: &str) {
        fs::remove_file(folder.join(format!("{key}.key"))).unwrap();
    }

    #[tokio::test]
    async fn a_rotation_logs_nobody_out() {
        let place = Place::new().await;
        let (ours, theirs) = (place.open().await, place.open().await);
        let before = place.sign(&ours).await;
        let rotated = place.rotate(&theirs).await;
        assert_eq!(rotated.retiring, [before.0.as_str()]);
        // Who rotated has it, and so has who did not know of it.
        let after = place.sign(&ours).await;
        assert!(after.0 == rotated.active && after.0 != before.0);
        for keyring in [&ours, &theirs, &place.open().await] {
            assert!(verifies(keyring, &before).await && verifies(keyring, &after).await);
            assert_eq!(public_ids(keyring).await, [before.0.clone(), after.0.clone()]);
        }
        assert!(!verifies(&ours, &(before.0, after.1)).await, "by another key than it names");
    }

    #[tokio::test]
    async fn a_key_is_let_go_when_what_it_signed_has_expired() {
        let place = Place::new().await;
        let keyring = place.open().await;
        let first = place.sign(&keyring).await;
        place.clock.advance(Duration::from_secs(24 * 60 * 60));
        let second = place.rotate(&keyring).await.active;
        place.clock.advance(COUNTS_FOR);
        assert!(verifies(&place.open().await, &first).await);
        place.clock.advance(Duration::from_secs(1));
        // Nobody has to have it any more.
        remove(&place.keys(), first.0.as_str());
        let opened = place.open().await;
        assert!(!verifies(&opened, &first).await);
        // Who runs on finds out after a while.
        keyring.shared.token_keys.make_stale();
        assert!(!verifies(&keyring, &first).await);
        assert_eq!(public_ids(&opened).await, std::slice::from_ref(&second));
        assert_eq!(place.states(&opened).await, ["retired", "active"]);
        // A rotation does so, too, also of one that was soon followed by the next.
        place.rotate(&keyring).await;
        place.rotate(&keyring).await;
        place.clock.advance(COUNTS_FOR * 2);
        let rotated = place.rotate(&keyring).await;
        assert_eq!((rotated.retired.len(), rotated.retiring.len()), (2, 1));
        assert_eq!(rotated.retired[0], second.as_str());
        assert_eq!(place.states(&keyring).await, ["retired", "retired", "retired", "retiring", "active"]);
    }

    #[tokio::test]
    async fn while_tokens_are_out_their_key_is_needed() {
        let place = Place::new().await;
        let keyring = place.open().await;
        let rotated = place.rotate(&keyring).await;
        remove(&place.keys(), &rotated.retiring[0]);
        let refused = place.try_open(KeySource::Folder(place.keys())).await;
        assert!(matches!(refused, Err(KeyError::Missing { purpose, .. }) if purpose == "token"));
    }

    /// A signer and a seal in one unit of work: each has the key of its purpose.
    #[tokio::test]
    async fn other_keys_sign_no_tokens() {
        let place = Place::new().await;
        let keyring = place.open().await;
        let column = SecretColumn { table: "t", field: "f" };
        let secret = Secret::parse("hunter2".to_owned()).unwrap();
        let mut uow = place.uow();
        for _ in 0..2 {
            let signer = keyring.token_signer(&mut uow).await.unwrap();
            let sealed = keyring.seal(column, Uuid::nil(), &secret, &mut uow).await.unwrap();
            assert!(signer.key().as_str().starts_with("token-"), "{signer:?}");
            assert!(sealed.key.as_str().starts_with("master-"), "{sealed:?}");
            assert_eq!(keyring.token_verifier(&sealed.key).await.unwrap(), None);
        }
    }

    /// A database from before there were token keys.
    #[tokio::test]
    async fn a_database_that_has_none_gets_one() {
        let place = Place::new().await;
        let token = place.sign(&place.open().await).await.0;
        let forget =
            Query::delete().from_table("secret_keys").and_where(Expr::col("purpose").eq("token")).take();
        let mut transaction = place.database.begin().await.unwrap();
        transaction.execute(&forget).await.unwrap();
        transaction.commit().await.unwrap();
        remove(&place.keys(), token.as_str());
        let others = place.keys().display().to_string();
        let refused = place.try_open(KeySource::Given(vec![others])).await.err().unwrap().to_string();
        assert!(refused.contains("no token key") && refused.contains("keys generate token"), "{refused}");
        let keyring = place.open().await;
        assert!(verifies(&keyring, &place.sign(&keyring).await).await);
    }

    #[tokio::test]
    async fn keys_that_are_given_sign_once() {
        let place = Place::new().await;
        let key = |purpose| Key::generate(purpose, place.clock.now()).unwrap().expose().to_string();
        let [first, second] = [(); 2].map(|()| key(Purpose::Token));
        let rest = [key(Purpose::Master), key(Purpose::Pepper)];
        let open = async |first: &[&String]| {
            let keys = first.iter().copied().chain(&rest).cloned().collect();
            place.try_open(KeySource::Given(keys)).await.unwrap()
        };
        let rotate =
            async |keyring: &Keyring| keyring.rotate_token_key(&place.database, place.clock.now()).await;
        let before = open(&[&first]).await;
        assert!(matches!(rotate(&before).await, Err(KeyError::NoNewKey { .. })));
        let after = open(&[&second, &first]).await;
        rotate(&after).await.unwrap();
        // Who was not started anew cannot tell whether a token is right: it refuses none.
        let token = place.sign(&after).await;
        assert!(matches!(before.token_verifier(&token.0).await, Err(SecretsError::TokenKeyMissing(_))));
        let back = open(&[&first, &second]).await;
        assert!(matches!(rotate(&back).await, Err(KeyError::UsedBefore { .. })));
        assert_eq!(place.states(&back).await, ["retiring", "active"]);
    }

    #[tokio::test]
    async fn made_up_keys_cost_one_look_a_second() {
        let place = Place::new().await;
        let keyring = place.open().await;
        let token = place.sign(&keyring).await;
        let (before, since) = (place.database.statements(), Instant::now());
        let ask = async |number: i32| {
            let id = KeyId::parse(&format!("made-up-{number}")).unwrap();
            assert_eq!(keyring.token_verifier(&id).await.unwrap(), None);
        };
        for round in 0..2 {
            join_all((0..100).map(|number| ask(round * 100 + number))).await;
        }
        let looks = place.database.statements() - before;
        assert!((2..=since.elapsed().as_secs() + 1).contains(&looks), "{looks} in {:?}", since.elapsed());
        // Who asks for what is known neither waits nor looks.
        let (_, ()) = tokio::join!(ask(-1), async {
            let before = place.database.statements();
            assert!(verifies(&keyring, &token).await);
            assert_eq!(place.database.statements(), before);
        });
        // A new key is found meanwhile, by all who ask at once.
        place.rotate(&place.open().await).await;
        let token = place.sign(&keyring).await;
        let asked = join_all((0..10).map(|_| verifies(&keyring, &token))).await;
        assert!(asked.into_iter().all(|verifies| verifies));
    }

    /// And what is not known is not refused for good: that is what an error is for.
    #[tokio::test]
    async fn while_the_database_is_away_what_is_known_counts() {
        let place = Place::new().await;
        let keyring = place.open().await;
        let token = place.sign(&keyring).await;
        place.database.close().await;
        let unknown = KeyId::parse("made-up").unwrap();
        for _ in 0..2 {
            assert!(keyring.token_verifier(&unknown).await.is_err());
            assert!(verifies(&keyring, &token).await);
            keyring.shared.token_keys.make_stale();
        }
        assert!(keyring.token_keys().await.is_err());
    }
}

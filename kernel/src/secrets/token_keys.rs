//! The token keys whose signatures count, remembered: tokens come with every request.
//!
//! Another process may have rotated them, so what is remembered has an age, and a key that is not known may be a new one.
//! Strangers can name keys that nobody has, as many as they like: they get one look at the database a second, all of them
//! together. Whoever asks meanwhile waits for the next one, so that no token is refused which a new key has just signed.

use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, Semaphore};

use super::SecretsError;
use super::key::{KeyId, Purpose};
use super::key_store::{self, KeyState, StoredKey};
use super::keyring::Keyring;
use super::token::{TokenPublicKey, TokenVerifyingKey};

/// Between two looks at the database.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long a key that is known is not asked about. A key that was let go has not signed for long before that.
const TRUSTED_FOR: Duration = Duration::from_secs(60);

/// What is remembered.
pub(super) struct TokenKeys {
    known: RwLock<Known>,
    /// Whoever has it looks; those who wait for it see what was found. Nobody waits for it who asks for what is known.
    look: Mutex<Option<Look>>,
    /// Places for those who wait.
    waiting: Semaphore,
}

/// How many wait at most for a key to be looked for.
const MAX_WAITING: usize = 32;

impl Default for TokenKeys {
    fn default() -> Self {
        Self { known: RwLock::default(), look: Mutex::default(), waiting: Semaphore::new(MAX_WAITING) }
    }
}

#[derive(Default)]
struct Known {
    keys: Vec<TokenKey>,
    /// When the database was looked at.
    looked_at: Option<Instant>,
}

#[derive(Clone)]
struct TokenKey {
    id: KeyId,
    /// None: the source does not have it.
    verifying: Option<TokenVerifyingKey>,
}

/// The last look at the database.
struct Look {
    began_at: Instant,
    /// Not if it failed or was given up.
    found: bool,
}

impl TokenKeys {
    fn read<T>(&self, read: impl FnOnce(&Known) -> T) -> T {
        read(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn find(&self, id: &KeyId) -> Option<TokenKey> {
        self.read(|known| known.keys.iter().find(|key| key.id == *id).cloned())
    }

    /// What verifies, if it was looked at within `age`.
    fn find_within(&self, age: Duration, id: &KeyId) -> Option<TokenVerifyingKey> {
        self.is_within(age).then(|| self.find(id)).flatten()?.verifying
    }

    /// As after a while.
    #[cfg(test)]
    pub(super) fn make_stale(&self) {
        self.known.write().unwrap_or_else(PoisonError::into_inner).looked_at = None;
    }

    fn is_within(&self, age: Duration) -> bool {
        self.read(|known| known.looked_at.is_some_and(|looked_at| looked_at.elapsed() < age))
    }
}

impl Keyring {
    pub(super) async fn find_token_key(&self, id: &KeyId) -> Result<Option<TokenVerifyingKey>, SecretsError> {
        let token_keys = &self.shared.token_keys;
        if let Some(key) = token_keys.find_within(TRUSTED_FOR, id) {
            return Ok(Some(key));
        }
        let looked = self.look_again(|| token_keys.find_within(TRUSTED_FOR, id).is_some()).await;
        match (looked, token_keys.find(id)) {
            (Ok(()), Some(TokenKey { verifying: None, .. })) => {
                Err(SecretsError::TokenKeyMissing(id.clone()))
            }
            (Err(error), Some(TokenKey { verifying: None, .. }) | None) => Err(error),
            // While the database is away, what was known before goes on to be.
            (_, key) => Ok(key.and_then(|key| key.verifying)),
        }
    }

    pub(super) async fn list_token_keys(&self) -> Result<Vec<TokenPublicKey>, SecretsError> {
        let token_keys = &self.shared.token_keys;
        if !token_keys.is_within(LOOK_EVERY) {
            self.look_again(|| token_keys.is_within(LOOK_EVERY)).await?;
        }
        let public = |key: &TokenKey| {
            Some(TokenPublicKey { id: key.id.clone(), bytes: key.verifying.as_ref()?.to_bytes() })
        };
        Ok(token_keys.read(|known| known.keys.iter().filter_map(public).collect()))
    }

    /// Remembers those of the keys that count.
    pub(super) fn remember_token_keys(&self, stored: &[StoredKey], looked_at: Instant) {
        let token_key = |stored: &StoredKey| {
            let id = KeyId::parse(stored.id()).ok()?;
            let key = self.known(&id).filter(|key| stored.is_key(key));
            Some(TokenKey { id, verifying: key.as_ref().map(TokenVerifyingKey::of) })
        };
        let keys = stored.iter().filter(|stored| counts(stored)).filter_map(token_key).collect();
        *self.shared.token_keys.known.write().unwrap_or_else(PoisonError::into_inner) =
            Known { keys, looked_at: Some(looked_at) };
    }

    /// Has the database looked at again, unless somebody did since this was called, or found what is `enough`.
    async fn look_again(&self, enough: impl Fn() -> bool) -> Result<(), SecretsError> {
        let asked_at = Instant::now();
        // Whoever makes up keys faster than they are looked for does not pile up: for them there is none.
        let Ok(_waits) = self.shared.token_keys.waiting.try_acquire() else { return Ok(()) };
        let mut last = self.shared.token_keys.look.lock().await;
        if enough() {
            return Ok(());
        }
        if let Some(last) = &*last {
            if last.began_at > asked_at {
                return if last.found { Ok(()) } else { Err(SecretsError::NotLookedUp) };
            }
            tokio::time::sleep_until((last.began_at + LOOK_EVERY).into()).await;
        }
        let began_at = Instant::now();
        let last = last.insert(Look { began_at, found: false });
        self.look(began_at).await?;
        last.found = true;
        Ok(())
    }

    async fn look(&self, began_at: Instant) -> Result<(), SecretsError> {
        let database = self.database().ok_or(SecretsError::NoActiveKey)?;
        let stored: Vec<StoredKey> = database.fetch_all(&key_store::select()).await?;
        let is_at_hand = |stored: &StoredKey| {
            KeyId::parse(stored.id())
                .ok()
                .and_then(|id| self.known(&id))
                .is_some_and(|key| stored.is_key(&key))
        };
        if !stored.iter().filter(|stored| counts(stored)).all(is_at_hand) {
            self.add(self.read().await?);
        }
        self.remember_token_keys(&stored, began_at);
        Ok(())
    }
}

/// Whether tokens that it signed are taken.
fn counts(stored: &StoredKey) -> bool {
    stored.is_for(Purpose::Token) && !stored.is(KeyState::Retired)
}

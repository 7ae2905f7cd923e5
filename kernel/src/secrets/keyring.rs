//! The keyring: the keys at hand, held against what the database needs.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use shaku::Component;
use uuid::Uuid;

use super::envelope::{self, Place};
use super::key::{Key, KeyId, Purpose};
use super::key_error::KeyError;
use super::key_store::{self, ActiveKey, KeyState, StoredKey};
use super::source::{self, KeySource, KeySourceError};
use super::token::{TokenPublicKey, TokenSigner, TokenVerifyingKey};
use super::token_keys::TokenKeys;
use super::{Sealed, SecretColumn, Secrets, SecretsError};
use crate::database::{Database, DatabaseError, Transaction};
use crate::domain::{Secret, Timestamp};
use crate::locks::Lock;
use crate::uow::WriteUow;

/// Seals and opens secrets with the keys of a source. It has none until it is opened. Clones share their keys.
#[derive(Component, Clone, Default)]
#[shaku(interface = Secrets)]
pub struct Keyring {
    /// Made by whoever puts the application together.
    #[shaku(default)]
    pub(super) shared: Arc<Shared>,
}

/// Where the keys come from, and those that were read.
pub struct Shared {
    source: KeySource,
    keys: RwLock<Keys>,
    pub(super) token_keys: TokenKeys,
}

#[derive(Default)]
struct Keys {
    by_id: HashMap<KeyId, Key>,
    pepper: Option<Key>,
    /// The one that it was opened for.
    database: Option<Database>,
}

/// Nothing to take keys from.
impl Default for Shared {
    fn default() -> Self {
        Self {
            source: KeySource::Given(Vec::new()),
            keys: RwLock::default(),
            token_keys: TokenKeys::default(),
        }
    }
}

/// A key, for a list of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyListing {
    /// Its id.
    pub id: String,
    /// What it is for.
    pub purpose: String,
    /// Where it stands.
    pub state: String,
    /// When the database first saw it.
    pub created_at: Timestamp,
    /// Whether the source has it.
    pub at_hand: bool,
}

impl Keyring {
    /// A keyring that takes its keys from `source`.
    pub fn new(source: KeySource) -> Self {
        Self { shared: Arc::new(Shared { source, ..Shared::default() }) }
    }

    /// Where the keys come from, for people.
    pub fn description(&self) -> String {
        self.shared.source.description()
    }

    /// Reads the keys, and checks that those are there which the database needs. Where it has none for a purpose, and only
    /// then, one is taken from the source, or made in its folder. Token keys that have had their time are let go first:
    /// nobody has to have them.
    pub async fn open(&self, database: &Database, now: Timestamp) -> Result<(), KeyError> {
        // The lock goes first, the files after it: processes that start together make one key, and all find it.
        let mut transaction = database.begin().await?;
        Lock::Keys.take(&mut transaction).await?;
        let mut keys = self.read().await?;
        Self::retire_superseded(&mut transaction, now).await?;
        let stored = key_store::all(&mut transaction).await?;
        if stored.iter().any(|stored| stored.is_for(Purpose::Master) && stored.is(KeyState::Retiring)) {
            tracing::warn!(
                "a rotation of the master key has not ended: `servertree keys rotate` goes on with it"
            );
        }
        for needed in stored.iter().filter(|stored| !stored.is(KeyState::Retired)) {
            self.check(needed, &keys)?;
        }
        for purpose in Purpose::ALL {
            if !stored.iter().any(|stored| stored.is_for(purpose)) {
                let key = match keys.iter().find(|key| key.purpose() == purpose) {
                    Some(key) => key.clone(),
                    None => self.make(purpose, now)?.ok_or(KeyError::NotGiven { purpose })?,
                };
                key_store::insert(&mut transaction, &key, KeyState::Active, now).await?;
                tracing::info!(id = key.id().as_str(), %purpose, "a key is in use from now on");
                keys.push(key);
            }
        }
        let looked_at = Instant::now();
        let stored = key_store::all(&mut transaction).await?;
        transaction.commit().await?;
        let is_active_pepper = |key: &&Key| {
            stored.iter().any(|stored| stored.is(KeyState::Active) && stored.is_key(key))
                && key.purpose() == Purpose::Pepper
        };
        let pepper = keys.iter().find(is_active_pepper).cloned();
        self.replace(keys, pepper, database);
        self.remember_token_keys(&stored, looked_at);
        Ok(())
    }

    /// The keys that the database knows, oldest first.
    pub async fn list(&self, database: &Database) -> Result<Vec<KeyListing>, KeyError> {
        let keys = self.read().await?;
        let stored: Vec<StoredKey> = database.fetch_all(&key_store::select()).await?;
        let listing = |stored: StoredKey| KeyListing {
            at_hand: keys.iter().any(|key| stored.is_key(key)),
            id: stored.id().to_owned(),
            purpose: stored.purpose().to_owned(),
            state: stored.state().to_owned(),
            created_at: stored.created_at,
        };
        Ok(stored.into_iter().map(listing).collect())
    }

    /// Makes another master key the active one. The one that was is retiring until a rotation has wrapped all again; while
    /// one is, this goes on with what was begun. Answers the active key.
    pub(super) async fn activate_next(&self, database: &Database, now: Timestamp) -> Result<Key, KeyError> {
        let mut transaction = database.begin().await?;
        Lock::Keys.take(&mut transaction).await?;
        let keys = self.read().await?;
        let stored = key_store::all(&mut transaction).await?;
        let find = |state| stored.iter().find(|stored| stored.is_for(Purpose::Master) && stored.is(state));
        if let (Some(active), Some(_)) = (find(KeyState::Active), find(KeyState::Retiring)) {
            return self.check(active, &keys);
        }
        let next = self.next(Purpose::Master, keys, now)?;
        self.supersede(&mut transaction, &stored, &next, now).await?;
        transaction.commit().await?;
        Ok(next)
    }

    /// The key to rotate to: a new one in the folder, or the first that is given.
    pub(super) fn next(&self, purpose: Purpose, keys: Vec<Key>, now: Timestamp) -> Result<Key, KeyError> {
        match self.make(purpose, now)? {
            Some(made) => Ok(made),
            None => {
                keys.into_iter().find(|key| key.purpose() == purpose).ok_or(KeyError::NotGiven { purpose })
            }
        }
    }

    /// Makes `next` the active key of its purpose; the one that was is retiring.
    pub(super) async fn supersede(
        &self,
        transaction: &mut Transaction,
        stored: &[StoredKey],
        next: &Key,
        now: Timestamp,
    ) -> Result<(), KeyError> {
        let purpose = next.purpose();
        let is_active = |stored: &&StoredKey| stored.is_for(purpose) && stored.is(KeyState::Active);
        let mut first_seen = now;
        if let Some(active) = stored.iter().find(is_active) {
            if active.id() == next.id().as_str() {
                return Err(KeyError::NoNewKey { purpose, id: next.id().clone() });
            }
            key_store::set_state(transaction, active.id(), KeyState::Retiring).await?;
            // Whatever the clock says: the order of the keys tells which one came after which.
            first_seen = now.max(active.created_at.after(Duration::from_micros(1)));
        }
        match stored.iter().find(|stored| stored.id() == next.id().as_str()) {
            Some(known) if !known.is_key(next) => return Err(self.other(known)),
            Some(known) => key_store::set_state(transaction, known.id(), KeyState::Active).await?,
            None => key_store::insert(transaction, next, KeyState::Active, first_seen).await?,
        }
        Ok(())
    }

    /// Lets the retiring master keys go: nothing is sealed with them any more.
    pub(super) async fn retire(transaction: &mut Transaction) -> Result<Vec<String>, DatabaseError> {
        let mut retired = Vec::new();
        for stored in key_store::all(transaction).await? {
            if stored.is_for(Purpose::Master) && stored.is(KeyState::Retiring) {
                key_store::set_state(transaction, stored.id(), KeyState::Retired).await?;
                retired.push(stored.id().to_owned());
            }
        }
        Ok(retired)
    }

    /// The key of this id. One that is not known may have been added since the keys were read.
    pub(super) async fn key(&self, id: &KeyId) -> Result<Key, SecretsError> {
        if let Some(key) = self.known(id) {
            return Ok(key);
        }
        let keys = self.read().await?;
        self.add(keys);
        self.known(id).ok_or_else(|| SecretsError::UnknownKey(id.clone()))
    }

    /// The key of this purpose that is active as this unit of work sees it.
    async fn active<'u>(&self, purpose: Purpose, uow: &'u mut WriteUow) -> Result<&'u Key, SecretsError> {
        if uow.active_key(purpose).is_none() {
            let key = self.look_up_active(purpose, uow).await?;
            uow.keep_active_key(key);
        }
        uow.active_key(purpose).ok_or(SecretsError::NoActiveKey)
    }

    async fn look_up_active(&self, purpose: Purpose, uow: &mut WriteUow) -> Result<Key, SecretsError> {
        let select = key_store::active(purpose);
        let mut active: Option<ActiveKey> = uow.fetch_optional(&select).await?;
        // Who had to wait for a rotation finds its key active no more, and the one after it only when they look again.
        if active.is_none() {
            active = uow.fetch_optional(&select).await?;
        }
        let active = active.ok_or(SecretsError::NoActiveKey)?;
        let id = active.id().ok_or(SecretsError::NoActiveKey)?;
        // A key of the same name would seal what the right one does not open.
        match self.key(&id).await {
            Ok(key) if active.is(&key) => Ok(key),
            Ok(_) | Err(SecretsError::UnknownKey(_)) => Err(SecretsError::ActiveKeyMissing(id)),
            Err(error) => Err(error),
        }
    }

    /// A new key, kept in the folder; none where somebody else keeps them.
    fn make(&self, purpose: Purpose, now: Timestamp) -> Result<Option<Key>, KeyError> {
        let KeySource::Folder(folder) = &self.shared.source else { return Ok(None) };
        let key = Key::generate(purpose, now).map_err(KeyError::Random)?;
        source::keep(folder, &key)?;
        Ok(Some(key))
    }

    /// The key that the database needs, if it is among these.
    fn check(&self, needed: &StoredKey, keys: &[Key]) -> Result<Key, KeyError> {
        match keys.iter().find(|key| key.id().as_str() == needed.id()) {
            Some(key) if needed.is_key(key) => Ok(key.clone()),
            Some(_) => Err(self.other(needed)),
            None => Err(KeyError::Missing {
                id: needed.id().to_owned(),
                purpose: needed.purpose().to_owned(),
                source_description: self.shared.source.description(),
            }),
        }
    }

    fn other(&self, stored: &StoredKey) -> KeyError {
        KeyError::Other { id: stored.id().to_owned(), source_description: self.shared.source.description() }
    }

    pub(super) async fn read(&self) -> Result<Vec<Key>, KeySourceError> {
        let source = self.shared.source.clone();
        tokio::task::spawn_blocking(move || source.read()).await.map_err(|_| KeySourceError::BrokenOff)?
    }

    pub(super) fn known(&self, id: &KeyId) -> Option<Key> {
        self.shared.keys.read().unwrap_or_else(PoisonError::into_inner).by_id.get(id).cloned()
    }

    fn pepper(&self) -> Option<Key> {
        self.shared.keys.read().unwrap_or_else(PoisonError::into_inner).pepper.clone()
    }

    /// The database that it was opened for.
    pub(super) fn database(&self) -> Option<Database> {
        self.shared.keys.read().unwrap_or_else(PoisonError::into_inner).database.clone()
    }

    /// What is known stays known: a key may be taken away from its source while it is still needed.
    pub(super) fn add(&self, keys: Vec<Key>) {
        let mut known = self.shared.keys.write().unwrap_or_else(PoisonError::into_inner);
        for key in keys {
            known.by_id.entry(key.id().clone()).or_insert(key);
        }
    }

    fn replace(&self, keys: Vec<Key>, pepper: Option<Key>, database: &Database) {
        let by_id = keys.into_iter().map(|key| (key.id().clone(), key)).collect();
        let database = Some(database.clone());
        *self.shared.keys.write().unwrap_or_else(PoisonError::into_inner) = Keys { by_id, pepper, database };
    }
}

#[async_trait]
impl Secrets for Keyring {
    async fn seal(
        &self,
        column: SecretColumn,
        row: Uuid,
        secret: &Secret,
        uow: &mut WriteUow,
    ) -> Result<Sealed, SecretsError> {
        envelope::seal(self.active(Purpose::Master, uow).await?, Place { column, row }, secret)
    }

    async fn open(&self, column: SecretColumn, row: Uuid, sealed: &Sealed) -> Result<Secret, SecretsError> {
        let key = self.key(&sealed.key).await?;
        envelope::open(&key, Place { column, row }, &sealed.bytes).map_err(|envelope::Damaged| {
            let SecretColumn { table, field } = column;
            SecretsError::Damaged { table, field, row, key: sealed.key.clone() }
        })
    }

    fn keyed_hash(&self, usage: &'static str, data: &[u8]) -> Result<[u8; 32], SecretsError> {
        Ok(self.pepper().ok_or(SecretsError::NoActiveKey)?.authenticate(usage, data))
    }

    async fn token_signer(&self, uow: &mut WriteUow) -> Result<TokenSigner, SecretsError> {
        Ok(TokenSigner::new(self.active(Purpose::Token, uow).await?))
    }

    async fn token_verifier(&self, key: &KeyId) -> Result<Option<TokenVerifyingKey>, SecretsError> {
        self.find_token_key(key).await
    }

    async fn token_keys(&self) -> Result<Vec<TokenPublicKey>, SecretsError> {
        self.list_token_keys().await
    }
}

//! Passwords by argon2id, over a hash that only whoever has the pepper can make: a stolen database alone lets nobody guess.
//!
//! A hash takes 19 MiB and about 25 ms of a core (OWASP's first recommendation), which is why it runs on threads of its own,
//! behind a [`Queue`].

mod queue;

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use argon2::password_hash::phc::{self, Output, ParamsString, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Params, Version};
use async_trait::async_trait;
use queue::Queue;
use servertree_kernel::secrets::Secrets;
use shaku::Component;
use zeroize::Zeroizing;

use crate::domain::{Asker, Password, PasswordAttempt, PasswordHash, Passwords};
use crate::error::Error;

/// What new hashes cost: 19,456 KiB, two passes, one lane.
const COST: Params = Params::DEFAULT;
/// What a stored hash may cost at most, in KiB, passes and lanes: room for what COST may become, not for what takes the
/// process down.
const MAX_COST: (u32, u32, u32) = (131_072, 10, 8);
/// In bytes.
const SALT_LENGTH: usize = 16;
/// What an attempt is compared with where nothing is stored.
const MADE_UP: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// How many may wait for each hash that runs: about a second.
const WAITING: usize = 40;

/// Hashes with argon2id.
#[derive(Component)]
#[shaku(interface = Passwords)]
pub struct Argon2Passwords {
    #[shaku(inject)]
    secrets: Arc<dyn Secrets>,
    /// Where it does so.
    #[shaku(default)]
    hashing: Arc<Hashing>,
}

/// Where hashes are computed: at most so many at once. Each allocates its memory: to keep it saves no time that can be
/// measured, and 19 MiB for each core are a lot for those who have just logged in.
pub struct Hashing {
    queue: Queue,
    computed: AtomicU64,
}

/// All of the machine's cores but one, which is left to those who do not log in.
impl Default for Hashing {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self::at_once(usize::max(1, cores - 1))
    }
}

impl Hashing {
    /// So many hashes at once.
    pub fn at_once(count: usize) -> Self {
        let queue = Queue::new(count, WAITING * count);
        Self { queue, computed: AtomicU64::new(0) }
    }

    /// How many hashes it has computed.
    #[cfg(test)]
    pub fn computed(&self) -> u64 {
        self.computed.load(Ordering::SeqCst)
    }

    /// Computes a hash, when it is its turn. Once it runs it keeps the turn until it ends, even if nobody waits for it.
    async fn run(
        self: &Arc<Self>,
        input: Peppered,
        salt: Salt,
        cost: Params,
        asker: Asker,
    ) -> Result<Output, Error> {
        let turn = self.queue.turn(asker).await?;
        let hashing = Arc::clone(self);
        let work = move || {
            let _turn = turn;
            hashing.compute(&input, &salt, cost)
        };
        tokio::task::spawn_blocking(work).await.map_err(failed)?
    }

    fn compute(&self, input: &Peppered, salt: &Salt, cost: Params) -> Result<Output, Error> {
        let length = cost.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
        let mut output = [0; Output::MAX_LENGTH];
        let output = output.get_mut(..length).ok_or_else(|| failed("its length is not supported"))?;
        Argon2::new(Algorithm::Argon2id, Version::V0x13, cost)
            .hash_password_into(input.as_slice(), salt, output)
            .map_err(failed)?;
        self.computed.fetch_add(1, Ordering::SeqCst);
        Output::new(output).map_err(failed)
    }
}

/// What is hashed: wiped when it is dropped.
type Peppered = Zeroizing<[u8; 32]>;

impl Argon2Passwords {
    /// Passwords that are hashed there.
    #[cfg(test)]
    pub fn new(secrets: Arc<dyn Secrets>, hashing: Arc<Hashing>) -> Self {
        Self { secrets, hashing }
    }

    /// How many hashes it has computed.
    #[cfg(test)]
    pub fn computed(&self) -> u64 {
        self.hashing.computed()
    }

    fn peppered(&self, password: &str) -> Result<Peppered, Error> {
        Ok(Zeroizing::new(self.secrets.keyed_hash("password", password.as_bytes())?))
    }
}

#[async_trait]
impl Passwords for Argon2Passwords {
    async fn hash(&self, password: &Password, asker: Asker) -> Result<PasswordHash, Error> {
        let mut salt = [0; SALT_LENGTH];
        getrandom::fill(&mut salt).map_err(failed)?;
        let salt = Salt::new(&salt).map_err(failed)?;
        let output = self.hashing.run(self.peppered(password.expose())?, salt, COST, asker).await?;
        let hash = phc::PasswordHash {
            algorithm: ARGON2ID_IDENT,
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&COST).map_err(failed)?,
            salt: Some(salt),
            hash: Some(output),
        };
        Ok(PasswordHash::new(hash.to_string()))
    }

    async fn verify(
        &self,
        attempt: &PasswordAttempt,
        stored: Option<&PasswordHash>,
        asker: Asker,
    ) -> Result<bool, Error> {
        let (cost, salt, expected) = read(stored.map_or(MADE_UP, PasswordHash::as_str))?;
        let found = self.hashing.run(self.peppered(attempt.expose())?, salt, cost, asker).await?;
        // How long outputs take to compare does not tell where they differ.
        Ok((found == expected) & stored.is_some())
    }
}

/// How a hash was made, and what came of it. The error does not show it.
fn read(phc: &str) -> Result<(Params, Salt, Output), Error> {
    let hash = phc::PasswordHash::new(phc).map_err(failed)?;
    let is_ours = hash.algorithm == ARGON2ID_IDENT && hash.version == Some(Version::V0x13.into());
    let cost = Params::try_from(&hash).map_err(failed)?;
    let (memory, passes, lanes) = MAX_COST;
    let is_sane = cost.m_cost() <= memory && cost.t_cost() <= passes && cost.p_cost() <= lanes;
    match (hash.salt, hash.hash) {
        (Some(salt), Some(output)) if is_ours && is_sane => Ok((cost, salt, output)),
        _ => Err(failed("what is stored is no hash by argon2id at a cost that is accepted")),
    }
}

fn failed(why: impl Display) -> Error {
    Error::Hashing(why.to_string())
}

#[cfg(test)]
mod tests;

//! What keeps a process from its cache that somebody has to mend.

use redis::{ErrorKind, RedisError, ServerErrorKind};
use thiserror::Error;

/// What somebody has to mend: the message says how. Never with a password.
#[derive(Debug, Error)]
pub enum CacheError {
    /// The URL is none of Redis.
    #[error(
        "cache.url (SERVERTREE_CACHE__URL) is not understood: it must be like redis://:PASSWORD@redis.example.org:6379/0, or \
         rediss:// for TLS, with the number of a database at its end"
    )]
    Url,
    /// The server lets nobody in with this password, or without one.
    #[error(
        "cache.url: the Redis at {place} does not let this user in: {reason}. Check user and password in cache.url \
         (SERVERTREE_CACHE__URL)"
    )]
    LogIn {
        /// Where it is.
        place: String,
        /// What it said.
        reason: String,
    },
    /// The user may not do what is needed.
    #[error(
        "cache.url: the user may not do at {place} what is needed: {reason}. It needs the commands GET, MGET, SET, MULTI, EXEC, PING and INFO on keys \
         named servertree:*"
    )]
    Right {
        /// Where it is.
        place: String,
        /// What it said.
        reason: String,
    },
    /// Something is there that is no Redis, or one of a kind that is not spoken to.
    #[error("cache.url: what answers at {place} is no Redis that can be used: {reason}")]
    Unusable {
        /// Where it is.
        place: String,
        /// What it said.
        reason: String,
    },
    /// The file with certificates.
    #[error("cache.ca: the file {file} cannot be used: {reason}")]
    Authorities {
        /// Its path.
        file: String,
        /// Why.
        reason: String,
    },
}

impl CacheError {
    /// What somebody has to mend of what went wrong; none: it may pass.
    pub(super) fn of(error: &RedisError, place: &str) -> Option<Self> {
        let (place, reason) = (place.to_owned(), error.to_string());
        match (error.kind(), error.code()) {
            (ErrorKind::AuthenticationFailed, _) | (_, Some("WRONGPASS" | "NOAUTH")) => {
                Some(Self::LogIn { place, reason })
            }
            (ErrorKind::Server(ServerErrorKind::NoPerm), _) => Some(Self::Right { place, reason }),
            // Of a cluster, or of a replica that does not take writes; or what is said is not the language of Redis.
            (ErrorKind::Parse | ErrorKind::RESP3NotSupported, _)
            | (ErrorKind::Server(ServerErrorKind::Moved | ServerErrorKind::CrossSlot), _) => {
                Some(Self::Unusable { place, reason })
            }
            _ => None,
        }
    }
}

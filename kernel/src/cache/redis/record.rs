//! What is at the server: a token for each tag, and one for everything; values, with the fingerprint of their tokens.

use std::time::Duration;

use bytes::Bytes;
use redis::{RedisResult, pipe};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::super::{Key, Tag};
use super::link::Live;
use crate::domain::Timestamp;

/// How long a token is kept: longer than it is worth keeping a value. Without it a value is loaded anew.
const KEEP_TOKENS: u64 = 24 * 60 * 60;

/// Before a value: its fingerprint, and when its time is over.
const HEADER: usize = 16;

/// The names of what belongs to a key of the cache.
pub struct Names {
    value: String,
    /// That of everything first.
    tokens: Vec<String>,
}

impl Names {
    pub fn of(key: &Key, live: &Live) -> Self {
        let mut whole = key.name().to_owned();
        let mut tokens = vec![token_of_everything(live)];
        for tag in key.tags() {
            // Neither names nor tags have control characters.
            whole.push('\0');
            whole += tag.as_str();
            tokens.push(token_of(tag, live));
        }
        Self { value: format!("{}v:{:032x}", live.prefix, xxh3_128(whole.as_bytes())), tokens }
    }
}

/// A value as it is kept.
#[derive(Clone)]
pub struct Record {
    pub expires: Timestamp,
    pub value: Bytes,
}

/// What was found.
pub struct Found {
    /// Of all tokens.
    pub fingerprint: u64,
    /// The value, if it has the same.
    pub record: Option<Record>,
}

/// The value and the tokens of this moment; tokens that are not there are made.
pub async fn look_up(live: &Live, names: &Names, new_token: impl Fn() -> String) -> RedisResult<Found> {
    loop {
        let (value, tokens): (Option<Vec<u8>>, Vec<Option<String>>) = pipe()
            .atomic()
            .get(&names.value)
            .mget(&names.tokens)
            .query_async(&mut live.connection.clone())
            .await?;
        let missing = names.tokens.iter().zip(&tokens).filter(|(_, token)| token.is_none());
        let mut make = pipe();
        let mut is_whole = true;
        for (name, _) in missing {
            is_whole = false;
            make.cmd("SET").arg(name).arg(new_token()).arg("NX").arg("EX").arg(KEEP_TOKENS).ignore();
        }
        if is_whole {
            let fingerprint = fingerprint(&tokens);
            return Ok(Found { fingerprint, record: value.and_then(|value| read(value, fingerprint)) });
        }
        make.query_async::<()>(&mut live.connection.clone()).await?;
    }
}

/// Keeps a value that was loaded with the tokens that were found before, if they are the same still.
pub async fn keep(
    live: &Live,
    names: &Names,
    found: &Found,
    record: &Record,
    ttl: Duration,
) -> RedisResult<()> {
    let connection = &mut live.connection.clone();
    let tokens: Vec<Option<String>> = redis::cmd("MGET").arg(&names.tokens).query_async(connection).await?;
    // Else it would only be in the way of a later one. Nobody would take it.
    if fingerprint(&tokens) != found.fingerprint {
        return Ok(());
    }
    let mut bytes = Vec::with_capacity(HEADER + record.value.len());
    bytes.extend(found.fingerprint.to_be_bytes());
    bytes.extend(record.expires.as_micros().to_be_bytes());
    bytes.extend(&record.value);
    let ttl = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).clamp(1, KEEP_TOKENS * 1_000);
    redis::cmd("SET").arg(&names.value).arg(bytes).arg("PX").arg(ttl).query_async(connection).await
}

/// From now on nobody takes a value with one of these tags.
pub async fn forget(live: &Live, tags: &[Tag], new_token: impl Fn() -> String) -> RedisResult<()> {
    if tags.is_empty() {
        return Ok(());
    }
    let mut replace = pipe();
    for tag in tags {
        replace.cmd("SET").arg(token_of(tag, live)).arg(new_token()).arg("EX").arg(KEEP_TOKENS).ignore();
    }
    replace.query_async(&mut live.connection.clone()).await
}

/// Nor any value at all.
pub async fn forget_all(live: &Live, new_token: String) -> RedisResult<()> {
    let name = token_of_everything(live);
    redis::cmd("SET").arg(name).arg(new_token).query_async(&mut live.connection.clone()).await
}

fn token_of(tag: &Tag, live: &Live) -> String {
    format!("{}t:{:032x}", live.prefix, xxh3_128(tag.as_str().as_bytes()))
}

fn token_of_everything(live: &Live) -> String {
    format!("{}all", live.prefix)
}

fn fingerprint(tokens: &[Option<String>]) -> u64 {
    let all = tokens.iter().map(|token| token.as_deref().unwrap_or_default()).collect::<Vec<_>>();
    xxh3_64(all.join(" ").as_bytes())
}

fn read(value: Vec<u8>, fingerprint: u64) -> Option<Record> {
    let (kept_with, rest) = value.split_first_chunk::<8>()?;
    let (expires, _) = rest.split_first_chunk::<8>()?;
    let expires = Timestamp::from_micros(i64::from_be_bytes(*expires));
    let is_current = u64::from_be_bytes(*kept_with) == fingerprint;
    is_current.then(|| Record { expires, value: Bytes::from(value).slice(HEADER..) })
}

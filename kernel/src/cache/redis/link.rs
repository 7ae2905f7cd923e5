//! The connection to the server: kept up by a task, given up at the first sign of trouble. And what is owed to the server:
//! invalidations that did not get through.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, IntoConnectionInfo, RedisError, RedisResult, TlsCertificates};
use tokio::sync::Notify;
use xxhash_rust::xxh3::xxh3_64;

use super::super::metrics;
use super::super::{Settings, Tag};
use super::error::CacheError;
use super::record;
use crate::clock::IdGenerator;

/// How long an answer may take: whatever is cached can be had from the database in less.
const ANSWER_WITHIN: Duration = Duration::from_millis(250);
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

/// How often a connection is looked at.
const PING_EVERY: Duration = Duration::from_secs(1);

/// Between two attempts to connect: so much, doubled with each, and no longer than the other.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Where more is owed, everything is forgotten.
const MOST_OWED: usize = 10_000;

/// What is sent at once of what is owed.
const AT_ONCE: usize = 500;

/// The way to the server, whether there is one right now or not.
pub struct Link {
    client: Client,
    place: String,
    scope: String,
    ids: Arc<dyn IdGenerator>,
    state: Mutex<State>,
    trouble: Notify,
}

/// A connection that works.
#[derive(Clone)]
pub struct Live {
    pub connection: MultiplexedConnection,
    /// What the names of all keys begin with.
    pub prefix: Arc<str>,
}

struct State {
    live: Option<Live>,
    owed: Owed,
}

/// What is to be invalidated before anything is read.
enum Owed {
    Tags(HashSet<Tag>),
    Everything,
}

impl Owed {
    fn nothing() -> Self {
        Self::Tags(HashSet::new())
    }

    fn is_nothing(&self) -> bool {
        matches!(self, Self::Tags(tags) if tags.is_empty())
    }

    fn add(&mut self, more: impl IntoIterator<Item = Tag>) {
        if let Self::Tags(tags) = self {
            tags.extend(more);
            if tags.len() > MOST_OWED {
                *self = Self::Everything;
            }
        }
    }
}

impl Link {
    pub fn new(settings: &Settings, scope: &str, ids: Arc<dyn IdGenerator>) -> Result<Self, CacheError> {
        let info = settings.url.as_str().into_connection_info().map_err(|_| CacheError::Url)?;
        let place = info.addr().to_string();
        let unusable = |file: &str, reason: String| CacheError::Authorities { file: file.to_owned(), reason };
        let client = match settings.ca.as_str() {
            "" => Client::open(info).map_err(|_| CacheError::Url)?,
            file => {
                let root_cert = std::fs::read(file).map_err(|error| unusable(file, error.to_string()))?;
                let certificates = TlsCertificates { client_tls: None, root_cert: Some(root_cert) };
                Client::build_with_tls(info, certificates)
                    .map_err(|error| unusable(file, error.to_string()))?
            }
        };
        // Another version of the program may mean something else by the same.
        let scope = format!("{:016x}", xxh3_64(format!("{} {scope}", env!("CARGO_PKG_VERSION")).as_bytes()));
        // What others forgot while this process was not there it did not hear of.
        let state = Mutex::new(State { live: None, owed: Owed::Everything });
        Ok(Self { client, place, scope, ids, state, trouble: Notify::new() })
    }

    /// Where the server is.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The connection, if there is one that works, and nothing is owed.
    pub fn live(&self) -> Option<Live> {
        self.state().live.clone()
    }

    /// A token that no other one is equal to.
    pub fn token(&self) -> String {
        self.ids.next().simple().to_string()
    }

    /// Something went wrong on this connection: it is not used any more.
    pub fn lost(&self, live: &Live, error: &RedisError) {
        metrics::failed();
        let mut state = self.state();
        let is_current =
            state.live.as_ref().is_some_and(|current| Arc::ptr_eq(&current.prefix, &live.prefix));
        if is_current {
            state.live = None;
            metrics::connected(false);
            tracing::warn!(place = self.place, %error, "the cache is away: values are read where they come from");
            self.trouble.notify_one();
        }
    }

    /// Invalidates tags; what does not get through is owed.
    pub async fn forget(&self, tags: &[Tag]) {
        let Some(live) = self.live_or_owe(|owed| owed.add(tags.iter().cloned())) else { return };
        if let Err(error) = record::forget(&live, tags, || self.token()).await {
            self.state().owed.add(tags.iter().cloned());
            self.lost(&live, &error);
        }
    }

    /// Invalidates everything.
    pub async fn forget_all(&self) {
        let Some(live) = self.live_or_owe(|owed| *owed = Owed::Everything) else { return };
        if let Err(error) = record::forget_all(&live, self.token()).await {
            self.state().owed = Owed::Everything;
            self.lost(&live, &error);
        }
    }

    /// In one step: whoever settles what is owed, and then says that the connection works, has seen it.
    fn live_or_owe(&self, owe: impl FnOnce(&mut Owed)) -> Option<Live> {
        let mut state = self.state();
        if state.live.is_none() {
            owe(&mut state.owed);
        }
        state.live.clone()
    }

    /// The first attempt to connect; none: the server is away.
    pub async fn begin(&self) -> Result<Option<Live>, CacheError> {
        match self.connect().await {
            Ok(live) => Ok(Some(live)),
            Err(error) => match CacheError::of(&error, &self.place) {
                Some(refused) => Err(refused),
                None => {
                    tracing::warn!(place = self.place, %error, "the cache is away: values are read where they come from");
                    Ok(None)
                }
            },
        }
    }

    /// Keeps a connection for as long as it is not dropped.
    pub async fn keep(self: Arc<Self>, mut first: Option<Live>) {
        let mut failures: u32 = 0;
        loop {
            let connected = match first.take() {
                Some(live) => Ok(live),
                None => self.connect().await,
            };
            let opened = match connected {
                Ok(live) => self.open(live).await,
                Err(error) => Err(error),
            };
            match opened {
                Ok(()) => {
                    failures = 0;
                    self.watch().await;
                }
                Err(error) => {
                    failures += 1;
                    metrics::failed();
                    if failures.is_power_of_two() {
                        tracing::warn!(place = self.place, failures, %error, "the cache cannot be used");
                    }
                }
            }
            tokio::time::sleep(LONGEST_PAUSE.min(FIRST_PAUSE * (1 << failures.min(6)))).await;
        }
    }

    /// Until there is trouble, also where nobody asks for anything.
    async fn watch(&self) {
        while let Some(live) = self.live() {
            tokio::select! {
                () = self.trouble.notified() => return,
                () = tokio::time::sleep(PING_EVERY) => {}
            }
            let pong: RedisResult<()> = redis::cmd("PING").query_async(&mut live.connection.clone()).await;
            if let Err(error) = pong {
                self.lost(&live, &error);
            }
        }
    }

    /// Settles what is owed, then lets others use it.
    async fn open(&self, live: Live) -> RedisResult<()> {
        loop {
            let owed = {
                let mut state = self.state();
                if state.owed.is_nothing() {
                    state.live = Some(live);
                    metrics::connected(true);
                    tracing::info!(place = self.place, "the cache is used");
                    return Ok(());
                }
                std::mem::replace(&mut state.owed, Owed::nothing())
            };
            if let Err(error) = self.settle(&live, &owed).await {
                let mut state = self.state();
                match owed {
                    Owed::Everything => state.owed = Owed::Everything,
                    Owed::Tags(tags) => state.owed.add(tags),
                }
                return Err(error);
            }
        }
    }

    async fn settle(&self, live: &Live, owed: &Owed) -> RedisResult<()> {
        match owed {
            Owed::Everything => record::forget_all(live, self.token()).await,
            Owed::Tags(tags) => {
                let tags: Vec<Tag> = tags.iter().cloned().collect();
                for tags in tags.chunks(AT_ONCE) {
                    record::forget(live, tags, || self.token()).await?;
                }
                Ok(())
            }
        }
    }

    async fn connect(&self) -> RedisResult<Live> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_WITHIN))
            .set_response_timeout(Some(ANSWER_WITHIN));
        let mut connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        let info: String = redis::cmd("INFO").arg("server").query_async(&mut connection).await?;
        let server = info.lines().find_map(|line| line.strip_prefix("run_id:")).unwrap_or_default().trim();
        Ok(Live { connection, prefix: format!("servertree:{}:{server}:", self.scope).into() })
    }

    /// Never held over an await.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

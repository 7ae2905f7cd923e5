//! Connections to one place, kept open.
//!
//! sqlx's own pool asks each connection that comes back whether it is still alive: one more round trip for each read, which is
//! a third of what it costs to look up a row in a file. And a transaction whose beginning was given up half way goes back into
//! it open: what the next borrower writes is lost. Here a connection that did what it was asked is simply put back, and any
//! other one is thrown away.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

/// A connection that nobody used for so long is tried out before it is used: what is between it and the server may have
/// forgotten it without telling either.
const TRY_OUT_AFTER: Duration = Duration::from_secs(60);

/// How long that may take.
const TRY_OUT_WITHIN: Duration = Duration::from_secs(1);

/// How a pool is kept.
#[derive(Clone, Copy)]
pub(super) struct Keeping {
    /// Connections at most.
    pub(super) size: u32,
    /// How long anybody waits for one, and for what a statement answers.
    pub(super) patience: Duration,
    /// How old a connection gets; none: it is kept for ever.
    pub(super) lifetime: Option<Duration>,
}

/// Connections to one place; clones share them.
pub(super) struct Pool<C>(Arc<Inner<C>>);

struct Inner<C> {
    connect: Connect<C>,
    keeping: Keeping,
    /// One for each connection there may be.
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Idle<C>>>,
    waiting: AtomicUsize,
}

/// How a pool is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct PoolState {
    /// Connections that there may be.
    pub(super) limit: usize,
    /// Those that somebody has.
    pub(super) in_use: usize,
    /// Those that are open, and nobody has.
    pub(super) idle: usize,
    /// How many wait for one.
    pub(super) waiting: usize,
}

/// Counts somebody who waits.
struct Waiting<'w>(&'w AtomicUsize);

/// Opens a connection, ready for use.
type Connect<C> = Box<dyn Fn() -> BoxFuture<'static, Result<C, sqlx::Error>> + Send + Sync>;

struct Idle<C> {
    connection: C,
    opened: Instant,
    since: Instant,
}

/// A connection, out of the pool for a while. It goes back only by [`Lent::put_back`]: whoever drops it may be in the middle
/// of something.
pub(super) struct Lent<C> {
    pool: Pool<C>,
    connection: Option<C>,
    opened: Instant,
    reused: bool,
    _permit: OwnedSemaphorePermit,
}

impl<C> Clone for Pool<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C: Connection + 'static> Pool<C> {
    /// Opens the first connection: the others when they are needed.
    pub(super) async fn open(keeping: Keeping, connect: Connect<C>) -> Result<Self, sqlx::Error> {
        let permits = Arc::new(Semaphore::new(keeping.size as usize));
        let inner = Inner { connect, keeping, permits, idle: Mutex::default(), waiting: AtomicUsize::new(0) };
        let pool = Self(Arc::new(inner));
        pool.acquire().await?.put_back();
        Ok(pool)
    }

    /// A connection, when there is one. The wait is limited.
    pub(super) async fn acquire(&self) -> Result<Lent<C>, sqlx::Error> {
        let until = Instant::now() + self.0.keeping.patience;
        let waiting = Waiting::on(&self.0.waiting);
        let permit = tokio::time::timeout_at(until, Arc::clone(&self.0.permits).acquire_owned()).await;
        drop(waiting);
        let permit = permit.map_err(|_| sqlx::Error::PoolTimedOut)?.map_err(|_| sqlx::Error::PoolClosed)?;
        let lent = |connection, opened, reused| Lent {
            pool: self.clone(),
            connection: Some(connection),
            opened,
            reused,
            _permit: permit,
        };
        if let Some(Idle { connection, opened, .. }) = self.usable().await {
            return Ok(lent(connection, opened, true));
        }
        let connecting = tokio::time::timeout_at(until, (self.0.connect)()).await;
        Ok(lent(connecting.map_err(|_| sqlx::Error::PoolTimedOut)??, Instant::now(), false))
    }

    /// An idle connection that can be used.
    async fn usable(&self) -> Option<Idle<C>> {
        loop {
            let mut idle = self.idle().pop()?;
            if self.is_old(idle.opened) {
                close(idle.connection);
                continue;
            }
            if idle.since.elapsed() < TRY_OUT_AFTER {
                return Some(idle);
            }
            if let Ok(Ok(())) = timeout(TRY_OUT_WITHIN, idle.connection.ping()).await {
                return Some(idle);
            }
        }
    }

    fn is_old(&self, opened: Instant) -> bool {
        self.0.keeping.lifetime.is_some_and(|lifetime| opened.elapsed() > lifetime)
    }

    /// Waits until nobody has one any more, gives out no more, and closes all.
    pub(super) async fn close(&self) {
        let all = self.0.permits.acquire_many(self.0.keeping.size).await;
        self.0.permits.close();
        drop(all);
        let idle = std::mem::take(&mut *self.idle());
        for idle in idle {
            if let Err(error) = idle.connection.close().await {
                tracing::debug!(%error, "a connection did not close well");
            }
        }
    }
}

impl<C> Pool<C> {
    /// How it is doing right now.
    pub(super) fn state(&self) -> PoolState {
        let limit = self.0.keeping.size as usize;
        PoolState {
            limit,
            in_use: limit.saturating_sub(self.0.permits.available_permits()),
            idle: self.idle().len(),
            waiting: self.0.waiting.load(Ordering::Relaxed),
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle<C>>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'w> Waiting<'w> {
    fn on(waiting: &'w AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

/// Also when whoever waited went away.
impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<C: Connection + 'static> Lent<C> {
    /// Whether it was used before. The other end may have gone away meanwhile, which shows with its first statement.
    pub(super) fn is_reused(&self) -> bool {
        self.reused
    }

    /// Whether it was thrown away.
    pub(super) fn is_gone(&self) -> bool {
        self.connection.is_none()
    }

    /// The connection itself, for what drives it on its own. It is not put back after that.
    pub(super) fn get(&mut self) -> Result<&mut C, sqlx::Error> {
        self.connection.as_mut().ok_or(sqlx::Error::WorkerCrashed)
    }

    /// Throws away those that nobody uses now: they were opened to a server that is gone.
    pub(super) fn forget_idle(&self) {
        self.pool.idle().clear();
    }

    /// Puts it back, if it is still good.
    pub(super) fn put_back(mut self) {
        let Some(connection) = self.connection.take() else { return };
        if self.pool.is_old(self.opened) {
            return close(connection);
        }
        self.pool.idle().push(Idle { connection, opened: self.opened, since: Instant::now() });
    }

    /// Has it work, for as long as `limit`. The connection is away meanwhile: if the caller goes away, the time is up, or it
    /// fails otherwise than by a refusal of the server, it is closed. What was open in it is rolled back by that.
    pub(super) async fn run<T>(
        &mut self,
        limit: Option<Duration>,
        work: impl AsyncFnOnce(&mut C) -> Result<T, sqlx::Error>,
    ) -> Result<T, sqlx::Error> {
        let mut connection = self.connection.take().ok_or(sqlx::Error::WorkerCrashed)?;
        let outcome = match limit {
            Some(limit) => timeout(limit, work(&mut connection)).await.map_err(|_| too_slow(limit))?,
            None => work(&mut connection).await,
        };
        if outcome.as_ref().err().is_none_or(is_refusal) {
            self.connection = Some(connection);
        }
        outcome
    }
}

/// In the background, with a word of good-bye; nobody waits for it.
fn close<C: Connection + 'static>(connection: C) {
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(async move { timeout(TRY_OUT_WITHIN, connection.close()).await });
    }
}

fn too_slow(limit: Duration) -> sqlx::Error {
    let message = format!("the database did not answer within {limit:?}");
    sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, message))
}

/// Whether the engine refused a statement, and takes others. PostgreSQL says of itself when it takes no more.
fn is_refusal(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(refusal) if !super::error::ends_connection(refusal.as_ref()))
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use sqlx::SqliteConnection;

    use super::super::sqlite::in_memory;
    use super::*;

    #[tokio::test]
    async fn it_knows_who_has_its_connections_and_who_waits() {
        let pool = in_memory().await.unwrap();
        let idle = PoolState { limit: 1, in_use: 0, idle: 1, waiting: 0 };
        assert_eq!(pool.state(), idle);
        let lent = pool.acquire().await.unwrap();
        assert_eq!(pool.state(), PoolState { in_use: 1, idle: 0, ..idle });
        {
            let mut waiting = Box::pin(pool.acquire());
            assert!((&mut waiting).now_or_never().is_none());
            assert_eq!(pool.state(), PoolState { in_use: 1, idle: 0, waiting: 1, ..idle });
        }
        assert_eq!(pool.state().waiting, 0, "whoever waited went away");
        lent.put_back();
        assert_eq!(pool.state(), idle);
    }

    /// One that is old is used no more, whether it lies idle or comes back; another one takes its place.
    #[tokio::test]
    async fn a_connection_is_replaced_when_it_is_old() {
        let minute = Duration::from_secs(60);
        let connect = || SqliteConnection::connect("sqlite::memory:").boxed();
        let keeping = Keeping { size: 1, patience: Duration::from_secs(5), lifetime: Some(minute) };
        let pool = Pool::open(keeping, Box::new(connect)).await.unwrap();
        let before = |age| Instant::now().checked_sub(age).unwrap();
        pool.idle()[0].opened = before(minute / 2);
        let lent = pool.acquire().await.unwrap();
        assert!(lent.is_reused(), "it is young enough");
        lent.put_back();

        pool.idle()[0].opened = before(minute * 2);
        let mut lent = pool.acquire().await.unwrap();
        assert!(!lent.is_reused(), "it lay there too long");
        lent.opened = before(minute * 2);
        lent.put_back();
        assert_eq!(pool.state().idle, 0, "it was away too long");
    }
}

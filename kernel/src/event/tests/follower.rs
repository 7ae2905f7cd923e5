//! What other processes did is heard of, and what they changed is forgotten.

use std::sync::atomic::AtomicU64;

use bytes::Bytes;

use sea_query::ExprTrait;

use super::super::follower::Follower;
use super::super::listener::{Hear, Listening};
use super::super::stale::Stale;
use super::super::tables::EventLog;
use super::*;
use crate::cache::{Cache, Key};

const TABLE: &str = "test_projection";

/// Counts what it heard, and how often it was told that it missed something.
#[derive(Default)]
struct Ears {
    heard: Mutex<Vec<u128>>,
    missed: AtomicU64,
}

#[async_trait]
impl Hear for Ears {
    async fn hear(&self, event: Envelope) -> Result<(), NotTaken> {
        let number = event.id.as_u128();
        assert_ne!(number, 13, "as it was told");
        self.heard.lock().await.push(number);
        fails(&event, 14, Internal("no".to_owned()))
    }

    async fn miss(&self) {
        self.missed.fetch_add(1, Ordering::Relaxed);
    }
}

/// A process beside the one whose worker takes the events.
struct Beside {
    follower: Follower,
    cache: Arc<MemoryCache>,
    ears: Arc<Ears>,
}

impl Beside {
    /// It has begun to follow.
    async fn new(bench: &Bench) -> Self {
        let cache = Arc::new(MemoryCache::new(1_000_000, Arc::new(bench.clock.clone())));
        let ears = Arc::new(Ears::default());
        let subscriber =
            Subscriber { projection: Some(TABLE), ..bench.worker(2, |_| Ok(()), None).subscriber };
        let stale = Stale::new(&[subscriber], Arc::clone(&cache) as Arc<dyn Cache>);
        let listener =
            Listening { name: "test.ears", events: &[], listener: Arc::clone(&ears) as Arc<dyn Hear> };
        let beside = Self {
            follower: Follower::new([listener].into(), stale, bench.database.clone()).patient(),
            cache,
            ears,
        };
        beside.follow().await;
        assert_eq!(
            beside.ears.missed.swap(0, Ordering::Relaxed),
            1,
            "what it remembers is older than what it follows"
        );
        beside
    }

    async fn follow(&self) {
        while self.follower.step(&CancellationToken::new()).await.unwrap() > 0 {}
    }

    async fn heard(&self) -> (Vec<u128>, u64) {
        (std::mem::take(&mut *self.ears.heard.lock().await), self.ears.missed.swap(0, Ordering::Relaxed))
    }

    /// Whether it had kept what has this tag; it does from now on.
    async fn has(&self, tag: impl ToString) -> bool {
        let mut kept = true;
        let load = Box::pin(async {
            kept = false;
            Ok(Bytes::new())
        });
        let tag = tag.to_string();
        let key = Key::new(tag.clone()).tagged(tag);
        self.cache.get_or_load(key, Duration::from_mins(1), load).await.unwrap();
        kept
    }
}

#[tokio::test]
async fn what_another_process_changed_is_forgotten() {
    let bench = Bench::new().await;
    let worker = bench.worker(1, |_| Ok(()), None);
    let beside = Beside::new(&bench).await;
    let (changed, other) = (Uuid::from_u128(7), Uuid::from_u128(8));
    beside.follow().await;
    for tag in [changed.to_string(), other.to_string(), TABLE.to_owned()] {
        assert!(!beside.has(tag).await);
    }
    bench.happened(&[(1, 7, 1)]).await;
    beside.follow().await;
    assert!(!beside.has(changed).await, "an event told of it");
    assert!(beside.has(other).await && beside.has(TABLE).await);
    // Long after it heard of the event.
    assert_eq!(bench.drain(&worker).await, [1]);
    beside.follow().await;
    assert!(!beside.has(TABLE).await, "its subscriber has taken the event");
    assert!(beside.has(changed).await && beside.has(other).await);
    beside.follow().await;
    assert!(beside.has(TABLE).await, "nothing has happened since");
    // As whoever rebuilds a projection does.
    let mut transaction = bench.database.begin().await.unwrap();
    transaction.execute(&Lease::take_away(NAME)).await.unwrap();
    transaction.commit().await.unwrap();
    beside.follow().await;
    assert!(!beside.has(TABLE).await, "somebody worked for its subscriber");
}

/// Neither an event that cannot be read, nor a listener that fails or panics, keeps it from the next one.
#[tokio::test]
async fn what_is_not_heard_is_missed_and_left_behind() {
    let bench = Bench::new().await;
    let beside = Beside::new(&bench).await;
    for (number, expected) in [(1, (vec![1], 0)), (13, (vec![], 1)), (14, (vec![14], 1)), (15, (vec![15], 0))]
    {
        bench.happened(&[(number, number, 1)]).await;
        beside.follow().await;
        assert_eq!(beside.heard().await, expected, "{number}");
    }
    let mut transaction = bench.under_way(&[(16, 16, 1)]).await;
    let spoil = Query::update()
        .table(EventLog::Table)
        .value(EventLog::SchemaVersion, 70_000)
        .and_where(Expr::col(EventLog::Id).eq(Uuid::from_u128(16)))
        .take();
    transaction.execute(&spoil).await.unwrap();
    transaction.commit().await.unwrap();
    assert!(!beside.has(Uuid::from_u128(16)).await);
    bench.happened(&[(17, 17, 1)]).await;
    beside.follow().await;
    assert_eq!(beside.heard().await, (vec![17], 1));
    assert!(!beside.has(Uuid::from_u128(16)).await, "it is known what it is about");
}

/// What cannot be forgotten now is forgotten later.
#[tokio::test]
async fn what_is_to_be_forgotten_stays_noted() {
    let bench = Bench::new().await;
    let beside = Beside::new(&bench).await;
    let changed = Uuid::from_u128(7);
    beside.has(changed).await;
    bench.happened(&[(1, 7, 1)]).await;
    let leases = |verb: &str| format!("ALTER TABLE {verb}");
    let mut admin = bench.place.0.connect().await;
    admin.execute(&leases("event_leases RENAME TO elsewhere")).await;
    assert!(beside.follower.step(&CancellationToken::new()).await.is_err());
    admin.execute(&leases("elsewhere RENAME TO event_leases")).await;
    admin.close().await;
    assert!(beside.has(changed).await, "it could not be found out what else there was to forget");
    beside.follow().await;
    assert!(!beside.has(changed).await);
}

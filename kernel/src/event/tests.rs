//! Workers and the dispatcher, step by step.

mod follower;
mod metrics;
mod operations;
mod plans;
mod pruner;
mod publisher;
mod rebuild;
mod registration;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sea_query::{Expr, Order, Query};
use tempfile::TempDir;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::append;
use super::dispatcher::Dispatcher;
use super::lease::Lease;
use super::not_taken::NotTaken;
use super::pump::{Step, Wake};
use super::registration::register;
use super::subscriber::{Deliver, Start, Subscriber, Taker};
use super::tables::EventDeliveries;
use super::testing::event;
use super::worker::Worker;
use super::{Envelope, RelaySettings};
use crate::cache::MemoryCache;
use crate::clock::Clock;
use crate::database::{Database, DatabaseError, Engine, Transaction};
use crate::message::Message;
use crate::plugin::migrations;
use crate::problem::{Failure, Internal};
use crate::testkit::{SequentialIds, SettableClock, TestDatabase};
use crate::uow::{UnitsOfWork, WriteUow};

const NAME: &str = "test.listener";

/// What a handler does with an event.
type Behaviour = fn(&Envelope) -> Result<(), NotTaken>;

/// Notes what it heard.
struct Handler {
    heard: Arc<Mutex<Vec<u128>>>,
    behaviour: Behaviour,
    meanwhile: Option<Meanwhile>,
    calls: Arc<AtomicUsize>,
}

/// Another worker that has its turn while a handler is at work, so much later.
struct Meanwhile {
    worker: Worker,
    clock: SettableClock,
    later: Duration,
}

#[async_trait]
impl Deliver for Handler {
    async fn deliver(&self, event: Envelope, uow: &mut WriteUow, _: &Message) -> Result<(), NotTaken> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if let Some(meanwhile) = &self.meanwhile {
            meanwhile.clock.advance(meanwhile.later);
            meanwhile.worker.step(&CancellationToken::new()).await?;
        }
        // Whoever comes next has to wait until it ends.
        uow.fetch_all::<(i64,)>(&Query::select().expr(Expr::val(1_i64)).take()).await?;
        (self.behaviour)(&event)?;
        self.heard.lock().await.push(event.id.as_u128());
        Ok(())
    }
}

/// A database with a relay that makes a step when it is told to.
struct Bench {
    database: Database,
    clock: SettableClock,
    heard: Arc<Mutex<Vec<u128>>>,
    calls: Arc<AtomicUsize>,
    /// Removed with it.
    place: (TestDatabase, TempDir),
}

impl Bench {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let place = TestDatabase::new(&folder.path().join("test.db")).await;
        let database = place.open().await;
        database.migrate(&migrations(&[])).await.unwrap();
        let bench = Self {
            database,
            clock: SettableClock::default(),
            heard: Arc::default(),
            calls: Arc::default(),
            place: (place, folder),
        };
        let worker = bench.worker(1, |_| Ok(()), None);
        let subscribers = std::slice::from_ref(&worker.subscriber);
        register(&bench.database, subscribers, worker.lease.holder, bench.clock.now()).await.unwrap();
        bench
    }

    fn units(&self) -> UnitsOfWork {
        let cache = MemoryCache::new(0, Arc::new(self.clock.clone()));
        UnitsOfWork::new(self.database.clone(), Arc::new(SequentialIds::default()), Arc::new(cache))
    }

    /// The worker of this process.
    fn worker(&self, process: u128, behaviour: Behaviour, meanwhile: Option<Meanwhile>) -> Worker {
        let settings = RelaySettings::default();
        let (heard, calls) = (Arc::clone(&self.heard), Arc::clone(&self.calls));
        Worker {
            subscriber: Subscriber {
                name: NAME,
                events: &[],
                start: Start::Beginning,
                batch: 100,
                projection: None,
                taker: Taker::Handler(Arc::new(Handler { heard, behaviour, meanwhile, calls })),
            },
            lease: Lease {
                subscriber: NAME,
                holder: Uuid::from_u128(process),
                length: Duration::from_secs(settings.lease),
            },
            max_attempts: 3,
            database: self.database.clone(),
            units: self.units(),
            clock: Arc::new(self.clock.clone()),
            prefer_retries: AtomicBool::new(false),
        }
    }

    /// The worker of another process, that takes everything so much later.
    fn meanwhile(&self, later: Duration) -> Option<Meanwhile> {
        Some(Meanwhile { worker: self.worker(2, |_| Ok(()), None), clock: self.clock.clone(), later })
    }

    /// Puts events into the log, each by its number, its aggregate and its revision, and dispatches them.
    async fn happened(&self, events: &[(u128, u128, u64)]) {
        self.under_way(events).await.commit().await.unwrap();
        self.dispatch_all().await;
    }

    /// A transaction that has put events into the log.
    async fn under_way(&self, events: &[(u128, u128, u64)]) -> Transaction {
        let mut transaction = self.database.begin().await.unwrap();
        let events: Vec<Envelope> =
            events.iter().map(|(number, subject, revision)| event(*number, *subject, *revision)).collect();
        append(&mut transaction, &events).await.unwrap();
        transaction
    }

    async fn dispatch_all(&self) {
        let dispatcher = Dispatcher {
            database: self.database.clone(),
            clock: Arc::new(self.clock.clone()),
            dispatched: Wake::new(),
        };
        while dispatcher.step(&CancellationToken::new()).await.unwrap() > 0 {}
    }

    /// Has the worker do all there is to do now; answers what it heard meanwhile.
    async fn drain(&self, worker: &Worker) -> Vec<u128> {
        while worker.step(&CancellationToken::new()).await.unwrap() > 0 {}
        std::mem::take(&mut *self.heard.lock().await)
    }

    /// Events with their states and attempts.
    async fn states(&self) -> Vec<(u128, String, i64)> {
        let select = Query::select()
            .columns([EventDeliveries::EventId, EventDeliveries::State, EventDeliveries::Attempts])
            .from(EventDeliveries::Table)
            .order_by(EventDeliveries::EventId, Order::Asc)
            .take();
        let rows: Vec<(Uuid, String, i64)> = self.database.fetch_all(&select).await.unwrap();
        rows.into_iter().map(|(id, state, attempts)| (id.as_u128(), state, attempts)).collect()
    }
}

fn fails(event: &Envelope, number: u128, failure: impl Into<Failure>) -> Result<(), NotTaken> {
    if event.id.as_u128() == number { Err(NotTaken::Failed(failure.into())) } else { Ok(()) }
}

fn second_fails(event: &Envelope) -> Result<(), NotTaken> {
    fails(event, 2, Internal("no".to_owned()))
}

fn state(number: u128, state: &str, attempts: i64) -> (u128, String, i64) {
    (number, state.to_owned(), attempts)
}

/// Transactions that are committed in the reverse order of the ids of their events, and one that is not.
#[tokio::test]
async fn what_is_committed_late_is_not_passed_over() {
    let bench = Bench::new().await;
    let worker = bench.worker(1, |_| Ok(()), None);
    if Engine::under_test() == Engine::Sqlite {
        // It has one writer: they come one after the other, each with a lower id.
        for number in [3, 2, 1] {
            let transaction = bench.under_way(&[(number, number, 1)]).await;
            if number != 2 {
                transaction.commit().await.unwrap();
                bench.dispatch_all().await;
                assert_eq!(bench.drain(&worker).await, [number]);
            }
        }
    } else {
        let first = bench.under_way(&[(1, 1, 1)]).await;
        let second = bench.under_way(&[(2, 2, 1)]).await;
        let third = bench.under_way(&[(3, 3, 1)]).await;
        for (transaction, number) in [(third, 3), (first, 1)] {
            transaction.commit().await.unwrap();
            bench.dispatch_all().await;
            assert_eq!(bench.drain(&worker).await, [number]);
        }
        drop(second);
    }
    bench.dispatch_all().await;
    assert_eq!(bench.drain(&worker).await, []);
    assert_eq!(bench.states().await, [state(1, "delivered", 1), state(3, "delivered", 1)]);
}

/// In the order of each aggregate, whatever the order of their ids.
#[tokio::test]
async fn the_order_of_each_aggregate_is_kept() {
    let bench = Bench::new().await;
    bench.happened(&[(1, 7, 2), (2, 8, 1), (3, 7, 1), (4, 7, 3)]).await;
    assert_eq!(bench.drain(&bench.worker(1, |_| Ok(()), None)).await, [3, 1, 4, 2]);
    assert!(bench.states().await.iter().all(|(_, state, attempts)| state == "delivered" && *attempts == 1));
}

/// What fails holds back what comes after it of its aggregate, and nothing else, until it is dead, and then, too.
#[tokio::test]
async fn what_fails_holds_back_its_aggregate_alone() {
    let bench = Bench::new().await;
    bench.happened(&[(1, 7, 1), (2, 7, 2), (3, 7, 3), (4, 8, 1)]).await;
    let failing = bench.worker(1, second_fails, None);
    assert_eq!(bench.drain(&failing).await, [1, 1, 4], "the first batch is rolled back");
    bench.happened(&[(5, 7, 4), (6, 8, 2)]).await;
    assert_eq!(bench.drain(&failing).await, [6]);
    assert_eq!(bench.states().await[1], state(2, "failed", 2));
    bench.clock.advance(Duration::from_mins(11));
    assert!(bench.drain(&failing).await.is_empty());
    assert_eq!(bench.states().await[1], state(2, "dead", 3));
    bench.happened(&[(7, 7, 5), (8, 8, 3)]).await;
    bench.clock.advance(Duration::from_hours(24));
    assert_eq!(bench.drain(&failing).await, [8], "not even when it is mended");
    assert_eq!(bench.drain(&bench.worker(1, |_| Ok(()), None)).await, [0; 0]);
}

/// When it works again, all that waited comes in order.
#[tokio::test]
async fn what_was_held_back_comes_after_what_held_it_back() {
    let bench = Bench::new().await;
    bench.happened(&[(1, 7, 1), (2, 7, 2), (3, 7, 3)]).await;
    assert_eq!(bench.drain(&bench.worker(1, second_fails, None)).await, [1, 1]);
    bench.clock.advance(Duration::from_mins(1));
    assert_eq!(bench.drain(&bench.worker(1, |_| Ok(()), None)).await, [2, 3]);
}

/// A clock that is set back stops nobody: neither what waits for a time that is now far away, nor whose lease runs until then.
#[tokio::test]
async fn a_clock_set_back_stalls_nothing() {
    let bench = Bench::new().await;
    bench.clock.advance(Duration::from_hours(48));
    bench.happened(&[(1, 7, 1), (2, 7, 2)]).await;
    let failing = bench.worker(1, second_fails, None);
    assert_eq!(bench.drain(&failing).await, [1, 1]);
    let claimed = failing.lease.claim(&mut bench.database.begin().await.unwrap(), bench.clock.now()).await;
    assert!(claimed.unwrap().is_some());
    bench.clock.set(bench.clock.now().before(Duration::from_hours(1)));
    assert_eq!(bench.drain(&bench.worker(2, |_| Ok(()), None)).await, [2]);
}

/// What cannot be reached was not tried.
#[tokio::test]
async fn what_is_away_is_no_attempt() {
    let bench = Bench::new().await;
    bench.happened(&[(1, 7, 1), (2, 8, 1)]).await;
    let away =
        bench.worker(1, |event| fails(event, 2, DatabaseError::Unavailable(sqlx::Error::PoolTimedOut)), None);
    for _ in 0..20 {
        assert!(away.step(&CancellationToken::new()).await.is_err());
    }
    assert_eq!(bench.states().await, [state(1, "pending", 0), state(2, "pending", 0)]);
}

/// What nobody will ever understand is not tried again.
#[tokio::test]
async fn what_is_not_understood_is_dead_at_once() {
    let bench = Bench::new().await;
    bench.happened(&[(1, 7, 1)]).await;
    let worker = bench.worker(1, |_| Err(NotTaken::NotUnderstood("not a word".to_owned())), None);
    assert!(bench.drain(&worker).await.is_empty());
    assert_eq!(bench.states().await, [state(1, "dead", 1)]);
}

/// A handler that panics has failed.
#[tokio::test]
async fn a_panic_is_a_failure() {
    let bench = Bench::new().await;
    bench.happened(&[(1, 7, 1)]).await;
    bench.drain(&bench.worker(1, |_| panic!("as it was told"), None)).await;
    assert_eq!(bench.states().await, [state(1, "failed", 1)]);
}

/// Whoever has the lease works alone; who lost it settles nothing.
#[tokio::test]
async fn who_lost_the_lease_marks_nothing() {
    let bench = Bench::new().await;
    bench.happened(&[(1, 7, 1)]).await;
    let worker = bench.worker(1, |_| Ok(()), bench.meanwhile(Duration::from_secs(29)));
    worker.step(&CancellationToken::new()).await.unwrap();
    assert_eq!(bench.calls.load(Ordering::Relaxed), 1, "the other one had to wait");
    assert_eq!(bench.states().await, [state(1, "delivered", 1)]);

    for (number, behaviour) in [(2, second_fails as Behaviour), (3, |_| Ok(()))] {
        bench.happened(&[(number, 7, number as u64)]).await;
        let worker = bench.worker(1, behaviour, bench.meanwhile(Duration::from_secs(31)));
        worker.step(&CancellationToken::new()).await.unwrap();
        let delivered = state(number, "delivered", 2);
        assert_eq!(bench.states().await.last(), Some(&delivered), "it was written over");
    }
    let heard = std::mem::take(&mut *bench.heard.lock().await);
    assert_eq!(heard, [1, 2, 3, 3], "the one that was late was rolled back");
}

/// An event that ends the process is given up in the end: each attempt is counted before it is made.
#[tokio::test]
async fn what_ends_the_process_is_given_up() {
    let bench = Bench::new().await;
    bench.happened(&[(1, 7, 1)]).await;
    for _ in 0..3 {
        bench.worker(1, |_| Ok(()), None).claim().await.unwrap().unwrap();
    }
    assert_eq!(bench.states().await, [state(1, "pending", 3)]);
    bench.drain(&bench.worker(1, |_| Ok(()), None)).await;
    assert_eq!(bench.states().await, [state(1, "dead", 3)]);
}

/// Nor does it take back an attempt that somebody else made: what that one left held back would never be let go.
#[tokio::test]
async fn who_lost_the_lease_takes_no_attempt_back() {
    let away = |event: &Envelope| fails(event, 2, DatabaseError::Unavailable(sqlx::Error::PoolTimedOut));
    let bench = Bench::new().await;
    bench.happened(&[(1, 7, 1)]).await;
    bench.drain(&bench.worker(1, |_| Ok(()), None)).await;
    bench.happened(&[(2, 7, 2)]).await;
    let (worker, clock) = (bench.worker(2, second_fails, None), bench.clock.clone());
    let meanwhile = Meanwhile { worker, clock, later: Duration::from_secs(31) };
    let late = bench.worker(1, away, Some(meanwhile));
    assert!(late.step(&CancellationToken::new()).await.is_err());
    assert_eq!(bench.states().await[1], state(2, "failed", 2));
}

/// However much there is that was never tried, what was put off has its turn.
#[tokio::test]
async fn a_backlog_does_not_keep_back_what_was_put_off() {
    let bench = Bench::new().await;
    bench.happened(&[(2, 2, 1)]).await;
    bench.drain(&bench.worker(1, second_fails, None)).await;
    bench.clock.advance(Duration::from_mins(1));
    let backlog: Vec<(u128, u128, u64)> = (10..510).map(|number| (number, number, 1)).collect();
    for some in backlog.chunks(100) {
        bench.happened(some).await;
    }
    let mended = bench.worker(1, |_| Ok(()), None);
    for _ in 0..2 {
        mended.step(&CancellationToken::new()).await.unwrap();
    }
    assert_eq!(bench.states().await[0], state(2, "delivered", 2));
}

/// Clocks of two processes differ a little: neither takes the lease from the other one.
#[tokio::test]
async fn a_clock_that_is_a_little_late_takes_no_lease_away() {
    let bench = Bench::new().await;
    let [one, other] = [1, 2].map(|process| bench.worker(process, |_| Ok(()), None).lease);
    let claim = async |lease: &Lease, now| {
        let mut transaction = bench.database.begin().await.unwrap();
        let fence = lease.claim(&mut transaction, now).await.unwrap();
        transaction.commit().await.unwrap();
        fence.is_some()
    };
    let now = bench.clock.now().after(Duration::from_mins(1));
    assert!(claim(&one, now).await);
    assert!(!claim(&other, now.before(Duration::from_secs(2))).await);
    assert!(claim(&other, now.after(Duration::from_secs(31))).await);
}

/// Somebody sees to another event, and takes the lease away: what was at work then has not been tried.
#[tokio::test]
async fn what_was_interrupted_is_no_attempt() {
    let bench = Bench::new().await;
    bench.happened(&[(1, 7, 1), (2, 8, 1)]).await;
    let worker = bench.worker(1, |_| Ok(()), None);
    for _ in 0..20 {
        let claim = worker.claim().await.unwrap().unwrap();
        let mut transaction = bench.database.begin().await.unwrap();
        transaction.execute(&Lease::take_away(NAME)).await.unwrap();
        transaction.commit().await.unwrap();
        worker.hand_over(&claim, &CancellationToken::new()).await.unwrap();
        assert_eq!(bench.states().await, [state(1, "pending", 0), state(2, "pending", 0)]);
    }
    bench.heard.lock().await.clear();
    assert_eq!(bench.drain(&worker).await, [1, 2]);
}

//! Publishing, and what other services publish.

use std::sync::Mutex as StdMutex;

use sea_query::ExprTrait;
use tokio::sync::watch;

use super::super::inbound::{Inbound, NotStored};
use super::super::publisher::{PUBLISHER, Publisher};
use super::*;

/// Somebody who tells others of so many events of those that they are given, and then of no more.
struct Telling {
    told: Arc<StdMutex<Vec<Vec<u128>>>>,
    at_once: usize,
    open: watch::Receiver<bool>,
}

#[async_trait]
impl Publisher for Telling {
    async fn ready(&self) {
        let _ = self.open.clone().wait_for(|open| *open).await;
    }

    async fn publish(&self, events: &[Envelope]) -> Result<Vec<Uuid>, Failure> {
        let told: Vec<Uuid> = events.iter().take(self.at_once).map(|event| event.id).collect();
        if told.is_empty() {
            return Err(DatabaseError::Unavailable(sqlx::Error::PoolTimedOut).into());
        }
        self.told.lock().unwrap().push(told.iter().map(Uuid::as_u128).collect());
        Ok(told)
    }
}

/// The worker that publishes, and what it told.
struct Publishing {
    worker: Worker,
    told: Arc<StdMutex<Vec<Vec<u128>>>>,
    open: watch::Sender<bool>,
}

impl Bench {
    async fn publishing(&self, at_once: usize) -> Publishing {
        let (told, open) = (Arc::default(), watch::Sender::new(true));
        let telling = Telling { told: Arc::clone(&told), at_once, open: open.subscribe() };
        let mut worker = self.worker(1, |_| Ok(()), None);
        worker.subscriber = Subscriber::publishing(Arc::new(telling));
        worker.lease.subscriber = PUBLISHER;
        let subscribers = std::slice::from_ref(&worker.subscriber);
        register(&self.database, subscribers, worker.lease.holder, self.clock.now()).await.unwrap();
        Publishing { worker, told, open }
    }

    /// What became of the events that are to be published, with the attempts at them.
    async fn published(&self) -> Vec<(u128, String, i64)> {
        let select = Query::select()
            .columns([EventDeliveries::EventId, EventDeliveries::State, EventDeliveries::Attempts])
            .from(EventDeliveries::Table)
            .and_where(Expr::col(EventDeliveries::Subscriber).eq(PUBLISHER))
            .order_by(EventDeliveries::EventId, Order::Asc)
            .take();
        let rows: Vec<(Uuid, String, i64)> = self.database.fetch_all(&select).await.unwrap();
        rows.into_iter().map(|(id, state, attempts)| (id.as_u128(), state, attempts)).collect()
    }

    fn inbound(&self) -> Inbound {
        Inbound { units: self.units(), clock: Arc::new(self.clock.clone()), wanted: Arc::default() }
    }
}

#[tokio::test]
async fn what_is_safe_is_settled_and_the_rest_comes_again() {
    let bench = Bench::new().await;
    let publishing = bench.publishing(2).await;
    bench.happened(&[(1, 7, 1), (2, 7, 2), (3, 7, 3), (4, 8, 1), (5, 8, 2)]).await;
    publishing.worker.step(&CancellationToken::new()).await.unwrap();
    let states = ["delivered", "delivered", "pending", "pending", "pending"];
    let expected = |(number, of): (u128, &str)| state(number, of, i64::from(of == "delivered"));
    assert_eq!(bench.published().await, (1..).zip(states).map(expected).collect::<Vec<_>>());
    bench.drain(&publishing.worker).await;
    assert_eq!(*publishing.told.lock().unwrap(), [vec![1, 2], vec![3, 4], vec![5]]);
    assert!(
        bench.published().await.iter().all(|(_, state, attempts)| state == "delivered" && *attempts == 1)
    );
}

/// While nobody can be told, nothing is claimed; and one that fails as a whole was no attempt.
#[tokio::test]
async fn a_broker_that_is_away_costs_no_attempt() {
    let bench = Bench::new().await;
    let publishing = bench.publishing(0).await;
    bench.happened(&[(1, 7, 1), (2, 8, 1)]).await;
    for _ in 0..20 {
        assert!(publishing.worker.step(&CancellationToken::new()).await.is_err());
    }
    let untouched = [state(1, "pending", 0), state(2, "pending", 0)];
    assert_eq!(bench.published().await, untouched);
    publishing.open.send_replace(false);
    let stop = CancellationToken::new();
    let step = publishing.worker.step(&stop);
    let stopping = async { stop.cancel() };
    let (stepped, ()) = tokio::join!(step, stopping);
    assert_eq!(stepped.unwrap(), 0);
    assert_eq!(bench.published().await, untouched);
}

/// Events of other services are delivered like those of here, once, and told to nobody else.
#[tokio::test]
async fn what_came_from_elsewhere_is_delivered_and_not_published() {
    let bench = Bench::new().await;
    let publishing = bench.publishing(10).await;
    let worker = bench.worker(1, |_| Ok(()), None);
    bench.happened(&[(1, 7, 1)]).await;
    let inbound = bench.inbound();
    for _ in 0..2 {
        inbound.store(&[event(2, 8, 1), event(3, 8, 2), event(3, 8, 2)]).await.unwrap();
    }
    inbound.store(&[event(3, 8, 2), event(4, 8, 3)]).await.unwrap();
    bench.dispatch_all().await;
    assert_eq!(bench.drain(&worker).await, [1, 2, 3, 4]);
    bench.drain(&publishing.worker).await;
    assert_eq!(*publishing.told.lock().unwrap(), [vec![1]]);
}

/// Two consumers may be given the same.
#[tokio::test]
async fn what_comes_twice_at_once_is_taken_over_once() {
    let bench = Bench::new().await;
    let inbound = bench.inbound();
    let events: Vec<Envelope> = (1..=50).map(|number| event(number, number, 1)).collect();
    let stored = futures_util::future::join_all((0..4).map(|_| inbound.store(&events))).await;
    assert!(stored.iter().all(Result::is_ok), "{stored:?}");
    bench.dispatch_all().await;
    assert_eq!(bench.drain(&bench.worker(1, |_| Ok(()), None)).await.len(), 50);
}

/// Whoever says that something else led to a revision that is known is not believed, and nothing that came with it is kept.
#[tokio::test]
async fn an_event_that_contradicts_another_one_is_not_taken_over() {
    let bench = Bench::new().await;
    let inbound = bench.inbound();
    bench.happened(&[(1, 7, 1)]).await;
    let outcome = inbound.store(&[event(2, 8, 1), event(3, 7, 1)]).await;
    assert!(matches!(outcome, Err(NotStored::Contradicts)), "{outcome:?}");
    bench.dispatch_all().await;
    assert_eq!(bench.drain(&bench.worker(1, |_| Ok(()), None)).await, [1]);
}

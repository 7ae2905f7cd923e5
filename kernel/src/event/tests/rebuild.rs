//! Projections that are filled again.

use sea_query::Alias;

use super::super::rebuild::{Rebuild, RebuildProgress};
use super::*;

/// A handler that notes each event in a table.
struct Notes {
    refuses: Option<u128>,
}

/// The table that it fills: one that is there, and that nobody else fills here.
const TABLE: &str = "event_discards";

#[async_trait]
impl Deliver for Notes {
    async fn deliver(&self, event: Envelope, uow: &mut WriteUow, message: &Message) -> Result<(), NotTaken> {
        if self.refuses == Some(event.id.as_u128()) {
            return Err(NotTaken::Failed(Internal("not this one".to_owned()).into()));
        }
        let columns = ["event_id", "subscriber", "discarded_at", "actor", "reason"].map(Alias::new);
        let place = Query::select().expr(Expr::cust("COUNT(*)")).from(Alias::new(TABLE)).take();
        let place: Option<(i64,)> = uow.fetch_optional(&place).await?;
        let note = Query::insert()
            .into_table(Alias::new(TABLE))
            .columns(columns)
            .values_panic([
                event.id.into(),
                "test.notes".into(),
                place.unwrap_or_default().0.into(),
                message.caller.subject().into(),
                "noted".into(),
            ])
            .take();
        uow.execute(&note).await?;
        Ok(())
    }
}

impl Bench {
    fn noting(&self, refuses: Option<u128>) -> Worker {
        let mut worker = self.worker(1, |_| Ok(()), None);
        worker.subscriber.projection = Some(TABLE);
        worker.subscriber.taker = Taker::Handler(Arc::new(Notes { refuses }));
        worker
    }

    async fn notes(&self) -> Vec<u128> {
        let notes = Query::select()
            .column(Alias::new("event_id"))
            .from(Alias::new(TABLE))
            .order_by(Alias::new("discarded_at"), Order::Asc)
            .take();
        let notes: Vec<(Uuid,)> = self.database.fetch_all(&notes).await.unwrap();
        notes.into_iter().map(|(id,)| id.as_u128()).collect()
    }

    async fn rebuild(&self, worker: &Worker) -> Result<(u64, Option<RebuildProgress>), Failure> {
        let mut last = None;
        let rebuild =
            Rebuild { subscriber: &worker.subscriber, units: &worker.units, clock: worker.clock.as_ref() };
        let done = rebuild.run(TABLE, |progress| last = Some(progress)).await?;
        Ok((done, last))
    }
}

/// In the order in which they were dispatched, those dispatched together in the order of each aggregate; what was open is done.
#[tokio::test]
async fn it_is_filled_again_in_order() {
    let bench = Bench::new().await;
    bench.happened(&[(1, 7, 2), (2, 8, 1), (3, 7, 1)]).await;
    let worker = bench.noting(None);
    bench.drain(&worker).await;
    assert_eq!(bench.notes().await, [3, 1, 2]);
    bench.happened(&[(5, 7, 3), (4, 8, 2)]).await;
    let (done, progress) = bench.rebuild(&worker).await.unwrap();
    assert_eq!((done, progress), (5, Some(RebuildProgress { done: 5, of: 5 })));
    assert_eq!(bench.notes().await, [3, 1, 2, 5, 4]);
    assert!(bench.states().await.iter().all(|(_, state, _)| state == "delivered"));
    bench.happened(&[(6, 7, 4)]).await;
    bench.drain(&worker).await;
    assert_eq!(bench.notes().await, [3, 1, 2, 5, 4, 6], "what comes after it comes once");
}

/// Whoever is at work when it begins settles nothing.
#[tokio::test]
async fn who_is_at_work_meanwhile_writes_nothing() {
    let bench = Bench::new().await;
    bench.happened(&[(1, 7, 1)]).await;
    let worker = bench.noting(None);
    let claim = worker.claim().await.unwrap().unwrap();
    bench.rebuild(&worker).await.unwrap();
    // Its note would be there twice.
    assert!(worker.hand_over(&claim, &CancellationToken::new()).await.is_ok());
    assert_eq!(bench.notes().await, [1]);
    bench.happened(&[(2, 7, 2)]).await;
    bench.drain(&worker).await;
    assert_eq!(bench.notes().await, [1, 2]);
}

/// An event that is not taken leaves all as it was.
#[tokio::test]
async fn one_that_is_not_taken_leaves_all_as_it_was() {
    let bench = Bench::new().await;
    bench.happened(&[(1, 7, 1), (2, 7, 2)]).await;
    bench.drain(&bench.noting(None)).await;
    let failure = bench.rebuild(&bench.noting(Some(2))).await.unwrap_err();
    assert!(failure.chain().contains("not this one"), "{failure:?}");
    assert_eq!(bench.notes().await, [1, 2]);
}

/// More than a page of them.
#[tokio::test]
async fn pages_neither_overlap_nor_leave_gaps() {
    let bench = Bench::new().await;
    let worker = bench.noting(None);
    for batch in 0..4_u128 {
        let events: Vec<(u128, u128, u64)> = (0..180)
            .map(|number| (batch * 180 + number + 1, number % 7, (batch * 180 + number + 1) as u64))
            .collect();
        bench.happened(&events).await;
    }
    bench.drain(&worker).await;
    let noted = bench.notes().await;
    assert_eq!(noted.len(), 720);
    let (done, _) = bench.rebuild(&worker).await.unwrap();
    let mut again = bench.notes().await;
    assert_eq!(done, 720);
    again.sort_unstable();
    assert_eq!(again, (1..=720).collect::<Vec<u128>>());
}

/// What a newer version took is not there when an older one has filled the table; it is when the newer one is back.
#[tokio::test]
async fn what_a_newer_version_takes_is_left_to_it() {
    let bench = Bench::new().await;
    let newer = bench.noting(None);
    let mut older = bench.noting(None);
    older.subscriber.events = &["test.others"];
    let starts = async |worker: &Worker| {
        let subscribers = std::slice::from_ref(&worker.subscriber);
        register(&bench.database, subscribers, worker.lease.holder, bench.clock.now()).await.unwrap();
    };
    bench.happened(&[(1, 7, 1)]).await;
    bench.drain(&newer).await;
    bench.happened(&[(2, 7, 2)]).await;
    starts(&older).await;
    assert_eq!(bench.rebuild(&older).await.unwrap().0, 0);
    assert!(bench.notes().await.is_empty());
    starts(&newer).await;
    bench.drain(&newer).await;
    assert_eq!(bench.notes().await, [1, 2]);
}

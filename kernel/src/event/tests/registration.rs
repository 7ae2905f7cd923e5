//! Subscribers whose versions take other events.

use super::super::pruner::Pruner;
use super::super::retirement::{RegisteredSubscriber, retire, subscribers};
use super::*;

impl Bench {
    /// A version of the program is started whose subscriber takes these events; answers what it hears.
    async fn starts(&self, events: &'static [&'static str]) -> Vec<u128> {
        let worker = self.worker(1, |_| Ok(()), None);
        let subscriber = Subscriber { events, ..worker.subscriber.clone() };
        register(&self.database, &[subscriber], worker.lease.holder, self.clock.now()).await.unwrap();
        self.drain(&worker).await
    }

    /// By then there is no record of what was taken.
    async fn long_after(&self) {
        let keep = Duration::from_hours(24);
        self.clock.advance(keep * 2);
        let pruner = Pruner { keep, database: self.database.clone(), clock: Arc::new(self.clock.clone()) };
        while pruner.step(&CancellationToken::new()).await.unwrap() > 0 {}
    }
}

const HAPPENED: &[&str] = &["test.happened"];
const OTHERS: &[&str] = &["test.others"];
const BOTH: &[&str] = &["test.others", "test.happened"];
const ALL: &[&str] = &[];

/// Whatever an older version did not take, the newer one takes when it is back, and nothing that it took before.
#[tokio::test]
async fn what_was_taken_is_not_taken_again() {
    for newer in [HAPPENED, BOTH, ALL] {
        let bench = Bench::new().await;
        bench.starts(newer).await;
        for round in 0..3 {
            let (taken, left) = (round * 2 + 1, round * 2 + 2);
            bench.happened(&[(taken, taken, 1)]).await;
            assert_eq!(bench.drain(&bench.worker(1, |_| Ok(()), None)).await, [taken], "{newer:?}");
            bench.long_after().await;
            assert!(bench.starts(OTHERS).await.is_empty());
            bench.happened(&[(left, left, 1)]).await;
            bench.long_after().await;
            assert_eq!(bench.starts(newer).await, [left], "{newer:?}");
            bench.long_after().await;
        }
    }
}

/// What was never taken is taken from the beginning.
#[tokio::test]
async fn what_is_new_is_taken_from_the_beginning() {
    let bench = Bench::new().await;
    assert!(bench.starts(OTHERS).await.is_empty());
    bench.happened(&[(1, 7, 1)]).await;
    bench.long_after().await;
    assert_eq!(bench.starts(BOTH).await, [1]);
}

/// One that no program has any more gets nothing, and nothing is left of it, however much there was.
#[tokio::test]
async fn one_that_is_retired_is_gone() {
    let bench = Bench::new().await;
    let worker = bench.worker(1, |_| Ok(()), None);
    let events: Vec<(u128, u128, u64)> = (1..=700).map(|number| (number, number, 1)).collect();
    bench.happened(&events[..300]).await;
    bench.drain(&worker).await;
    for some in events[300..].chunks(200) {
        bench.happened(some).await;
    }
    let known = subscribers(&bench.database).await.unwrap();
    assert_eq!(known, [RegisteredSubscriber { name: NAME.to_owned(), backlog: 400, dead: 0 }]);
    let mut steps = Vec::new();
    assert_eq!(retire(NAME, &bench.database, |removed| steps.push(removed)).await.unwrap(), 700);
    assert_eq!(steps, [500, 700], "others can write in between");
    assert!(subscribers(&bench.database).await.unwrap().is_empty());
    bench.happened(&[(701, 701, 1)]).await;
    assert!(bench.drain(&worker).await.is_empty() && bench.states().await.is_empty());
    // Should it be back after all, it begins at the beginning.
    assert_eq!(bench.starts(ALL).await.len(), 701);
}

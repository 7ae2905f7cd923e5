//! Subscribers whose versions take other events.

use super::super::pruner::Pruner;
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

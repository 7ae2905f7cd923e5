//! What was settled long ago is removed, a little at a time.

use super::super::pruner::Pruner;
use super::super::tables::{EventInbox, EventLog};
use super::*;

const DAY: Duration = Duration::from_hours(24);

impl Bench {
    async fn count(&self, table: impl sea_query::IntoTableRef) -> i64 {
        let count = Query::select().expr(Expr::cust("COUNT(*)")).from(table).take();
        let count: Option<(i64,)> = self.database.fetch_optional(&count).await.unwrap();
        count.unwrap().0
    }
}

#[tokio::test]
async fn what_was_settled_long_ago_is_removed() {
    let bench = Bench::new().await;
    let pruner =
        Pruner { keep: DAY * 7, database: bench.database.clone(), clock: Arc::new(bench.clock.clone()) };
    let step = async || pruner.step(&CancellationToken::new()).await.unwrap();
    let dead = bench.worker(
        1,
        |event| match event.id.as_u128() {
            2 => Err(NotTaken::NotUnderstood("not a word".to_owned())),
            _ => Ok(()),
        },
        None,
    );
    // The third waits for the second, which is dead.
    bench.happened(&[(1, 1_000, 1), (2, 1_000, 2), (3, 1_000, 3)]).await;
    let many: Vec<(u128, u128, u64)> = (4..=250).map(|number| (number, number, 1)).collect();
    for some in many.chunks(100) {
        bench.happened(some).await;
    }
    bench.drain(&dead).await;
    bench.clock.advance(DAY * 3);
    bench.happened(&[(251, 251, 1)]).await;
    bench.drain(&dead).await;
    assert_eq!((bench.count(EventDeliveries::Table).await, bench.count(EventInbox::Table).await), (251, 249));
    assert_eq!(step().await, 0, "nothing is old enough");
    bench.clock.advance(DAY * 4 + Duration::from_secs(1));
    let mut steps = Vec::new();
    while let removed @ 1.. = step().await {
        steps.push(removed);
    }
    assert_eq!(steps, [200, 48], "others can write in between");
    assert_eq!(
        bench.states().await,
        [state(2, "dead", 2), state(3, "pending", 1), state(251, "delivered", 1)]
    );
    assert_eq!((bench.count(EventInbox::Table).await, bench.count(EventLog::Table).await), (1, 251));
}

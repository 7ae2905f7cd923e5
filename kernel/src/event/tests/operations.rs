//! What somebody sees to, step by step.

use super::super::operations::{
    DiscardEvent, DiscardReason, Discarded, Error, EventId, EventView, FindEvent, FindEvents, ResubmitEvent,
    ResubmitEvents, Resubmitted, discard_event, find_events, resubmit_event, resubmit_events,
};
use super::*;
use crate::command::{Command, CommandHandler};
use crate::criteria::{Filter, Slice};
use crate::message::{Caller, RequestId};
use crate::permission::{Access, Permission};
use crate::query::QueryHandler;
use crate::testkit::{AllowAll, criteria};

impl Bench {
    fn message(&self) -> Message {
        let request_id = RequestId::parse("test").unwrap();
        Message::new(Caller::named("ada"), request_id, None, self.clock.now())
    }

    /// Carries a command out, as the bus does.
    async fn dispatch<C: Command>(
        &self,
        handler: impl CommandHandler<C>,
        command: C,
    ) -> Result<C::Output, Failure> {
        let (units, message) = (self.units(), self.message());
        let mut uow = units.write(message.clone());
        let output = handler.handle(command, &mut uow, &message).await?;
        uow.commit().await?;
        Ok(output)
    }

    async fn resubmit(&self, event: u128) -> Result<Resubmitted, Failure> {
        let id = Uuid::from_u128(event).into();
        self.dispatch(resubmit_event::Handler, ResubmitEvent { id, subscriber: None }).await
    }

    async fn discard(&self, event: u128) -> Result<Discarded, Failure> {
        let reason = DiscardReason::parse("gone for good".to_owned()).unwrap();
        let id = Uuid::from_u128(event).into();
        self.dispatch(discard_event::Handler, DiscardEvent { id, subscriber: None, reason }).await
    }

    async fn found(&self, event: u128) -> EventView {
        let query = FindEvent { id: Uuid::from_u128(event).into() };
        let mut uow = self.units().read_latest();
        find_events::Handler.handle(query, &mut uow, &self.message()).await.unwrap()
    }

    async fn listed(&self, parameters: &[(&str, &str)]) -> Slice<EventView> {
        let mut message = self.message();
        let read = Permission::new("read", "event");
        message.access = Access::require(&AllowAll, &message.caller, read, &[]).await.unwrap();
        let mut uow = self.units().read_latest();
        let query = FindEvents { criteria: criteria(parameters) };
        find_events::Handler.handle(query, &mut uow, &message).await.unwrap()
    }

    /// Three events of an aggregate, of which the second is dead; one of another.
    async fn with_a_dead_one(&self) -> Worker {
        self.happened(&[(1, 7, 1), (2, 7, 2), (3, 7, 3), (4, 8, 1)]).await;
        let failing = self.worker(1, second_fails, None);
        for _ in 0..3 {
            self.drain(&failing).await;
            self.clock.advance(Duration::from_mins(11));
        }
        assert_eq!(self.states().await[1], state(2, "dead", 3));
        self.worker(1, |_| Ok(()), None)
    }
}

fn numbers(slice: &Slice<EventView>) -> Vec<u128> {
    slice.items.iter().map(|event| event.id.as_u128()).collect()
}

/// As if it never had been tried; what it held back comes after it.
#[tokio::test]
async fn what_is_resubmitted_comes_first_again() {
    let bench = Bench::new().await;
    let mended = bench.with_a_dead_one().await;
    assert!(bench.drain(&mended).await.is_empty(), "nobody looked after it yet");
    assert_eq!(bench.resubmit(2).await.unwrap(), Resubmitted { resubmitted: 1 });
    assert_eq!(bench.states().await[1], state(2, "pending", 0));
    assert_eq!(bench.drain(&mended).await, [2, 3]);
    assert_eq!(bench.states().await[1], state(2, "delivered", 1));
}

/// One that fails again is dead again, and holds back again.
#[tokio::test]
async fn what_is_not_mended_is_dead_again() {
    let bench = Bench::new().await;
    bench.with_a_dead_one().await;
    bench.resubmit(2).await.unwrap();
    let failing = bench.worker(1, second_fails, None);
    for _ in 0..3 {
        assert!(bench.drain(&failing).await.is_empty());
        bench.clock.advance(Duration::from_mins(11));
    }
    assert_eq!(bench.states().await[1], state(2, "dead", 3));
    assert_eq!(bench.states().await[2], state(3, "pending", 1));
}

/// What was given up is never handed over; what it held back is.
#[tokio::test]
async fn what_is_discarded_lets_go_of_the_others() {
    let bench = Bench::new().await;
    let mended = bench.with_a_dead_one().await;
    assert_eq!(bench.discard(2).await.unwrap(), Discarded { discarded: 1 });
    assert_eq!(bench.drain(&mended).await, [3]);
    let found = bench.found(2).await;
    let delivery = &found.deliveries[0];
    assert_eq!((delivery.subscriber.as_str(), delivery.state.as_str()), (NAME, "discarded"));
    let discarded = delivery.discarded.as_ref().unwrap();
    assert_eq!((discarded.actor.as_str(), discarded.reason.as_str()), ("ada", "gone for good"));
    assert_eq!(delivery.settled_at, Some(discarded.at));
    assert_eq!(delivery.last_error.as_deref(), Some("no"));
}

/// Only what is dead or failed can be seen to.
#[tokio::test]
async fn what_is_settled_or_not_tried_yet_is_left_alone() {
    let bench = Bench::new().await;
    bench.with_a_dead_one().await;
    bench.happened(&[(5, 9, 1)]).await;
    bench.discard(2).await.unwrap();
    for (event, expected) in [(1, "delivered"), (2, "discarded"), (5, "pending")] {
        for failure in [bench.resubmit(event).await.err(), bench.discard(event).await.err()] {
            let failure = failure.unwrap();
            assert!(matches!(failure.downcast_ref(), Some(Error::NotOpen { .. })), "{failure:?}");
            assert!(failure.to_string().contains(expected), "{failure}");
        }
    }
    let unknown = bench.resubmit(99).await.unwrap_err();
    assert!(matches!(unknown.downcast_ref(), Some(Error::NotFound(_))), "{unknown:?}");
}

/// Whoever is at work on what somebody discards meanwhile has done nothing; what is resubmitted meanwhile is done once.
#[tokio::test]
async fn who_is_at_work_meanwhile_settles_nothing() {
    for (discards, expected) in [(true, state(2, "discarded", 3)), (false, state(2, "delivered", 1))] {
        let bench = Bench::new().await;
        bench.happened(&[(1, 7, 1), (2, 7, 2)]).await;
        bench.drain(&bench.worker(1, second_fails, None)).await;
        bench.clock.advance(Duration::from_mins(1));
        let mended = bench.worker(1, |_| Ok(()), None);
        let claim = mended.claim().await.unwrap().unwrap();
        if discards {
            bench.discard(2).await.unwrap();
        } else {
            bench.resubmit(2).await.unwrap();
        }
        mended.hand_over(&claim, &CancellationToken::new()).await.unwrap();
        let untouched = if discards { state(2, "discarded", 3) } else { state(2, "pending", 0) };
        assert_eq!(bench.states().await[1], untouched, "its transaction was rolled back");
        bench.drain(&mended).await;
        assert_eq!(bench.states().await[1], expected);
    }
}

/// An attempt that was none is not taken back from what was resubmitted meanwhile: there is none to take.
#[tokio::test]
async fn no_attempt_is_taken_back_twice() {
    let bench = Bench::new().await;
    bench.happened(&[(1, 7, 1)]).await;
    let fails = bench.worker(1, |event| fails(event, 1, Internal("no".to_owned())), None);
    bench.drain(&fails).await;
    bench.clock.advance(Duration::from_mins(1));
    let away =
        |event: &Envelope| super::fails(event, 1, DatabaseError::Unavailable(sqlx::Error::PoolTimedOut));
    let worker = bench.worker(1, away, None);
    let claim = worker.claim().await.unwrap().unwrap();
    bench.resubmit(1).await.unwrap();
    assert!(worker.hand_over(&claim, &CancellationToken::new()).await.is_err());
    assert_eq!(bench.states().await, [state(1, "pending", 0)]);
    assert_eq!(bench.drain(&bench.worker(1, |_| Ok(()), None)).await, [1]);
}

/// All that are dead and match; the others stay.
#[tokio::test]
async fn dead_ones_are_resubmitted_together() {
    let bench = Bench::new().await;
    let events: Vec<(u128, u128, u64)> = (1..=600).map(|number| (number, number, 1)).collect();
    for events in events.chunks(200) {
        bench.happened(events).await;
    }
    let refuses = bench.worker(1, |_| Err(NotTaken::NotUnderstood("not a word".to_owned())), None);
    bench.drain(&refuses).await;
    let filter = |json: serde_json::Value| {
        Filter::parse(<EventView as crate::criteria::ListView>::FIELDS, &json).unwrap()
    };
    let resubmit = async |filter: Filter, after: Option<EventId>| {
        let command = ResubmitEvents { filter, subscriber: None, after };
        bench.dispatch(resubmit_events::Handler, command).await.unwrap()
    };
    let of_seven = filter(serde_json::json!({"subject": {"eq": Uuid::from_u128(7)}}));
    let done = resubmit(of_seven, None).await;
    assert_eq!((done.resubmitted, done.more), (1, false));
    let first = resubmit(Filter::everything(), None).await;
    assert_eq!((first.resubmitted, first.more), (500, true));
    let rest = resubmit(Filter::everything(), first.last).await;
    assert_eq!((rest.resubmitted, rest.more), (99, false));
    assert_eq!(resubmit(Filter::everything(), None).await.resubmitted, 0);
    assert!(bench.states().await.iter().all(|(_, state, attempts)| state == "pending" && *attempts == 0));
}

/// Newest first, each with its deliveries, found by them, too.
#[tokio::test]
async fn events_are_listed_with_their_deliveries() {
    let bench = Bench::new().await;
    bench.with_a_dead_one().await;
    let all = bench.listed(&[]).await;
    assert_eq!((numbers(&all), all.total), (vec![4, 3, 2, 1], Some(4)));
    let states: Vec<&str> = all.items.iter().map(|event| event.deliveries[0].state.as_str()).collect();
    assert_eq!(states, ["delivered", "pending", "dead", "delivered"]);
    assert!(all.items.iter().all(|event| event.deliveries[0].next_attempt_at.is_none()));
    for (filter, expected) in [
        (r#"{"deliveries.state":{"eq":"dead"}}"#, vec![2]),
        (r#"{"deliveries.state":{"eq":"dead"},"deliveries.subscriber":{"eq":"test.nobody"}}"#, vec![]),
        (r#"{"subject":{"eq":"00000000-0000-0000-0000-000000000008"}}"#, vec![4]),
        (
            r#"{"type":{"sw":"test."},"source":{"eq":"/servertree/test"},"actor":{"eq":"tester"}}"#,
            vec![4, 3, 2, 1],
        ),
        (r#"{"deliveries":{"em":true}}"#, vec![]),
        (r#"{"time":{"gt":"1970-01-01T00:00:00Z"}}"#, vec![]),
    ] {
        assert_eq!(numbers(&bench.listed(&[("filter", filter)]).await), expected, "{filter}");
    }
    let page = bench.listed(&[("limit", "3"), ("sort", r#"[{"time":"asc"}]"#)]).await;
    assert_eq!(numbers(&page), [1, 2, 3]);
    let cursor = page.next_cursor.unwrap();
    let rest = bench.listed(&[("limit", "3"), ("sort", r#"[{"time":"asc"}]"#), ("cursor", &cursor)]).await;
    assert_eq!(numbers(&rest), [4]);
    let before = bench.database.statements();
    bench.listed(&[("count", "none")]).await;
    assert_eq!(bench.database.statements() - before, 2, "one for the events, one for their deliveries");
}

//! Delivery: each event once to each subscriber, in the order of its aggregate, over failures and restarts.

use std::time::Duration;

use crate::notes::{End, HEARD, HEARD_FROM_NOW, HEARD_OTHERWISE, NOTES, NotesTaken, UNLUCKY, WriteNotes};
use servertree_kernel::testkit::Testbed;

/// Waits until what the listener took is as it should be.
async fn wait_until(test: &Testbed, is_so: impl Fn(&[(u128, i64, i64)]) -> bool) {
    let taken = async || Some(test.ask(NotesTaken).await.unwrap()).filter(|taken| is_so(taken));
    test.eventually("what should arrive does", taken).await;
}

#[tokio::test]
async fn events_arrive_once_and_in_order() {
    let test = Testbed::of(&[&HEARD]).start().await;
    for revision in 1..=20 {
        for subject in 1..=3 {
            test.dispatch(WriteNotes { events: 2, ..WriteNotes::on(subject, revision) }).await.unwrap();
        }
    }
    test.delivered().await;
    let taken = test.ask(NotesTaken).await.unwrap();
    assert_eq!(taken.len(), 120);
    for subject in 1..=3 {
        let of_subject: Vec<_> = taken.iter().filter(|(of, ..)| *of == subject).map(|t| (t.1, t.2)).collect();
        let expected: Vec<_> = (1..=20).flat_map(|revision| [(revision, 0), (revision, 1)]).collect();
        assert_eq!(of_subject, expected);
    }
    test.finish().await;
}

#[tokio::test]
async fn a_failure_holds_back_its_aggregate_and_no_other() {
    let test = Testbed::of(&[&HEARD]).start().await;
    for revision in 1..=3 {
        test.dispatch(WriteNotes::on(UNLUCKY, revision)).await.unwrap();
        test.dispatch(WriteNotes::on(14, revision)).await.unwrap();
    }
    wait_until(&test, |taken| taken.len() >= 3).await;
    let taken = test.ask(NotesTaken).await.unwrap();
    assert_eq!(taken, [(14, 1, 0), (14, 2, 0), (14, 3, 0)]);
    // The clock stands: what failed is not due before it moves on.
    test.clock.advance(Duration::from_secs(60));
    test.delivered().await;
    let taken = test.ask(NotesTaken).await.unwrap();
    assert_eq!(taken[3..], [(13, 1, 0), (13, 2, 0), (13, 3, 0)]);
    test.finish().await;
}

#[tokio::test]
async fn a_restart_neither_loses_nor_repeats() {
    let mut stopped = None;
    for round in 1..=5 {
        let mut builder = Testbed::of(&[&HEARD]);
        if let Some(stopped) = stopped.take() {
            builder = builder.after(stopped);
        }
        let test = builder.start().await;
        for subject in 21..=40 {
            test.dispatch(WriteNotes::on(subject, round)).await.unwrap();
        }
        stopped = Some(test.stop().await);
    }
    let test = Testbed::of(&[&HEARD]).after(stopped.unwrap()).start().await;
    test.delivered().await;
    let mut taken = test.ask(NotesTaken).await.unwrap();
    assert_eq!(taken.len(), 100);
    taken.sort_unstable();
    taken.dedup();
    assert_eq!(taken.len(), 100);
    test.finish().await;
}

#[tokio::test]
async fn a_new_subscriber_starts_where_it_says() {
    for (context, expected) in [(&HEARD, 4), (&HEARD_FROM_NOW, 1)] {
        let test = Testbed::of(&[&NOTES]).start().await;
        for revision in 1..=3 {
            test.dispatch(WriteNotes::on(1, revision)).await.unwrap();
        }
        test.delivered().await;
        let test = Testbed::of(&[context]).after(test.stop().await).start().await;
        test.dispatch(WriteNotes::on(1, 4)).await.unwrap();
        test.delivered().await;
        assert_eq!(test.ask(NotesTaken).await.unwrap().len(), expected);
        test.finish().await;
    }
}

/// A subscriber that does not run for a while, because its context is disabled or this is an older version, misses
/// nothing.
#[tokio::test]
async fn a_subscriber_that_is_away_for_a_while_misses_nothing() {
    let test = Testbed::of(&[&HEARD_FROM_NOW]).start().await;
    test.dispatch(WriteNotes::on(1, 1)).await.unwrap();
    test.delivered().await;
    let test = Testbed::of(&[&NOTES]).after(test.stop().await).start().await;
    test.dispatch(WriteNotes::on(1, 2)).await.unwrap();
    test.dispatched().await;
    let test = Testbed::of(&[&HEARD_FROM_NOW]).after(test.stop().await).start().await;
    test.dispatch(WriteNotes::on(1, 3)).await.unwrap();
    test.delivered().await;
    assert_eq!(test.ask(NotesTaken).await.unwrap(), [(1, 1, 0), (1, 2, 0), (1, 3, 0)]);
    test.finish().await;
}

/// An event that cannot be read back holds up its own aggregate and no other.
#[tokio::test]
async fn an_unreadable_event_is_put_off_like_a_failure() {
    let test = Testbed::of(&[&HEARD]).start().await;
    test.dispatch(WriteNotes { end: End::WithASpoiltEvent, ..WriteNotes::on(1, 1) }).await.unwrap();
    test.dispatch(WriteNotes::on(1, 3)).await.unwrap();
    test.dispatch(WriteNotes::on(2, 1)).await.unwrap();
    wait_until(&test, |taken| taken.contains(&(2, 1, 0))).await;
    // The one after the spoilt one waits for it.
    let mut taken = test.ask(NotesTaken).await.unwrap();
    taken.sort_unstable();
    assert_eq!(taken, [(1, 1, 0), (2, 1, 0)]);
    test.stop().await;
}

/// A version that takes other events comes and goes again: what it did not take is taken then, once.
#[tokio::test]
async fn a_subscriber_that_changes_its_mind_and_back_takes_everything_once() {
    let mut test = Testbed::of(&[&HEARD]).start().await;
    for (revision, context) in [(1, &HEARD_OTHERWISE), (2, &HEARD), (3, &HEARD_OTHERWISE), (4, &HEARD)] {
        test.dispatch(WriteNotes::on(1, revision)).await.unwrap();
        test.delivered().await;
        test = Testbed::of(&[context]).after(test.stop().await).start().await;
    }
    test.delivered().await;
    let taken = test.ask(NotesTaken).await.unwrap();
    assert_eq!(taken, [(1, 1, 0), (1, 2, 0), (1, 3, 0), (1, 4, 0)]);
    test.finish().await;
}

/// The order is that of revisions, whatever the ids say and however much lies in between.
#[tokio::test]
async fn clocks_that_differ_do_not_change_the_order() {
    let mut test = Testbed::of(&[&HEARD]).start().await;
    test.quiet_database().await;
    test.dispatch(WriteNotes { end: End::UnderALowId, ..WriteNotes::on(1, 2) }).await.unwrap();
    for subject in 100..350 {
        test.dispatch(WriteNotes::on(subject, 1)).await.unwrap();
    }
    test.dispatch(WriteNotes::on(1, 1)).await.unwrap();
    test.resume().await;
    test.delivered().await;
    let taken = test.ask(NotesTaken).await.unwrap();
    let of_one: Vec<i64> =
        taken.iter().filter(|(subject, ..)| *subject == 1).map(|(_, revision, _)| *revision).collect();
    assert_eq!((taken.len(), of_one), (252, vec![1, 2]));
    test.finish().await;
}

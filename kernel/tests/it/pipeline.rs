//! The pipeline of commands: permission, one transaction with its events, whatever the handler does.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::notes::{End, NOTES, NotesTaken, NotesWritten, WriteNotes};
use servertree_kernel::problem::Kind;
use servertree_kernel::testkit::{DenyAll, Testbed};

#[tokio::test]
async fn what_is_written_and_what_tells_of_it_become_lasting_together() {
    let test = Testbed::of(&[&NOTES]).start().await;
    test.dispatch(WriteNotes { events: 3, ..WriteNotes::on(1, 1) }).await.unwrap();
    assert_eq!(test.ask(NotesWritten).await.unwrap().len(), 1);
    let events = test.events().await;
    let places: Vec<_> = events.iter().map(|event| (event.revision, event.sequence)).collect();
    assert_eq!(places, [(1, 0), (1, 1), (1, 2)]);
    assert_eq!((events[0].actor.as_str(), events[0].requestid.as_str()), ("tester", "test"));
    assert_eq!(events[0].source, "/servertree/notes");
    test.finish().await;
}

#[tokio::test]
async fn a_failure_leaves_neither() {
    let test = Testbed::of(&[&NOTES]).start().await;
    for end in [End::InError, End::InPanic] {
        let failure = test.dispatch(WriteNotes { end, ..WriteNotes::on(1, 1) }).await.unwrap_err();
        assert_eq!(failure.kind(), Kind::Internal);
    }
    assert_eq!(test.ask(NotesWritten).await.unwrap(), []);
    assert!(test.events().await.is_empty());
    // The writer is free again.
    test.dispatch(WriteNotes::on(1, 1)).await.unwrap();
    assert_eq!(test.events().await.len(), 1);
    test.finish().await;
}

#[tokio::test]
async fn who_may_not_gets_nowhere() {
    let test = Testbed::of(&[&NOTES]).permissions(DenyAll).start().await;
    assert_eq!(test.dispatch(WriteNotes::on(1, 1)).await.unwrap_err().kind(), Kind::Forbidden);
    assert_eq!(test.ask(NotesWritten).await.unwrap_err().kind(), Kind::Forbidden);
    let test = Testbed::of(&[&NOTES]).after(test.stop().await).start().await;
    assert_eq!(test.ask(NotesWritten).await.unwrap(), []);
    assert!(test.events().await.is_empty());
    test.finish().await;
}

#[tokio::test]
async fn what_nobody_handles_is_an_error_of_ours() {
    let test = Testbed::of(&[&NOTES]).start().await;
    assert_eq!(test.ask(NotesTaken).await.unwrap_err().kind(), Kind::Internal);
    test.finish().await;
}

/// A client that goes away drops the future of its request. The command goes on, and the writer stays usable.
#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_goes_away_cancels_nothing() {
    let test = Testbed::of(&[&NOTES]).start().await;
    for subject in 1..=50 {
        let mut dispatch = Box::pin(test.dispatch(WriteNotes::on(subject, 1)));
        let mut context = Context::from_waker(Waker::noop());
        assert!(matches!(pin!(&mut dispatch).poll(&mut context), Poll::Pending));
        drop(dispatch);
    }
    test.dispatch(WriteNotes::on(51, 1)).await.unwrap();
    test.application.finish_commands().await;
    assert_eq!(test.ask(NotesWritten).await.unwrap().len(), 51);
    assert_eq!(test.events().await.len(), 51);
    test.finish().await;
}

//! The pipeline of commands: permission, one transaction with its events, whatever the handler does.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use crate::notes::{End, NOTES, NotesTaken, NotesWritten, WriteAmidOthers, WriteNotes};
use servertree_kernel::idempotency::{Answer, OnceRequest};
use servertree_kernel::problem::{Failure, Kind};
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
    for end in [End::InError, End::InPanic, End::DespiteAnError] {
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

#[tokio::test]
async fn where_others_get_in_the_way_it_is_carried_out_anew() {
    let test = Testbed::of(&[&NOTES]).start().await;
    let command = WriteAmidOthers::times(3, WriteNotes { events: 2, ..WriteNotes::on(1, 1) });
    assert_eq!(test.dispatch(command.clone()).await.unwrap(), 4);
    assert_eq!(test.ask(NotesWritten).await.unwrap().len(), 1);
    assert_eq!(test.events().await.len(), 2);
    assert_eq!(*command.lasts.lock().unwrap(), [true], "the others never got to their commit");
    test.finish().await;
}

#[tokio::test]
async fn but_not_for_ever() {
    let test = Testbed::of(&[&NOTES]).start().await;
    let command = WriteAmidOthers::times(usize::MAX, WriteNotes::on(1, 1));
    let failure = test.dispatch(command.clone()).await.unwrap_err();
    assert_eq!((failure.kind(), failure.problem().code), (Kind::Unavailable, "unavailable"));
    assert_eq!(command.attempts.load(Ordering::Relaxed), 5);
    assert!(test.events().await.is_empty());
    test.finish().await;
}

/// What needs something that another context told of a moment ago waits for the event; and hears what is missing if none comes.
#[tokio::test]
async fn what_is_early_is_carried_out_anew() {
    let test = Testbed::of(&[&NOTES]).start().await;
    for (missing, expected) in [(3, Ok(4)), (usize::MAX, Err(Kind::NotFound))] {
        let command =
            WriteAmidOthers { early: true, ..WriteAmidOthers::times(missing, WriteNotes::on(1, 1)) };
        let answered = test.dispatch(command.clone()).await;
        assert_eq!(answered.map_err(|failure| failure.kind()), expected);
        let attempts = command.attempts.load(Ordering::Relaxed);
        assert!(attempts == 4 || (missing > 4 && attempts == 8), "{attempts}");
    }
    assert_eq!(test.ask(NotesWritten).await.unwrap().len(), 1);
    assert_eq!(test.events().await.len(), 1);
    test.finish().await;
}

#[tokio::test]
async fn what_fails_by_itself_is_tried_once() {
    let test = Testbed::of(&[&NOTES]).start().await;
    for end in [End::InError, End::InPanic] {
        let command = WriteAmidOthers::times(3, WriteNotes { end, ..WriteNotes::on(1, 1) });
        assert_eq!(test.dispatch(command.clone()).await.unwrap_err().kind(), Kind::Internal);
        assert_eq!(command.attempts.load(Ordering::Relaxed), 1);
    }
    test.finish().await;
}

/// What is answered once is answered of the attempt that lasts, and claimed by it alone.
#[tokio::test]
async fn anew_and_once() {
    let test = Testbed::of(&[&NOTES]).start().await;
    let command = WriteAmidOthers::times(2, WriteNotes::on(1, 1));
    for replayed in [false, true] {
        let request = OnceRequest { key: "k".to_owned(), target: "t".to_owned(), payload: Vec::new() };
        let commands = &test.application.commands;
        let answered =
            commands.dispatch_once(command.clone(), test.message(), request, answer).await.unwrap();
        assert_eq!((answered.body.as_slice(), answered.replayed), (&b"3"[..], replayed));
    }
    assert_eq!(command.attempts.load(Ordering::Relaxed), 3);
    assert_eq!(test.events().await.len(), 1);
    test.finish().await;
}

fn answer(attempts: usize) -> Result<Answer, Failure> {
    let body = attempts.to_string().into_bytes();
    Ok(Answer { status: 201, location: None, etag: None, body, replayed: false })
}

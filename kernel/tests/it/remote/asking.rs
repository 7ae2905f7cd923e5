//! The clients: they understand what is answered, and whatever goes wrong is "not right now", soon.

use std::io::Write;
use std::net::TcpListener;
use std::time::Duration;

use serde_json::json;
use servertree_kernel::authentication::TokenVerifier;
use servertree_kernel::message::{Caller, Proof};
use servertree_kernel::permission::{Grants, PermissionChecker};
use servertree_kernel::problem::{Failure, Kind};
use servertree_kernel::remote::{Peer, RemotePermissionChecker, RemoteTokenVerifier, Settings};

use super::{
    DEADLINE, MOVE_RACKS, PROOF, READ_RACKS, SECRET, Server, USER, account, nowhere, peer_at, with_secret,
};

async fn grants(peer: Peer, subject: &str) -> Result<Vec<Grants>, Failure> {
    let caller = account(subject, Proof::Session(PROOF));
    let checker = RemotePermissionChecker::remembering(peer, Duration::ZERO);
    let asking = checker.grants(&caller, &[READ_RACKS, MOVE_RACKS, READ_RACKS]);
    tokio::time::timeout(DEADLINE, asking).await.expect("an answer in time")
}

async fn verify(peer: Peer, token: &str) -> Result<Option<Caller>, Failure> {
    let verifier = RemoteTokenVerifier::remembering(peer, Duration::ZERO);
    tokio::time::timeout(DEADLINE, verifier.verify(token)).await.expect("an answer in time")
}

/// Neither says anything but that it cannot be said right now.
async fn assert_no_answer(peer: &Peer) {
    let grants = grants(peer.clone(), "ada").await.unwrap_err();
    assert_eq!(grants.kind(), Kind::Unavailable, "{grants:?}");
    let caller = verify(peer.clone(), "of-a-session").await.unwrap_err();
    assert_eq!(caller.kind(), Kind::Unavailable, "{caller:?}");
}

fn covers(grants: &Grants, hall: &str) -> bool {
    grants.covering(&json!({ "hall": hall })).is_some()
}

#[tokio::test]
async fn grants_arrive_with_their_conditions() {
    let server = Server::start().await;
    let everything = grants(server.peer(), "ada").await.unwrap();
    assert!(everything.iter().all(|grants| grants.iter().all(|grant| grant.condition.is_none())));
    assert_eq!(everything[0].iter().map(|grant| &*grant.role).collect::<Vec<_>>(), ["all"]);
    let some = grants(server.peer(), "bob").await.unwrap();
    assert!(covers(&some[0], "A") && covers(&some[0], "B") && !covers(&some[0], "C"));
    assert!(some[1].is_empty() && some[2] == some[0]);
    assert!(grants(server.peer(), "mallory").await.unwrap().iter().all(Grants::is_empty));
    server.stop().await;
}

#[tokio::test]
async fn a_condition_that_is_not_understood_covers_nothing() {
    let server = Server::start().await;
    let left = grants(server.peer(), "carol").await.unwrap();
    assert_eq!(left[0].iter().count(), 1);
    assert!(covers(&left[0], "C") && !covers(&left[0], "A"));
    server.stop().await;
}

#[tokio::test]
async fn who_has_no_account_has_no_grants() {
    let server = Server::start().await;
    let checker = RemotePermissionChecker::new(server.peer());
    for caller in [Caller::anonymous(), Caller::local_operator(), Caller::service(), Caller::named("ada")] {
        assert_eq!(checker.grants(&caller, &[READ_RACKS]).await.unwrap(), [Grants::none()], "{caller}");
    }
    assert_eq!(server.authority.asked(), 0);
    server.stop().await;
}

#[tokio::test]
async fn callers_arrive_with_how_they_showed_who_they_are() {
    let server = Server::start().await;
    for (token, proof, read_only) in [
        ("of-a-session", Proof::Session(PROOF), false),
        ("for-programs", Proof::Token(PROOF), false),
        ("for-reading", Proof::Token(PROOF), true),
    ] {
        let caller = verify(server.peer(), token).await.unwrap().unwrap();
        let shown = caller.account().unwrap();
        assert_eq!((caller.subject(), shown.user, shown.proof), ("ada", USER, proof), "{token}");
        assert_eq!(caller.is_read_only(), read_only, "{token}");
    }
    for token in ["stolen", "", "without-an-account"] {
        assert_eq!(verify(server.peer(), token).await.unwrap(), None, "{token}");
    }
    server.stop().await;
}

#[tokio::test]
async fn answers_are_remembered_for_a_moment() {
    let server = Server::start().await;
    let caller = account("ada", Proof::Session(PROOF));
    for (time, asked) in [(Duration::from_secs(3600), 2), (Duration::ZERO, 4)] {
        let before = server.authority.asked();
        let checker = RemotePermissionChecker::remembering(server.peer(), time);
        let verifier = RemoteTokenVerifier::remembering(server.peer(), time);
        for _ in 0..2 {
            checker.grants(&caller, &[READ_RACKS]).await.unwrap();
            verifier.verify("of-a-session").await.unwrap();
        }
        assert_eq!(server.authority.asked() - before, asked, "{time:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn what_the_other_end_cannot_say_is_not_remembered() {
    let server = Server::start().await;
    let verifier = RemoteTokenVerifier::new(server.peer());
    for (token, asked) in [("away", 1), ("away", 2), ("broken", 3), ("missing", 4)] {
        let failure = verifier.verify(token).await.unwrap_err();
        assert_eq!(failure.kind(), Kind::Unavailable, "{token}: {failure:?}");
        assert_eq!(server.authority.asked(), asked, "what was answered is not asked again");
    }
    server.stop().await;
}

#[tokio::test]
async fn without_the_right_secret_nothing_is_learnt() {
    let server = Server::start_with(&with_secret(SECRET)).await;
    assert_no_answer(&server.peer()).await;
    assert_no_answer(&server.peer_with(&with_secret("another-secret-of-others"))).await;
    assert_eq!(server.authority.asked(), 0);
    assert!(verify(server.peer_with(&with_secret(SECRET)), "of-a-session").await.unwrap().is_some());
    server.stop().await;
}

#[tokio::test]
async fn nobody_there_is_no_answer() {
    // So long that waiting for it would be noticed.
    let patient = Settings { timeout: 60_000, ..Settings::default() };
    let peer = peer_at(&format!("http://{}", nowhere()), &patient);
    assert_no_answer(&peer).await;
    assert!(!peer.is_ready().await);
}

#[tokio::test]
async fn silence_is_no_answer() {
    let hurried = Settings { timeout: 50, ..Settings::default() };
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    assert_no_answer(&peer_at(&format!("http://{}", mute.local_addr().unwrap()), &hurried)).await;
    let server = Server::start().await;
    let failure = verify(server.peer_with(&hurried), "slow").await.unwrap_err();
    assert_eq!(failure.kind(), Kind::Unavailable);
    server.stop().await;
}

#[tokio::test]
async fn something_else_there_is_no_answer() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap();
    std::thread::spawn(move || {
        for connection in other.incoming().map_while(Result::ok) {
            let _ = (&connection).write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
        }
    });
    assert_no_answer(&peer_at(&format!("http://{address}"), &Settings::default())).await;
}

#[tokio::test]
async fn who_comes_back_is_asked_again() {
    let address = nowhere();
    let peer = peer_at(&format!("http://{address}"), &Settings::default());
    for _ in 0..3 {
        assert_no_answer(&peer).await;
        let server = Server::start_at(address, &Settings::default()).await;
        // The first question after it came back is answered already, whatever became of the old connection.
        assert!(verify(peer.clone(), "of-a-session").await.unwrap().is_some());
        assert!(peer.is_ready().await);
        server.stop().await;
    }
}

/// A connection that broke off between two questions is not seen by whoever asks.
#[tokio::test]
async fn a_new_start_in_between_goes_unnoticed() {
    let mut server = Server::start().await;
    let peer = server.peer();
    for _ in 0..10 {
        assert!(verify(peer.clone(), "of-a-session").await.unwrap().is_some());
        let address = server.address;
        server.stop().await;
        server = Server::start_at(address, &Settings::default()).await;
    }
    server.stop().await;
}

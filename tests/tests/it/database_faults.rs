//! What goes wrong with a database server: it is restarted, killed, out of reach, or says nothing more. Requests are told to come
//! back, and all goes on by itself when it is there again.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;
use servertree_tests::{
    Answer, Network, PrivateServer, Proxy, Service, TestDatabase, eventually, on_a_server, scale, server,
};
use tempfile::TempDir;

/// The settings with which a service shows soon that its database is away.
fn impatient(url: &str) -> servertree_tests::Builder {
    Service::probed().set("database.url", url).set("database.acquire_timeout", "1")
}

/// A database of a server for itself, seen through a proxy.
async fn behind_a_proxy(folder: &TempDir) -> (TestDatabase, Proxy, String) {
    let database = TestDatabase::new(folder.path()).await;
    let authority = database.url().split_once('@').expect("a user").1;
    let place = authority.split('/').next().expect("host and port");
    let proxy = Proxy::to(place).await;
    let url = database.url().replace(place, &proxy.address());
    (database, proxy, url)
}

fn is_away(answer: &Answer) {
    answer.problem(503, "unavailable");
    assert!(answer.header("retry-after").parse::<u32>().is_ok(), "{answer:?}");
}

async fn is_back(service: &Service, name: &str) {
    eventually("the service writes again", async || {
        let answer = service.post("/api/v1/servers", &server(name)).await;
        // Taken: what was answered with 503 was done all the same.
        assert!([201, 409, 503].contains(&answer.status), "{answer:?}");
        (answer.status != 503).then_some(())
    })
    .await;
    eventually("it is ready", async || (service.get("/health/ready").await.status == 200).then_some(()))
        .await;
}

/// Registers servers until it is told to stop. Whatever is not acknowledged is refused with 503.
async fn write(service: &Service, client: usize, stop: &AtomicBool, acknowledged: &Mutex<BTreeSet<String>>) {
    for number in 0.. {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let name = format!("server-{client}-{number}");
        let answer = service.post("/api/v1/servers", &server(&name)).await;
        match answer.status {
            201 => drop(acknowledged.lock().unwrap().insert(name)),
            _ => is_away(&answer),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_under_load_loses_nothing() {
    if !on_a_server() {
        return;
    }
    let mut database = PrivateServer::database().await;
    let url = own_database(&database).await;
    let service = impatient(&url).start().await;
    let (stop, acknowledged) = (AtomicBool::new(false), Mutex::default());
    let clients = join_all((0..10).map(|client| write(&service, client, &stop, &acknowledged)));
    let restarts = async {
        for round in 0..2 * scale() {
            let before = acknowledged.lock().unwrap().len();
            eventually("some are acknowledged", async || {
                (acknowledged.lock().unwrap().len() > before + 20).then_some(())
            })
            .await;
            match round % 2 {
                0 => database.stop().await,
                _ => database.kill().await,
            }
            eventually("it is not ready", async || {
                (service.get("/health/ready").await.status == 503).then_some(())
            })
            .await;
            database.start_again().await;
        }
        let before = acknowledged.lock().unwrap().len();
        eventually("some are acknowledged again", async || {
            (acknowledged.lock().unwrap().len() > before).then_some(())
        })
        .await;
        stop.store(true, Ordering::SeqCst);
    };
    tokio::join!(clients, restarts);

    let delivered = service.delivered_of("server.registered").await;
    let servers = service.all_servers().await;
    let names: BTreeSet<String> =
        servers.iter().map(|server| server["name"].as_str().unwrap().to_owned()).collect();
    let lost: Vec<_> =
        acknowledged.into_inner().unwrap().into_iter().filter(|name| !names.contains(name)).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    let mut told: Vec<String> = delivered.iter().map(|event| event.subject.to_string()).collect();
    told.sort();
    let mut ids: Vec<String> =
        servers.iter().map(|server| server["id"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    assert_eq!(told, ids, "an event for each server, once, and for no other");
    service.stop().await;
}

/// A database on a server of a test's own; it goes with the server.
async fn own_database(server: &PrivateServer) -> String {
    let mut connection = servertree_tests::TestConnection::open(server.url()).await;
    connection.execute("CREATE DATABASE servertree").await;
    connection.close().await;
    let (place, _) = server.url().rsplit_once('/').expect("a URL with a path");
    format!("{place}/servertree")
}

#[tokio::test]
async fn a_network_that_breaks_is_503_until_it_is_mended() {
    if !on_a_server() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let (_database, proxy, url) = behind_a_proxy(&folder).await;
    let service = impatient(&url).start().await;
    is_back(&service, "before").await;

    proxy.is(Network::Down);
    is_away(&service.post("/api/v1/servers", &server("meanwhile")).await);
    is_away(&service.get("/api/v1/servers").await);
    assert_eq!(service.get("/health/ready").await.status, 503);
    assert_eq!(service.get("/health/live").await.status, 200);
    proxy.is(Network::Up);
    is_back(&service, "after").await;

    // Broken and mended between two requests: those that stood idle are dead, and nobody is told.
    for name in ["once", "twice"] {
        proxy.is(Network::Down);
        proxy.is(Network::Up);
        assert_eq!(service.get("/api/v1/servers").await.status, 200);
        assert_eq!(service.post("/api/v1/servers", &server(name)).await.status, 201);
    }
    service.stop().await;
}

#[tokio::test]
async fn a_server_that_says_nothing_more_hangs_nobody() {
    if !on_a_server() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let (_database, proxy, url) = behind_a_proxy(&folder).await;
    let service = impatient(&url).start().await;
    is_back(&service, "before").await;

    proxy.is(Network::Silent);
    // More of them than there are connections.
    let reads = join_all((0..20).map(|_| service.get("/api/v1/servers")));
    let bodies: Vec<_> = (0..20).map(|number| server(&format!("meanwhile-{number}"))).collect();
    let writes = join_all(bodies.iter().map(|body| service.post("/api/v1/servers", body)));
    let (reads, writes) = tokio::join!(reads, writes);
    reads.iter().chain(&writes).for_each(is_away);
    assert_eq!(service.get("/health/ready").await.status, 503);

    proxy.is(Network::Up);
    is_back(&service, "after").await;
    let names: Vec<_> = service.all_servers().await.iter().map(|server| server["name"].clone()).collect();
    assert!(
        names.iter().any(|name| name == "before") && names.iter().any(|name| name == "after"),
        "{names:?}"
    );
    service.stop().await;
}

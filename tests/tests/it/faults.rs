//! What goes wrong outside of the program: it is killed, its clients go away. Nothing acknowledged is lost, nothing is
//! told that did not happen.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use servertree_tests::{DEADLINE, Delivered, Engine, Service, eventually, only_on, scale, server};
use socket2::SockRef;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// What was acknowledged: the revision of each server, by its path.
type Acknowledged = Mutex<BTreeMap<String, u64>>;

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_middle_of_writes_loses_nothing() {
    let acknowledged = Acknowledged::default();
    let mut builder = Service::probed();
    for round in 0..3 * scale() {
        let service = builder.start().await;
        // After so many acknowledgements in this round it is killed: another number in each round. At full size that is 30 times,
        // in more than 20,000 writes.
        let enough = 300 + round * 137 % 700;
        let count = AtomicUsize::new(0);
        let clients = join_all((0..50).map(|client| write(&service, round, client, &acknowledged, &count)));
        let kill = async {
            while count.load(Ordering::SeqCst) < enough {
                tokio::task::yield_now().await;
            }
            service.signal("KILL");
        };
        let both = async { tokio::join!(clients, kill) };
        tokio::time::timeout(DEADLINE, both).await.expect("clients that end with the service");
        builder = service.kill().await;
    }
    let service = builder.start().await;
    let delivered = service.delivered_of("server.").await;
    let servers = service.all_servers().await;
    let revisions: HashMap<&str, u64> = servers
        .iter()
        .map(|server| (server["id"].as_str().unwrap(), server["revision"].as_u64().unwrap()))
        .collect();
    for (path, revision) in acknowledged.into_inner().unwrap() {
        let (_, id) = path.rsplit_once('/').unwrap();
        let found = revisions.get(id);
        assert!(found.is_some_and(|found| *found >= revision), "acknowledged and lost: {path}, {found:?}");
    }
    check_events(&servers, &delivered);
    service.stop().await;
}

/// Registers servers and modifies every third of them, until nobody answers any more.
async fn write(
    service: &Service,
    round: usize,
    client: usize,
    acknowledged: &Acknowledged,
    count: &AtomicUsize,
) {
    for number in 0.. {
        let mut body = server(&format!("server-{round}-{client}-{number}"));
        let post = service.request("POST", "/api/v1/servers").json(&body);
        let Ok(created) = Service::try_send(post).await else {
            return;
        };
        assert_eq!(created.status, 201, "{created:?}");
        let path = created.header("location").to_owned();
        acknowledged.lock().unwrap().insert(path.clone(), 1);
        count.fetch_add(1, Ordering::SeqCst);
        if number % 3 == 0 {
            body["cpu_cores"] = json!(16);
            let Ok(modified) = Service::try_send(service.request("PUT", &path).json(&body)).await else {
                return;
            };
            assert_eq!(modified.status, 200, "{modified:?}");
            acknowledged.lock().unwrap().insert(path, 2);
        }
    }
}

/// Each server has the events of each of its revisions, delivered once and in order, and no event is of anything else.
fn check_events(servers: &[Value], delivered: &[Delivered]) {
    let ids: HashSet<_> = delivered.iter().map(|event| event.event_id).collect();
    assert_eq!(ids.len(), delivered.len(), "an event was delivered twice");
    let mut revisions: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for event in delivered {
        revisions.entry(event.subject.to_string()).or_default().push(event.revision);
    }
    for server in servers {
        let found = revisions.remove(server["id"].as_str().unwrap()).unwrap_or_default();
        let expected: Vec<i64> = (1..=server["revision"].as_i64().unwrap()).collect();
        assert_eq!(found, expected, "the events of {server}");
    }
    assert!(revisions.is_empty(), "events of servers that are not there: {revisions:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_go_away_leave_nothing_behind() {
    let service = Service::probed().start().await;
    let resets = 500 * scale();
    let reset_all = join_all((0..20).map(|client| {
        let service = &service;
        async move {
            for number in (client..resets).step_by(20) {
                reset_in_the_middle(service, number).await;
            }
        }
    }));
    let steady = async {
        let mut paths = Vec::new();
        for number in 0..100 * scale() {
            let answer = service.post("/api/v1/servers", &server(&format!("steady-{number}"))).await;
            assert_eq!(answer.status, 201, "{answer:?}");
            paths.push(answer.header("location").to_owned());
        }
        paths
    };
    let (_, paths) =
        tokio::time::timeout(DEADLINE * 2, async { tokio::join!(reset_all, steady) }).await.unwrap();

    for path in &paths {
        assert_eq!(service.get(path).await.status, 200, "acknowledged and lost: {path}");
    }
    // Commands whose clients are gone still end; only then is it quiet.
    no_transaction_is_open(&service).await;
    let delivered = service.delivered_of("server.").await;
    let servers = service.all_servers().await;
    assert!(servers.len() > paths.len(), "not one of the clients got as far as to be heard");
    check_events(&servers, &delivered);
    service.stop().await;
}

/// Sends a POST, or the beginning of one, and resets the connection.
async fn reset_in_the_middle(service: &Service, number: usize) {
    let body = server(&format!("reset-{number}")).to_string();
    let head = "POST /api/v1/servers HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    let head = format!("{head}Authorization: Bearer {}\r\n", service.token());
    let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    let mut stream = TcpStream::connect(service.address()).await.unwrap();
    // One in five breaks off on the way; the others go away at some moment after they were heard.
    let sent = if number.is_multiple_of(5) { number * 31 % request.len() } else { request.len() };
    stream.write_all(&request.as_bytes()[..sent]).await.unwrap();
    let moment = Duration::from_micros((number * 7919 % 3_000) as u64);
    tokio::time::sleep(moment).await;
    // Closed with data to come and no time to linger: the peer gets a reset.
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
}

/// Another program holds the write lock: writes are told to come back, reads go on, and when it lets go all is well.
#[tokio::test]
async fn a_locked_database_is_503_and_not_for_ever() {
    if !only_on(Engine::Sqlite) {
        return;
    }
    let service = Service::builder().set("database.acquire_timeout", "1").start().await;
    let mut other = service.database().await;
    // The relay may be at work.
    eventually("the write lock is free", async || other.try_lock("servers").await.then_some(())).await;
    let refused = service.post("/api/v1/servers", &server("web-1")).await;
    let problem = refused.problem(503, "unavailable");
    assert!(refused.header("retry-after").parse::<u32>().is_ok(), "{refused:?}");
    let request_id = problem["request_id"].as_str().unwrap();
    assert_eq!(refused.header("x-request-id"), request_id);
    let log = service.log();
    let line = log.lines().find(|line| line.contains(request_id) && line.contains("a request failed"));
    assert!(line.is_some_and(|line| line.contains("database is locked")), "{log}");
    assert!(!refused.body.contains("locked"), "{refused:?}");
    assert_eq!(service.get("/api/v1/servers").await.json()["total"], 0);
    other.unlock().await;
    assert_eq!(service.post("/api/v1/servers", &server("web-1")).await.status, 201);
    other.close().await;
    service.stop().await;
}

/// Somebody else gets a lock that no open transaction lets him have, and nobody holds one for long.
async fn no_transaction_is_open(service: &Service) {
    let mut other = service.database().await;
    for table in ["servers", "event_log"] {
        eventually("no transaction is open", async || other.try_lock(table).await.then_some(())).await;
        other.unlock().await;
    }
    other.close().await;
}

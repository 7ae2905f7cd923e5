//! Events that were not taken, and those who hand them over: through the API, from the command line, in several processes.

use std::collections::HashSet;
use std::process::Output;

use futures_util::future::join_all;
use serde_json::{Value, json};
use servertree_tests::{DEADLINE, HELD, HOLD, Program, REFUSE, Service, command, eventually, server};
use tempfile::NamedTempFile;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

const DEAD: &str = r#"{"deliveries.state":{"eq":"dead"}}"#;

/// A service whose probe refuses, and gives up at the second attempt.
async fn refusing() -> Service {
    let service = Service::probed().set("events.max_attempts", "2").start().await;
    std::fs::write(service.folder().join(REFUSE), "").unwrap();
    service
}

fn mend(service: &Service) {
    std::fs::remove_file(service.folder().join(REFUSE)).unwrap();
}

/// Registers a server that is refused, and changes it; answers the event that is dead.
async fn dead_event(service: &Service, name: &str) -> Value {
    let created = service.post("/api/v1/servers", &server(name)).await.json();
    let path = format!("/api/v1/servers/{}", created["id"].as_str().unwrap());
    let changed = service.put(&format!("{path}/status"), &json!({"status": "running"})).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    let dead =
        format!("/api/v1/events?filter={{\"subject\":{{\"eq\":{}}}}}&and_filter=[{DEAD}]", created["id"]);
    eventually("it is dead", async || {
        let page = service.get(&dead).await;
        assert_eq!(page.status, 200, "{page:?}");
        page.json()["items"].as_array().unwrap().first().cloned()
    })
    .await
}

fn run(service: &Service, arguments: &[&str]) -> Output {
    command(Program::Probe, service.folder()).args(arguments).output().unwrap()
}

fn said(service: &Service, arguments: &[&str]) -> String {
    let output = run(service, arguments);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn path_of(event: &Value) -> String {
    format!("/api/v1/events/{}", event["id"].as_str().unwrap())
}

/// What the probe was delivered of this object: the names of the events, in order.
async fn delivered_of(service: &Service, subject: &Value) -> Vec<String> {
    let delivered = service.delivered().await.into_iter();
    delivered.filter(|event| *subject == json!(event.subject)).map(|event| event.event_type).collect()
}

#[tokio::test]
async fn what_was_not_taken_is_resubmitted() {
    let service = refusing().await;
    let event = dead_event(&service, "refused-1").await;
    let path = path_of(&event);
    let found = service.get(&path).await.json();
    assert_eq!(found["type"], "server.registered");
    let probe =
        found["deliveries"].as_array().unwrap().iter().find(|one| one["subscriber"] == "probe.everything");
    let probe = probe.unwrap();
    assert_eq!((&probe["state"], &probe["attempts"]), (&json!("dead"), &json!(2)));
    assert!(probe["last_error"].as_str().unwrap().contains("told to refuse"), "{probe}");

    mend(&service);
    let other = service.post(&format!("{path}/resubmit"), &json!({"subscriber": "test.other"})).await;
    other.problem(409, "event_not_undelivered");
    let answer = service.send(service.request("POST", &format!("{path}/resubmit"))).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"resubmitted": 1})), "{answer:?}");
    assert_eq!(
        delivered_of(&service, &event["subject"]).await,
        ["server.registered", "server.status.changed"],
        "what it held back comes after it"
    );
    for what in ["resubmit", "discard"] {
        let again = service.post(&format!("{path}/{what}"), &json!({"reason": "test"})).await;
        let status = if what == "resubmit" { 422 } else { 409 };
        assert_eq!(again.status, status, "{what}: {again:?}");
    }
    service.kill().await;
}

#[tokio::test]
async fn what_was_not_taken_is_discarded() {
    let service = refusing().await;
    let event = dead_event(&service, "refused-1").await;
    let discard = format!("{}/discard", path_of(&event));
    for body in [json!({}), json!({"reason": " "}), json!({"reason": "x".repeat(1001)})] {
        let answer = service.post(&discard, &body).await;
        answer.problem(422, "invalid_fields");
        assert_eq!(answer.fields_at_fault(), ["reason"]);
    }
    let answer = service.post(&discard, &json!({"reason": "removed by hand"})).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"discarded": 1})), "{answer:?}");
    assert_eq!(delivered_of(&service, &event["subject"]).await, ["server.status.changed"]);
    let found = service.get(&path_of(&event)).await.json();
    let discarded = found["deliveries"].as_array().unwrap().iter().find(|one| one["state"] == "discarded");
    let discarded = &discarded.unwrap()["discarded"];
    assert_eq!((&discarded["actor"], &discarded["reason"]), (&json!("admin"), &json!("removed by hand")));
    service.post(&discard, &json!({"reason": "again"})).await.problem(409, "event_not_undelivered");
    let unknown = "/api/v1/events/019a9f3c-7c1e-7b52-9d3a-2f6c1d0e4b11";
    service.get(unknown).await.problem(404, "not_found");
    service.post(&format!("{unknown}/discard"), &json!({"reason": "test"})).await.problem(404, "not_found");
    service.kill().await;
}

#[tokio::test]
async fn dead_ones_are_resubmitted_together() {
    let service = refusing().await;
    let (one, other) = (dead_event(&service, "refused-1").await, dead_event(&service, "refused-2").await);
    mend(&service);
    let of_one = json!({"filter": {"subject": {"eq": one["subject"]}}});
    let answer = service.post("/api/v1/events/resubmit", &of_one).await;
    assert_eq!(answer.json(), json!({"resubmitted": 1, "more": false, "last": one["id"]}), "{answer:?}");
    let after_all = json!({"filter": {}, "after": other["id"]});
    let answer = service.post("/api/v1/events/resubmit", &after_all).await;
    assert_eq!(answer.json(), json!({"resubmitted": 0, "more": false, "last": null}), "{answer:?}");
    let answer = service.post("/api/v1/events/resubmit", &json!({"filter": {}})).await;
    assert_eq!(answer.json(), json!({"resubmitted": 1, "more": false, "last": other["id"]}), "{answer:?}");
    for event in [one, other] {
        assert_eq!(delivered_of(&service, &event["subject"]).await.len(), 2);
    }
    let faulty = service.post("/api/v1/events/resubmit", &json!({"filter": {"nonsense": {"eq": 1}}})).await;
    faulty.problem(422, "invalid_fields");
    service.kill().await;
}

#[tokio::test]
async fn it_is_seen_to_from_the_command_line() {
    let service = refusing().await;
    let (one, other) = (dead_event(&service, "refused-1").await, dead_event(&service, "refused-2").await);
    let id = |event: &Value| event["id"].as_str().unwrap().to_owned();
    let listed = said(&service, &["events", "list", "--state", "dead", "--subscriber", "probe.everything"]);
    for part in [id(&one).as_str(), id(&other).as_str(), "server.registered", "told to refuse"] {
        assert!(listed.contains(part), "{part} is not in {listed}");
    }
    assert_eq!(listed.lines().count(), 3, "{listed}");
    let (long_ago, subject) = ("2020-01-31T10:00:00Z", one["subject"].as_str().unwrap());
    for (narrowed_down, expected) in [
        (["--type", "nothing.happened"], 0),
        (["--subject", subject], 1),
        (["--context", "server"], 2),
        (["--context", "application"], 0),
        (["--since", long_ago], 2),
        (["--until", long_ago], 0),
    ] {
        let arguments = [&["events", "list", "--state", "dead"], narrowed_down.as_slice()].concat();
        let listed = said(&service, &arguments);
        assert_eq!(listed.lines().count(), 1 + expected, "{arguments:?}: {listed}");
        let (resubmit, nothing) = (["events", "resubmit", "--all-dead"], "0 deliveries were resubmitted.\n");
        if expected == 0 {
            assert_eq!(said(&service, &[&resubmit, narrowed_down.as_slice()].concat()), nothing);
        }
    }
    let shown: Value = serde_json::from_str(&said(&service, &["events", "show", &id(&one)])).unwrap();
    assert_eq!((&shown["id"], &shown["data"]["name"]), (&one["id"], &json!("refused-1")));
    assert!(shown["deliveries"].to_string().contains("told to refuse"), "{shown}");

    let discarded = said(&service, &["events", "discard", &id(&one), "--reason", "removed by hand"]);
    assert_eq!(discarded, "1 delivery was discarded.\n");
    mend(&service);
    assert_eq!(said(&service, &["events", "resubmit", "--all-dead"]), "1 delivery was resubmitted.\n");
    // The service was not told: it looks by itself.
    assert_eq!(delivered_of(&service, &one["subject"]).await, ["server.status.changed"]);
    assert_eq!(delivered_of(&service, &other["subject"]).await.len(), 2);
    let found = service.get(&path_of(&one)).await.body;
    assert!(found.contains(r#""actor":"local-operator""#), "{found}");

    for (arguments, expected) in [
        (vec!["events", "resubmit", &id(&one)], "nothing of event"),
        (vec!["events", "resubmit"], "--all-dead"),
        (vec!["events", "resubmit", &id(&one), "--context", "server"], "cannot be used with"),
        (
            vec!["events", "show", "019a9f3c-7c1e-7b52-9d3a-2f6c1d0e4b11"],
            "019a9f3c-7c1e-7b52-9d3a-2f6c1d0e4b11",
        ),
        (vec!["events", "list", "--since", "yesterday"], "--since"),
        (vec!["events", "list", "--subject", "nonsense"], "--subject"),
        (vec!["events", "discard", &id(&one)], "--reason"),
        (vec!["events", "discard", "nonsense", "--reason", "test"], "UUID"),
        (vec!["projections", "rebuild", "nonsense"], "there is no projection 'nonsense'"),
    ] {
        let refused = run(&service, &arguments);
        let error = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
    service.kill().await;
}

/// A subscriber that no program has any more is not served for ever.
#[tokio::test]
async fn a_subscriber_that_is_no_more_is_retired() {
    let service = refusing().await;
    dead_event(&service, "refused-1").await;
    let listed = said(&service, &["events", "subscribers"]);
    assert!(listed.contains("probe.everything") && listed.contains("server.applications"), "{listed}");
    for (name, expected) in [
        ("probe.everything", "is a subscriber of this program"),
        ("nobody", "probe.everything, server.applications"),
    ] {
        let refused = run(&service, &["events", "retire", name]);
        let error = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(2), "{name}: {error}");
        assert!(error.contains(expected), "{name}: {error}");
    }
    // The same program, but for the probe.
    let retire = command(Program::Servertree, service.folder())
        .args(["events", "retire", "probe.everything"])
        .output();
    let retired = String::from_utf8(retire.unwrap().stdout).unwrap();
    assert!(retired.starts_with("'probe.everything' was retired, with "), "{retired}");
    assert!(!said(&service, &["events", "subscribers"]).contains("probe.everything"));
    let left = service.get(&format!("/api/v1/events?filter={DEAD}")).await.json();
    assert_eq!(left["items"], json!([]));
    service.kill().await;
}

/// A worker on the database of the service in a folder.
struct Worker {
    child: Child,
    log: NamedTempFile,
}

impl Worker {
    async fn start(service: &Service) -> Self {
        let log = NamedTempFile::new().unwrap();
        let mut child = Command::from(command(Program::Probe, service.folder()))
            .arg("worker")
            .env("SERVERTREE_EVENTS__LEASE", "2")
            .stdout(std::process::Stdio::piped())
            .stderr(log.reopen().unwrap())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut said = String::new();
        let all = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                said += &line;
                if line.starts_with("Stop with") {
                    break;
                }
            }
        };
        tokio::time::timeout(DEADLINE, all).await.unwrap();
        assert!(said.contains("a worker") && !said.contains("http://"), "{said}");
        Self { child, log }
    }

    /// What it logged so far.
    fn log(&self) -> String {
        std::fs::read_to_string(self.log.path()).unwrap()
    }

    fn signal(&self, name: &str) {
        let process = self.child.id().unwrap();
        let kill = std::process::Command::new("sh").args(["-c", &format!("kill -{name} {process}")]).status();
        assert!(kill.unwrap().success());
    }

    async fn ended(mut self) -> std::process::ExitStatus {
        tokio::time::timeout(DEADLINE, self.child.wait()).await.unwrap().unwrap()
    }
}

/// Registers so many servers at once.
async fn register(service: &Service, name: &str, count: usize) {
    let paths = join_all((0..count).map(|number| async move {
        service.post("/api/v1/servers", &server(&format!("{name}-{number}"))).await.status
    }));
    assert!(paths.await.into_iter().all(|status| status == 201));
}

async fn each_was_delivered_once(service: &Service, count: usize) {
    let delivered = service.delivered_of("server.").await;
    let once: HashSet<_> = delivered.iter().map(|event| event.event_id).collect();
    assert_eq!((delivered.len(), once.len()), (count, count));
}

/// Whichever of them does it, it is done once; one that is killed is replaced by the other.
#[tokio::test(flavor = "multi_thread")]
async fn workers_share_the_work() {
    let service = Service::probed().set("events.lease", "2").start().await;
    let (killed, stopped) = (Worker::start(&service).await, Worker::start(&service).await);
    register(&service, "first", 30).await;
    let writes = register(&service, "second", 30);
    let kill = async { killed.signal("KILL") };
    tokio::join!(writes, kill);
    each_was_delivered_once(&service, 60).await;
    assert!(!killed.ended().await.success());
    stopped.signal("TERM");
    assert_eq!(stopped.ended().await.code(), Some(0));
    service.stop().await;
}

/// One that slept past its lease, in the middle of its work, settles nothing any more: others have done it.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_slept_marks_nothing() {
    // The service itself has no probe: the workers alone take its events.
    let own = r#"["application","authorization","server"]"#;
    let service = Service::probed().set("events.lease", "2").set("contexts.enabled", own).start().await;
    let (hold, held) = (service.folder().join(HOLD), service.folder().join(HELD));
    std::fs::write(&hold, "").unwrap();
    let sleeper = Worker::start(&service).await;
    register(&service, "web", 20).await;
    eventually("it has some events", async || held.exists().then_some(())).await;
    sleeper.signal("STOP");
    std::fs::remove_file(&hold).unwrap();

    let other = Worker::start(&service).await;
    let mut database = service.database().await;
    eventually("the other one has taken all over", async || {
        let undispatched = "SELECT COUNT(*) FROM event_log WHERE dispatched_at IS NULL";
        let open = "SELECT COUNT(*) FROM event_deliveries WHERE settled_at IS NULL";
        let left = database.count(undispatched).await + database.count(open).await;
        (left == 0).then_some(())
    })
    .await;
    let of_servers = "SELECT COUNT(*) FROM probe_delivered WHERE type LIKE 'server.%'";
    assert_eq!(database.count(of_servers).await, 20);
    let settled = "SELECT MAX(settled_at) FROM event_deliveries WHERE subscriber = 'probe.everything'";
    let settled_before = database.count(settled).await;
    sleeper.signal("CONT");
    // By the fence, or by what was written down as taken: whichever it comes to first.
    let late = ["somebody else has taken over", "some events were taken before"];
    eventually("it knows that it was late", async || {
        late.iter().any(|late| sleeper.log().contains(late)).then_some(())
    })
    .await;
    for worker in [sleeper, other] {
        worker.signal("TERM");
        assert_eq!(worker.ended().await.code(), Some(0));
    }
    assert_eq!(database.count(settled).await, settled_before, "settled once more");
    let twice = "SELECT COUNT(*) - COUNT(DISTINCT event_id) FROM probe_delivered";
    assert_eq!(database.count(twice).await, 0, "taken twice");
    database.close().await;
    service.stop().await;
}

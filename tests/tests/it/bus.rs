//! Events by way of a broker: what other services hear, what is heard of theirs, and what becomes of what makes no sense.

use lapin::options::BasicPublishOptions;
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Confirmation};
use serde_json::{Value, json};
use servertree_tests::{
    Delivered, Heard, Network, Program, Proxy, Service, VirtualHost, command, eventually, server,
    tls_authority, with_broker,
};

/// A service that publishes to a broker.
async fn publishing(broker: &VirtualHost) -> Service {
    Service::probed().set("bus.url", &broker.url()).start().await
}

/// Another service, which has no servers and applications of its own: its probe takes events of those, by way of the broker.
async fn listening(broker: &VirtualHost) -> Service {
    let listening = Service::probed().set("contexts.enabled", r#"["probe","authorization"]"#);
    listening.set("bus.url", &broker.url()).start().await
}

/// Registers some servers, and modifies each of them twice.
async fn write(service: &Service, name: &str, count: usize) {
    for number in 0..count {
        let mut body = server(&format!("{name}-{number}"));
        let created = service.post("/api/v1/servers", &body).await;
        assert_eq!(created.status, 201, "{created:?}");
        for cores in [8, 16] {
            body["cpu_cores"] = json!(cores);
            let modified = service.put(created.header("location"), &body).await;
            assert_eq!(modified.status, 200, "{modified:?}");
        }
    }
}

/// What the probe takes there, once that many events of servers arrived.
async fn arrived(service: &Service, count: usize) -> Vec<Delivered> {
    eventually("the events of the other service arrive", async || {
        let delivered = service.delivered_of("server.").await;
        (delivered.len() >= count).then_some(delivered)
    })
    .await
}

async fn heard(hearer: &servertree_tests::Hearer, count: usize) -> Vec<Heard> {
    eventually("the events are heard", async || {
        let heard = hearer.heard();
        (heard.len() >= count).then_some(heard)
    })
    .await
}

/// Puts a message into an exchange, or by its name into a queue, with properties that would be in the way if it were only passed on.
async fn send(channel: &Channel, exchange: &str, key: &str, body: &[u8]) {
    let copies = AMQPValue::FieldArray(vec![AMQPValue::LongString("elsewhere".into())].into());
    let mut headers = FieldTable::default();
    headers.insert("CC".into(), copies);
    headers.insert("x-large".into(), AMQPValue::LongString("x".repeat(100_000).into()));
    let properties = BasicProperties::default()
        .with_user_id("servertree_test".into())
        .with_expiration("600000".into())
        .with_headers(headers);
    let options = BasicPublishOptions::default();
    let sent = channel.basic_publish(exchange.into(), key.into(), options, body, properties).await;
    assert!(matches!(sent.unwrap().await.unwrap(), Confirmation::NotRequested));
}

#[tokio::test]
async fn whoever_is_bound_hears_each_event_once_and_in_order() {
    let Some(broker) = with_broker().await else { return };
    let hearer = broker.hearer(&["server"]).await;
    let service = publishing(&broker).await;
    // Beside events that nobody is bound for.
    let password = service.first_password();
    let others = async {
        for _ in 0..10 {
            service.log_in("admin", &password).await;
        }
    };
    tokio::join!(write(&service, "web", 5), others);
    let heard = heard(&hearer, 15).await;
    let here = service.delivered_of("server.").await;
    let of_here: Vec<_> = here.iter().map(|event| event.event_id).collect();
    assert_eq!(heard.len(), 15);
    for event in &heard {
        assert!(of_here.contains(&event.id), "{event:?} did not happen");
        let of_subject = heard.iter().filter(|other| other.subject == event.subject);
        let revisions: Vec<u64> = of_subject.map(|event| event.revision).collect();
        assert_eq!(revisions, [1, 2, 3]);
    }
    assert_eq!(hearer.count(), 15, "each came once");
    let log = service.log();
    assert!(log.contains("nobody hears of them") && !log.contains("they wait"), "{log}");
    let ready = service.get("/health/ready").await.json();
    assert_eq!(ready["dependencies"]["bus"], "ready");
    service.stop().await;
}

/// What is said of a message in its properties, and that it is a CloudEvent: as a program in another language sees it.
#[tokio::test]
async fn a_consumer_in_python_gets_each_event() {
    let Some(broker) = with_broker().await else { return };
    let service = publishing(&broker).await;
    let script = "
import json, os, pika, sys
connection = pika.BlockingConnection(pika.URLParameters(os.environ['AMQP_URL']))
channel = connection.channel()
channel.queue_declare('python', durable=True)
channel.queue_bind('python', 'server.domain_events', 'server.#')
print('bound', flush=True)
for method, properties, body in channel.consume('python', inactivity_timeout=60):
    event = json.loads(body)
    print(json.dumps([method.exchange, method.routing_key, method.redelivered, properties.content_type, properties.delivery_mode,
                      properties.message_id == event['id'], properties.type == event['type'], properties.app_id,
                      event['specversion'], event['source'], event['type'], event['revision']]), flush=True)
    channel.basic_ack(method.delivery_tag)
    if event['revision'] == 3:
        break
connection.close()
";
    let mut python = std::process::Command::new(python());
    python.args(["-c", script]).env("AMQP_URL", broker.url()).stdout(std::process::Stdio::piped());
    let mut python = python.spawn().unwrap();
    eventually("Python is bound", async || {
        broker.queues().await.contains(&"python".to_owned()).then_some(())
    })
    .await;
    write(&service, "web", 1).await;
    let output = tokio::task::spawn_blocking(move || {
        let mut said = String::new();
        std::io::Read::read_to_string(&mut python.stdout.take().unwrap(), &mut said).unwrap();
        assert!(python.wait().unwrap().success(), "{said}");
        said
    });
    let said = output.await.unwrap();
    let expected = |name: &str, revision: u64| {
        json!([
            "server.domain_events",
            name,
            false,
            "application/cloudevents+json",
            2,
            true,
            true,
            "servertree",
            "1.0",
            "/servertree/server",
            name,
            revision
        ])
    };
    let lines: Vec<Value> = said.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        lines,
        [expected("server.registered", 1), expected("server.modified", 2), expected("server.modified", 3)]
    );
    service.stop().await;
}

/// One that has pika: what `scripts/test` installs is for the system's own.
fn python() -> &'static str {
    let has_pika = |python: &&str| {
        let mut look = std::process::Command::new(python);
        look.args(["-c", "import pika"]).stderr(std::process::Stdio::null());
        look.status().is_ok_and(|status| status.success())
    };
    ["python3", "/usr/bin/python3"]
        .into_iter()
        .find(has_pika)
        .expect("a Python with pika: Debian's python3-pika")
}

#[tokio::test]
async fn another_service_takes_each_event_once_and_in_order() {
    let Some(broker) = with_broker().await else { return };
    let here = publishing(&broker).await;
    let there = listening(&broker).await;
    let queues = broker.queues().await;
    assert!(queues.contains(&"servertree.probe".to_owned()), "{queues:?}");
    assert!(queues.contains(&"servertree.probe.dead_letters".to_owned()), "{queues:?}");
    write(&here, "web", 20).await;
    let arrived = arrived(&there, 60).await;
    assert_eq!(arrived.len(), 60);
    for event in &arrived {
        let of_subject = arrived.iter().filter(|other| other.subject == event.subject);
        assert_eq!(of_subject.map(|event| event.revision).collect::<Vec<_>>(), [1, 2, 3]);
    }
    // What came from elsewhere is shown as what happened here, and not published again.
    let listed = there.get("/api/v1/events?limit=500").await.json();
    let deliveries = |of: &str| -> Vec<Value> {
        let events = listed["items"].as_array().unwrap().iter();
        let of = events.filter(|event| event["type"].as_str().unwrap().starts_with(of));
        of.flat_map(|event| event["deliveries"].as_array().unwrap().clone()).collect()
    };
    let to_bus = |delivery: &&Value| delivery["subscriber"] == "bus.publisher";
    assert_eq!(deliveries("server.").iter().filter(to_bus).count(), 0);
    assert_ne!(deliveries("session.").iter().filter(to_bus).count(), 0);
    // The same once more is taken for what it is.
    let again =
        here.get("/api/v1/events?limit=1&filter={\"type\":{\"eq\":\"server.registered\"}}").await.json();
    let mut again = again["items"][0].clone();
    again.as_object_mut().unwrap().remove("deliveries");
    let (_connection, channel) = broker.channel().await;
    for _ in 0..3 {
        send(&channel, "", "servertree.probe", again.to_string().as_bytes()).await;
    }
    write(&here, "db", 1).await;
    assert_eq!(self::arrived(&there, 63).await.len(), 63);
    here.stop().await;
    there.stop().await;
}

#[tokio::test]
async fn what_makes_no_sense_is_set_aside_with_its_reason() {
    let Some(broker) = with_broker().await else { return };
    let here = publishing(&broker).await;
    let there = listening(&broker).await;
    write(&here, "web", 1).await;
    let first = arrived(&there, 3).await.remove(0);
    let event = |changes: &[(&str, Value)]| {
        let mut event = json!({
            "specversion": "1.0", "id": "01a202ca-6279-7676-bb03-c0a8829e0001", "source": "/servertree/server",
            "type": "server.registered", "subject": first.subject, "time": "2026-01-31T10:00:00Z",
            "datacontenttype": "application/json", "revision": 1, "sequence": 0, "schemaversion": 1,
            "actor": "somebody", "requestid": "a-test", "data": {"name": "web"}
        });
        for (field, value) in changes {
            event[*field] = value.clone();
        }
        event.to_string().into_bytes()
    };
    let (_connection, channel) = broker.channel().await;
    let bad = [
        (b"not even JSON".to_vec(), "no CloudEvent"),
        (event(&[("subject", json!("web-1"))]), "no CloudEvent"),
        (event(&[("specversion", json!("0.3"))]), "version '0.3'"),
        (event(&[("type", json!("server.exploded"))]), "'server.exploded' are not taken here"),
        (event(&[("type", json!("user.created"))]), "'user.created' are not taken here"),
        // Poison: another event has its place already, and no attempt will change that.
        (event(&[]), "another event has the same subject, revision and sequence"),
        (vec![b'x'; 17 * 1024 * 1024], "17825792 bytes long"),
    ];
    for (body, _) in &bad {
        send(&channel, "", "servertree.probe", body).await;
    }
    write(&here, "db", 1).await;
    assert_eq!(arrived(&there, 6).await.len(), 6, "the queue moves on");
    let options = lapin::options::BasicGetOptions { no_ack: true };
    let mut found = Vec::new();
    for _ in &bad {
        let queue = "servertree.probe.dead_letters";
        let message =
            eventually("it is set aside", async || channel.basic_get(queue.into(), options).await.unwrap())
                .await;
        let headers: &FieldTable = message.delivery.properties.headers().as_ref().unwrap();
        let reason =
            headers.inner().get("x-servertree-reason").unwrap().as_long_string().unwrap().to_string();
        found.push((message.delivery.data.len(), reason));
    }
    for (body, reason) in &bad {
        let is_there = found.iter().any(|(length, found)| *length == body.len() && found.contains(reason));
        assert!(is_there, "{reason} is not among {found:?}");
    }
    let log = there.log();
    assert_eq!(log.matches("a message was set aside").count(), bad.len(), "{log}");
    let metrics = there.get("/metrics").await.body;
    assert!(metrics.contains(&format!("servertree_bus_set_aside_total{{context=\"probe\"}} {}", bad.len())));
    here.stop().await;
    there.stop().await;
}

/// Whoever set it up wrongly is told so at once, and what to do.
#[tokio::test]
async fn a_broker_that_refuses_stops_the_start() {
    let Some(broker) = with_broker().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let start = async |settings: &[(&str, &str)]| {
        let mut start = command(Program::Servertree, folder.path());
        for (key, value) in settings {
            start.env(format!("SERVERTREE_{}", key.to_uppercase().replace('.', "__")), value);
        }
        let output = tokio::task::spawn_blocking(move || start.output().unwrap()).await.unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let url = broker.url();
    let (scheme_and_credentials, place) = url.rsplit_once('@').unwrap();
    let wrong_password = format!("amqp://servertree_test:wrong-secret@{place}");
    let wrong_host = format!("{url}-that-is-not-there");
    let other = Service::builder().embedded().start().await;
    let http = format!("{scheme_and_credentials}@{}", other.address());
    let ours = "^(servertree\\..*|.*\\.domain_events)$";
    let mut cases = vec![
        (wrong_password, "does not let this user in", "Check user and password"),
        (wrong_host, "does not let this user into its virtual host", "rabbitmqctl add_vhost"),
        (broker.url_as(["^$", ours, ours]).await, "lacks a right", "rabbitmqctl set_permissions"),
        (broker.url_as([ours, "^$", ours]).await, "lacks a right", "rabbitmqctl set_permissions"),
        (broker.url_as([ours, ours, "^$"]).await, "lacks a right", "rabbitmqctl set_permissions"),
        (http, "is no broker", "Check host and port"),
        ("http://mq".to_owned(), "bus.url (from the environment", "must begin with amqp:// or amqps://"),
    ];
    if tls_authority().is_some() {
        // The authority of the tests is none of the machine's.
        cases.push((broker.url_with_tls("localhost"), "cannot be trusted", "bus.ca"));
    }
    for (url, fault, remedy) in cases {
        let (status, said) = start(&[("bus.url", &url)]).await;
        assert_eq!(status, Some(2), "{url}: {said}");
        assert!(said.contains(fault) && said.contains(remedy), "{url}: {said}");
        assert!(!said.contains("wrong-secret") && !said.contains("secret-of-a-test"), "{said}");
    }
    let (status, said) =
        start(&[("bus.url", &broker.url_with_tls("localhost")), ("bus.ca", "nowhere.pem")]).await;
    assert!(status == Some(2) && said.contains("bus.ca: the file nowhere.pem cannot be used"), "{said}");
    // The rights that are asked for are enough.
    let service = Service::builder().set("bus.url", &broker.url_as([ours; 3]).await).start().await;
    service.stop().await;
}

#[tokio::test]
async fn a_broker_that_is_trusted_is_spoken_to_with_tls() {
    let (Some(broker), Some(authority)) = (with_broker().await, tls_authority()) else { return };
    let hearer = broker.hearer(&["server"]).await;
    let url = broker.url_with_tls("localhost");
    let service = Service::builder().set("bus.url", &url).set("bus.ca", &authority).start().await;
    write(&service, "web", 1).await;
    assert_eq!(heard(&hearer, 3).await.len(), 3);
    service.stop().await;
}

#[tokio::test]
async fn a_broker_that_is_away_at_the_start_is_connected_to_later() {
    let Some(broker) = with_broker().await else { return };
    let hearer = broker.hearer(&["server", "session"]).await;
    let place = broker.url().rsplit_once('@').unwrap().1.split('/').next().unwrap().to_owned();
    let proxy = Proxy::to(&place).await;
    proxy.is(Network::Down);
    let service = Service::builder().set("bus.url", &broker.url_by(&proxy.address())).start().await;
    write(&service, "web", 2).await;
    let ready = service.get("/health/ready").await;
    assert_eq!(ready.status, 200);
    assert_eq!(ready.json()["dependencies"]["bus"], "degraded");
    assert_eq!(hearer.count(), 0);
    proxy.is(Network::Up);
    assert_eq!(heard(&hearer, 7).await.len(), 7);
    eventually("it is ready", async || {
        let ready = service.get("/health/ready").await.json();
        (ready["dependencies"]["bus"] == "ready").then_some(())
    })
    .await;
    service.stop().await;
}

/// What happened before there was a broker is told where it is asked for, as is what happened since, for those who lost it.
#[tokio::test]
async fn the_past_is_published_when_it_is_asked_for() {
    let Some(broker) = with_broker().await else { return };
    let hearer = broker.hearer(&["server"]).await;
    let service = Service::builder().without_bus().start().await;
    write(&service, "old", 1).await;
    let republish = async |service: &Service, arguments: &[&str]| {
        let mut command = command(Program::Servertree, service.folder());
        command.args(["events", "republish"]).args(arguments);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (status, _, fault) = republish(&service, &["--all"]).await;
    assert!(status == Some(2) && fault.contains("events are published nowhere"), "{fault}");
    let service = service.stop().await.set("bus.url", &broker.url()).start().await;
    write(&service, "new", 1).await;
    assert_eq!(heard(&hearer, 3).await.len(), 3, "the past is not told unasked");
    let (status, _, fault) = republish(&service, &[]).await;
    assert!(status == Some(2) && fault.contains("say which events"), "{fault}");
    let done = republish(&service, &["--context", "server"]).await;
    assert_eq!((done.0, done.1.as_str()), (Some(0), "6 events are published again.\n"), "{}", done.2);
    let heard = heard(&hearer, 6).await;
    eventually("those of before come again", async || (hearer.count() == 9).then_some(())).await;
    assert_eq!(heard[3..].iter().map(|event| event.revision).collect::<Vec<_>>(), [1, 2, 3]);
    service.stop().await;
}

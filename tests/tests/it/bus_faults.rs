//! What goes wrong at the broker, and on the way to it: nothing is lost, nothing is done twice, and nothing is told out of order.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::json;
use servertree_tests::{
    Delivered, Engine, Network, PrivateServer, Program, Proxy, Service, VirtualHost, command, eventually,
    only_on, scale, server, with_broker,
};
use tokio::sync::watch;
use uuid::Uuid;

/// Two services, with a broker of their own, and a network in between that can fail.
struct Topology {
    broker: PrivateServer,
    proxy: Proxy,
    here: Service,
    there: Service,
}

impl Topology {
    async fn start() -> Self {
        let broker = PrivateServer::start("rabbitmq").await;
        let virtual_host = VirtualHost::at(broker.url()).await;
        let proxy = Proxy::to(&broker.address()).await;
        let url = virtual_host.url_by(&proxy.address());
        let here = Service::probed().set("bus.url", &url).start().await;
        let there = Service::probed().set("contexts.enabled", r#"["probe","authorization"]"#);
        let there = there.set("bus.url", &url).start().await;
        Self { broker, proxy, here, there }
    }

    /// Does this to the broker while there are writes, and again and again; then everything that happened here has to have arrived there.
    async fn survive(
        &mut self,
        what: &str,
        rounds: usize,
        mut harm: impl AsyncFnMut(&mut PrivateServer, &Proxy),
    ) {
        for round in 0..rounds {
            let (done, until) = watch::channel(false);
            let name = format!("{what}-{round}");
            let writing = write(&self.here, &name, until);
            let harming = async {
                harm(&mut self.broker, &self.proxy).await;
                // Through the harm, and beyond it: that it is over has to be found out.
                let before = published(&self.here).await;
                eventually("it publishes again", async || {
                    (published(&self.here).await > before).then_some(())
                })
                .await;
                done.send_replace(true);
            };
            tokio::join!(writing, harming);
        }
        check_all_arrived(&self.here, &self.there, true).await;
    }

    async fn stop(self) {
        self.here.stop().await;
        self.there.stop().await;
    }
}

/// Registers servers and modifies them, at least so many as are needed for a test to mean anything, and until it is told to end.
async fn write(service: &Service, name: &str, mut until: watch::Receiver<bool>) {
    for number in 0.. {
        let mut body = server(&format!("{name}-{number}"));
        let created = service.post("/api/v1/servers", &body).await;
        assert_eq!(created.status, 201, "{created:?}");
        body["cpu_cores"] = json!(16);
        let modified = service.put(created.header("location"), &body).await;
        assert_eq!(modified.status, 200, "{modified:?}");
        if number >= 50 && *until.borrow_and_update() {
            return;
        }
        // About a hundred events a second, so that a slow restart is no flood.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn published(service: &Service) -> u64 {
    metric(service, "servertree_bus_published_total").await
}

async fn memory(service: &Service) -> u64 {
    metric(service, "process_resident_memory_bytes").await
}

/// One without labels; 0 if there is none yet.
async fn metric(service: &Service, name: &str) -> u64 {
    let metrics = service.get("/metrics").await.body;
    let value = metrics.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    value.unwrap_or(0)
}

/// Every event of a server here was taken there, once, and those of each server in their order, if that can be.
async fn check_all_arrived(here: &Service, there: &Service, in_order: bool) {
    let happened = here.delivered_of("server.").await;
    let arrived = eventually("all events arrive", async || {
        let arrived = there.delivered_of("server.").await;
        (arrived.len() >= happened.len()).then_some(arrived)
    })
    .await;
    let sorted = |events: &[Delivered]| {
        let mut ids: Vec<Uuid> = events.iter().map(|event| event.event_id).collect();
        ids.sort_unstable();
        ids
    };
    assert!(sorted(&arrived) == sorted(&happened), "{} happened, {} arrived", happened.len(), arrived.len());
    let mut last: HashMap<Uuid, (i64, i64)> = HashMap::new();
    for event in &arrived {
        let place = (event.revision, event.sequence);
        let before = last.insert(event.subject, place);
        assert!(!in_order || before.is_none_or(|before| before < place), "{event:?} after {before:?}");
    }
    let dead = here.get("/api/v1/events?filter={\"deliveries.state\":{\"eq\":\"dead\"}}").await.json();
    assert_eq!(dead["total"], 0, "no event is dead for it: {dead}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_restarted_or_killed_loses_nothing() {
    if with_broker().await.is_none() {
        return;
    }
    let mut topology = Topology::start().await;
    let rounds = scale().div_ceil(2);
    topology
        .survive("restarted", rounds, async |broker, _| {
            broker.stop().await;
            broker.start_again().await;
        })
        .await;
    topology
        .survive("killed", rounds, async |broker, _| {
            broker.kill().await;
            broker.start_again().await;
        })
        .await;
    topology.stop().await;
}

/// Connections that are cut, and such that nobody says anything on any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_fails_loses_nothing() {
    if with_broker().await.is_none() {
        return;
    }
    let mut topology = Topology::start().await;
    let rounds = scale().div_ceil(4);
    topology
        .survive("cut", rounds, async |_, proxy| {
            proxy.is(Network::Down);
            tokio::time::sleep(Duration::from_millis(500)).await;
            proxy.is(Network::Up);
        })
        .await;
    for _ in 0..rounds {
        let here = &topology.here;
        let (done, until) = watch::channel(false);
        let silence = async {
            topology.proxy.is(Network::Silent);
            eventually("it is noticed", async || {
                let ready = here.get("/health/ready").await.json();
                (ready["dependencies"]["bus"] == "degraded").then_some(())
            })
            .await;
            topology.proxy.is(Network::Down);
            topology.proxy.is(Network::Up);
            done.send_replace(true);
        };
        tokio::join!(write(here, "silent", until), silence);
    }
    check_all_arrived(&topology.here, &topology.there, true).await;
    topology.stop().await;
}

/// Longer than any number of attempts at a delivery would last, and than lapin would try by itself.
#[tokio::test(flavor = "multi_thread")]
async fn an_outage_that_does_not_end_costs_no_attempt() {
    let Some(broker) = with_broker().await else { return };
    let hearer = broker.hearer(&["server"]).await;
    let place = broker.url().rsplit_once('@').unwrap().1.split('/').next().unwrap().to_owned();
    let proxy = Proxy::to(&place).await;
    let service = Service::probed().set("bus.url", &broker.url_by(&proxy.address()));
    let service = service.set("events.max_attempts", "2").start().await;
    proxy.is(Network::Down);
    let (done, until) = watch::channel(false);
    done.send_replace(true);
    write(&service, "outage", until).await;
    eventually("it tried some times", async || {
        // Logged at the 1st, 2nd, 4th and 8th of them.
        (service.log().matches("the broker is away").count() >= 3).then_some(())
    })
    .await;
    proxy.is(Network::Up);
    let expected = service.get("/api/v1/probe/delivered").await.json();
    let expected = expected.as_array().unwrap().iter();
    let expected =
        expected.filter(|event| event["event_type"].as_str().unwrap().starts_with("server.")).count();
    eventually("all is heard", async || (hearer.heard().len() >= expected.max(102)).then_some(())).await;
    service.delivered().await;
    service.stop().await;
}

/// A broker that is short of memory: the API goes on, and all is told once it is not any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_short_of_memory_stops_nobody() {
    if !only_on(Engine::MySql) || with_broker().await.is_none() {
        return;
    }
    let topology = Topology::start().await;
    let ready = async |expected: &str| {
        eventually("the state of the bus", async || {
            let ready = topology.here.get("/health/ready").await;
            assert_eq!(ready.status, 200);
            (ready.json()["dependencies"]["bus"] == expected).then_some(())
        })
        .await;
    };
    topology.broker.control(&["set_vm_memory_high_watermark", "0"]).await;
    let before = memory(&topology.here).await;
    let (done, until) = watch::channel(false);
    let alarm = async {
        // The broker says so to who publishes.
        ready("degraded").await;
        tokio::time::sleep(Duration::from_secs(6) * u32::try_from(scale()).unwrap()).await;
        done.send_replace(true);
    };
    tokio::join!(write(&topology.here, "alarm", until), alarm);
    let grown = memory(&topology.here).await.saturating_sub(before);
    assert!(grown < 64 * 1024 * 1024, "it keeps in memory what it cannot tell: {grown} bytes");
    topology.broker.control(&["set_vm_memory_high_watermark", "0.6"]).await;
    ready("ready").await;
    check_all_arrived(&topology.here, &topology.there, true).await;
    topology.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_at_the_broker_is_declared_again() {
    let Some(broker) = with_broker().await else { return };
    let here = Service::probed().set("bus.url", &broker.url()).start().await;
    let there = Service::probed().set("contexts.enabled", r#"["probe","authorization"]"#);
    let there = there.set("bus.url", &broker.url()).start().await;
    let queue = "servertree.probe";
    let mut is_in_order = true;
    for round in 0..scale() {
        for what in ["exchange", "binding", "queue"] {
            let (done, until) = watch::channel(false);
            let before = published(&here).await;
            let deleting = async {
                // Events of each name: who was never bound is not waited for.
                let enough = before + 20;
                eventually("it publishes", async || (published(&here).await > enough).then_some(())).await;
                match what {
                    "exchange" => broker.delete("exchanges", "server.domain_events").await,
                    "binding" => {
                        for event in ["server.registered", "server.modified"] {
                            broker.unbind("server.domain_events", queue, event).await;
                        }
                    }
                    _ => broker.delete("queues", queue).await,
                }
                done.send_replace(true);
            };
            let name = format!("{what}-{round}");
            tokio::join!(write(&here, &name, until), deleting);
            // What was in a queue is gone with it: that is said, and what to do.
            if what == "queue" {
                let advice = "servertree events republish";
                let reported = async || (there.log().matches(advice).count() > round).then_some(());
                eventually("it is reported", reported).await;
                let mut republish = command(Program::Probe, here.folder());
                republish.args(["events", "republish", "--context", "server"]);
                let republished =
                    tokio::task::spawn_blocking(move || republish.output().unwrap()).await.unwrap();
                assert!(republished.status.success(), "{republished:?}");
            }
            // What was in the queue comes after what was not.
            is_in_order &= what != "queue";
            check_all_arrived(&here, &there, is_in_order).await;
        }
    }
    here.stop().await;
    there.stop().await;
}

//! A cache that is away, slow or started again: nobody gets a wrong answer, or none.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use servertree_kernel::testkit::redis;
use servertree_tests::{
    Network, PrivateServer, Program, Proxy, Service, TestDatabase, command, eventually, scale, server,
    tls_authority,
};

/// Within so much a change is seen by the other replica: a second, and what a loaded machine takes more.
const SEEN_WITHIN: Duration = Duration::from_secs(10);

/// Two replicas that share a database and a cache, and the way to the cache.
struct Topology {
    cache: PrivateServer,
    proxy: Proxy,
    replicas: [Service; 2],
    _folder: tempfile::TempDir,
}

impl Topology {
    async fn start() -> Self {
        let cache = PrivateServer::start("redis").await;
        let proxy = Proxy::to(&cache.address()).await;
        let url = cache.url().replace(&cache.address(), &proxy.address());
        let folder = tempfile::tempdir().unwrap();
        let database = std::sync::Arc::new(TestDatabase::new(&folder.path().join("test.db")).await);
        let first = Service::builder().database(&database).set("cache.url", &url).start().await;
        let keys = first.data().join("keys");
        let second = Service::builder().database(&database).set("cache.url", &url).without_log_in();
        let second = second.set("secrets.keys", keys.to_str().unwrap()).start().await;
        Self { cache, proxy, replicas: [first, second], _folder: folder }
    }

    /// At either replica, as the administrator who logged in at the first.
    fn request(&self, replica: usize, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.replicas[replica].request_as(self.replicas[0].token(), method, path)
    }

    async fn states(&self) -> [String; 2] {
        let state = async |service: &Service| {
            let ready = service.send(service.anonymous("GET", "/health/ready")).await;
            assert_eq!(ready.status, 200);
            ready.json()["dependencies"]["cache"].as_str().unwrap().to_owned()
        };
        [state(&self.replicas[0]).await, state(&self.replicas[1]).await]
    }

    async fn is(&self, expected: &str) {
        let both = async || self.states().await.iter().all(|state| state == expected).then_some(());
        eventually("the state of the cache", both).await;
    }

    /// Changes servers and reads them, at either replica, until it is told to end: whoever wrote reads what they wrote, and the other
    /// replica shows it soon.
    async fn use_it(&self, name: &str, until: &AtomicBool) {
        let mut number = 0;
        while number < 5 || !until.load(Ordering::SeqCst) {
            let (here, there) = (number % 2, (number + 1) % 2);
            let replica = &self.replicas[here];
            let mut body = server(&format!("{name}-{number}"));
            let created = replica.send(self.request(here, "POST", "/api/v1/servers").json(&body)).await;
            assert_eq!(created.status, 201, "{created:?}");
            let path = created.header("location").to_owned();
            for cores in [2, 4, 8] {
                body["cpu_cores"] = json!(cores);
                let modified = replica.send(self.request(here, "PUT", &path).json(&body)).await;
                assert_eq!(modified.status, 200, "{modified:?}");
                let read = replica.send(self.request(here, "GET", &path)).await;
                assert_eq!((read.status, &read.json()["cpu_cores"]), (200, &json!(cores)), "{read:?}");
                self.sees(there, &path, &modified.json()).await;
            }
            number += 1;
        }
    }

    async fn sees(&self, replica: usize, path: &str, expected: &Value) {
        let began = tokio::time::Instant::now();
        loop {
            let read = self.replicas[replica].send(self.request(replica, "GET", path)).await;
            assert_eq!(read.status, 200, "{read:?}");
            if read.json() == *expected {
                return;
            }
            assert!(began.elapsed() < SEEN_WITHIN, "{} is not {expected}", read.body);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Uses it while this is done to the cache.
    async fn survives(&self, what: &str, harm: impl Future<Output = ()>) {
        let until = AtomicBool::new(false);
        let names: Vec<String> = (0..4).map(|client| format!("{what}-{client}")).collect();
        let using = join_all(names.iter().map(|name| self.use_it(name, &until)));
        let harming = async {
            harm.await;
            until.store(true, Ordering::SeqCst);
        };
        tokio::join!(using, harming);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_that_fails_is_the_reason_for_no_wrong_answer() {
    if redis().is_none() {
        return;
    }
    let mut topology = Topology::start().await;
    topology.is("ready").await;
    for round in 0..scale() {
        for network in [Network::Slow(Duration::from_secs(5)), Network::Silent, Network::Down] {
            let harm = async {
                topology.proxy.is(network);
                topology.is("degraded").await;
                topology.proxy.is(Network::Down);
                topology.proxy.is(Network::Up);
                topology.is("ready").await;
            };
            topology.survives(&format!("{network:?}-{round}").replace(['(', ')'], "-"), harm).await;
        }
        topology.cache.stop().await;
        topology.is("degraded").await;
        topology.survives(&format!("stopped-{round}"), async {}).await;
        topology.cache.start_again().await;
        topology.is("ready").await;
        topology.survives(&format!("started-{round}"), async {}).await;
        topology.cache.kill().await;
        topology.cache.start_again().await;
        topology.survives(&format!("killed-{round}"), topology.is("ready")).await;
    }
    for replica in topology.replicas {
        replica.stop().await;
    }
}

#[tokio::test]
async fn a_cache_that_refuses_stops_the_start() {
    let Some(url) = redis() else { return };
    let folder = tempfile::tempdir().unwrap();
    let start = async |url: &str| {
        let mut start = command(Program::Servertree, folder.path());
        start.env("SERVERTREE_CACHE__URL", url);
        let output = tokio::task::spawn_blocking(move || start.output().unwrap()).await.unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let wrong_password = url.replacen("servertree_test", "wrong-secret", 1);
    let no_password = url.replacen(":servertree_test@", "", 1);
    for (url, fault) in [
        (wrong_password.as_str(), "does not let this user in"),
        (no_password.as_str(), "does not let this user in"),
        ("http://127.0.0.1", "must begin with redis:// or rediss://"),
        ("redis://:secret@/0?x", "cache.url (SERVERTREE_CACHE__URL) is not understood"),
    ] {
        let (status, said) = start(url).await;
        assert_eq!(status, Some(2), "{url}: {said}");
        assert!(said.contains(fault) && !said.contains("secret"), "{url}: {said}");
    }
}

/// One that is away at the start is none, until it is there; and one with TLS is trusted when somebody vouches for it.
#[tokio::test]
async fn a_cache_is_used_as_soon_as_it_is_there() {
    let Some(url) = redis() else { return };
    let place = url.rsplit_once('@').unwrap().1.trim_end_matches('/').to_owned();
    let proxy = Proxy::to(&place).await;
    proxy.is(Network::Down);
    let service = Service::builder().set("cache.url", &url.replace(&place, &proxy.address())).start().await;
    let created = service.post("/api/v1/servers", &server("web-1")).await;
    assert_eq!(created.status, 201);
    let cache = async || service.get("/health/ready").await.json()["dependencies"]["cache"].clone();
    assert_eq!(cache().await, "degraded");
    proxy.is(Network::Up);
    eventually("it is used", async || (cache().await == "ready").then_some(())).await;
    for _ in 0..3 {
        assert_eq!(service.get(created.header("location")).await.status, 200);
    }
    let metrics = service.get("/metrics").await.body;
    assert!(metrics.contains("\nservertree_cache_connected 1\n"), "{metrics}");
    service.stop().await;
    let Some(authority) = tls_authority() else { return };
    let (host, port) = place.rsplit_once(':').unwrap();
    let port: u16 = port.parse().unwrap();
    let tls = url.replace("redis://", "rediss://").replace(&place, &format!("localhost:{}", port + 1));
    assert_eq!(host, "127.0.0.1");
    let service = Service::builder().set("cache.url", &tls).set("cache.ca", &authority).start().await;
    let cache = async || service.get("/health/ready").await.json()["dependencies"]["cache"].clone();
    eventually("it is used", async || (cache().await == "ready").then_some(())).await;
    service.stop().await;
}

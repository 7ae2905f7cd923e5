//! A broker as others see it: virtual hosts of tests, and who hears of events there.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicQosOptions, ExchangeDeclareOptions, QueueBindOptions,
    QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection, ConnectionProperties, ExchangeKind};
use reqwest::{Client, Method};
use serde::Deserialize;
use serde_json::{Value, json};
use servertree_kernel::clock::{IdGenerator, UuidV7Generator};
use servertree_kernel::testkit;
use tokio::task::JoinSet;
use uuid::Uuid;

fn unique() -> Uuid {
    UuidV7Generator.next()
}

/// The rights to everything.
const ALL: [&str; 3] = [".*", ".*", ".*"];

/// A virtual host of a test's own.
pub struct VirtualHost {
    /// Of the broker: `user:password@host:port`.
    authority: String,
    name: String,
    api: String,
    http: Client,
}

/// A virtual host of the broker of the run; where there is none, the test is left out.
pub async fn with_broker() -> Option<VirtualHost> {
    Some(VirtualHost::at(&testkit::broker()?).await)
}

impl VirtualHost {
    /// A new one at the broker with this URL, which is an administrator's.
    pub async fn at(url: &str) -> Self {
        let authority = url.trim_start_matches("amqp://").split('/').next().unwrap_or_default();
        let (credentials, place) = authority.rsplit_once('@').expect("user and password");
        let (host, port) = place.rsplit_once(':').expect("a port");
        let port: u16 = port.parse().expect("a port");
        let api = format!("http://{credentials}@{host}:{}/api", port + 10_000);
        let (name, http) = (format!("test-{}", unique()), Client::new());
        let virtual_host = Self { authority: authority.to_owned(), name, api, http };
        let user = credentials.split(':').next().unwrap_or_default();
        virtual_host.ask("PUT", "/vhosts/VHOST", &json!({})).await;
        virtual_host.permit(user, ALL).await;
        virtual_host
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("amqp://{}/{}", self.authority, self.name)
    }

    /// Its URL, by way of a proxy at this address.
    pub fn url_by(&self, address: &str) -> String {
        let (credentials, _) = self.authority.rsplit_once('@').expect("user and password");
        format!("amqp://{credentials}@{address}/{}", self.name)
    }

    /// Its URL with TLS, for this host.
    pub fn url_with_tls(&self, host: &str) -> String {
        let (credentials, place) = self.authority.rsplit_once('@').expect("user and password");
        let port: u16 = place.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        format!("amqps://{credentials}@{host}:{}/{}", port - 1, self.name)
    }

    /// Its URL, for another user of this virtual host with rights to configure, write and read what is named so.
    pub async fn url_as(&self, rights: [&str; 3]) -> String {
        let user = format!("user-{}", unique());
        let body = json!({"password": "secret-of-a-test", "tags": ""});
        self.ask("PUT", &format!("/users/{user}"), &body).await;
        self.permit(&user, rights).await;
        let (_, place) = self.authority.rsplit_once('@').expect("user and password");
        format!("amqp://{user}:secret-of-a-test@{place}/{}", self.name)
    }

    async fn permit(&self, user: &str, [configure, write, read]: [&str; 3]) {
        let rights = json!({"configure": configure, "write": write, "read": read});
        self.ask("PUT", &format!("/permissions/VHOST/{user}"), &rights).await;
    }

    /// Deletes something in it: `exchanges/server.domain_events`.
    pub async fn delete(&self, kind: &str, name: &str) {
        self.ask("DELETE", &format!("/{kind}/VHOST/{name}"), &Value::Null).await;
    }

    /// Deletes the binding of a queue.
    pub async fn unbind(&self, exchange: &str, queue: &str, key: &str) {
        self.ask("DELETE", &format!("/bindings/VHOST/e/{exchange}/q/{queue}/{key}"), &Value::Null).await;
    }

    /// The names of its queues.
    pub async fn queues(&self) -> Vec<String> {
        let queues = self.ask("GET", "/queues/VHOST", &Value::Null).await;
        let queues = queues.as_array().expect("queues").iter();
        queues.map(|queue| queue["name"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Asks the HTTP API of the broker.
    async fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let url = format!("{}{}", self.api, path.replace("VHOST", &self.name));
        let method: Method = method.parse().expect("a method");
        let answer = self.http.request(method, url).json(body).send().await.expect("the broker");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        serde_json::from_str(&answer.text().await.unwrap_or_default()).unwrap_or_default()
    }

    /// A channel, with the connection that it is on.
    pub async fn channel(&self) -> (Connection, Channel) {
        channel(&self.url()).await.expect("the broker")
    }

    /// Somebody who hears of all events of these aggregates from now on, whatever becomes of their connection.
    pub async fn hearer(&self, aggregates: &[&str]) -> Hearer {
        let queue = format!("hearer-{}", unique());
        let exchanges: Vec<String> =
            aggregates.iter().map(|aggregate| format!("{aggregate}.domain_events")).collect();
        let (connection, channel) = self.channel().await;
        bind(&channel, &queue, &exchanges).await.expect("a queue");
        connection.close(200, "bound".into()).await.expect("its end");
        let heard = Arc::new(Mutex::new(Vec::new()));
        let mut task = JoinSet::new();
        task.spawn(hear_again_and_again(self.url(), queue.clone(), exchanges, Arc::clone(&heard)));
        Hearer { queue, heard, _task: task }
    }
}

/// What was heard of an event.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Heard {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    #[serde(rename = "type")]
    pub event_type: String,
    /// The aggregate.
    pub subject: Uuid,
    /// The revision it led to.
    pub revision: u64,
    /// Its place in its commit.
    pub sequence: u64,
}

/// Somebody at the broker. Ends when dropped.
pub struct Hearer {
    /// Where they hear.
    pub queue: String,
    heard: Arc<Mutex<Vec<Heard>>>,
    _task: JoinSet<()>,
}

impl Hearer {
    /// All that they heard, in its order; what came more than once, once.
    pub fn heard(&self) -> Vec<Heard> {
        let mut heard = self.heard.lock().expect("what was heard").clone();
        let mut seen = std::collections::HashSet::new();
        heard.retain(|event| seen.insert(event.id));
        heard
    }

    /// How often they heard of anything.
    pub fn count(&self) -> usize {
        self.heard.lock().expect("what was heard").len()
    }
}

async fn channel(url: &str) -> lapin::Result<(Connection, Channel)> {
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    Ok((connection, channel))
}

async fn bind(channel: &Channel, queue: &str, exchanges: &[String]) -> lapin::Result<()> {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    let durable = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(queue.into(), durable, arguments).await?;
    for exchange in exchanges {
        let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        let (name, none) = (exchange.as_str(), FieldTable::default());
        channel.exchange_declare(name.into(), ExchangeKind::Topic, durable, none.clone()).await?;
        channel.queue_bind(queue.into(), name.into(), "#".into(), QueueBindOptions::default(), none).await?;
    }
    Ok(())
}

async fn hear_again_and_again(
    url: String,
    queue: String,
    exchanges: Vec<String>,
    heard: Arc<Mutex<Vec<Heard>>>,
) {
    loop {
        let _ = hear(&url, &queue, &exchanges, &heard).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn hear(url: &str, queue: &str, exchanges: &[String], heard: &Mutex<Vec<Heard>>) -> lapin::Result<()> {
    let (_connection, channel) = channel(&format!("{url}?heartbeat=5")).await?;
    bind(&channel, queue, exchanges).await?;
    channel.basic_qos(100, BasicQosOptions::default()).await?;
    let options = BasicConsumeOptions::default();
    let mut consumer = channel.basic_consume(queue.into(), "".into(), options, FieldTable::default()).await?;
    while let Some(delivery) = consumer.next().await {
        let delivery = delivery?;
        let event = serde_json::from_slice(&delivery.data).expect("an event");
        heard.lock().expect("what was heard").push(event);
        delivery.ack(BasicAckOptions::default()).await?;
    }
    Ok(())
}

//! The bridge to RabbitMQ: events that happen here are told to other services, theirs are taken over into the log.
//!
//! A supervisor keeps a connection, for as long as the program runs: whatever ends one, it makes another, declares what there is to be
//! at the broker, and starts the consumers. What lapin can recover by itself is switched off: it gives up after a while, and leaves
//! channel errors to its caller, so that there would be two ways to recover instead of one.

mod confirms;
mod consumer;
mod fault;
mod link;
mod message;
mod metrics;
mod publisher;
mod routes;
mod session;
mod set_aside;
mod settings;
mod topology;

use std::sync::Arc;
use std::time::Duration;

use servertree_kernel::event::Publisher;
use servertree_kernel::plugin::Application;
use tokio::task::JoinHandle;

use consumer::Consumer;
use fault::Fault;
pub use fault::Refused;
use link::Link;
pub use metrics::describe;
use publisher::BrokerPublisher;
pub use settings::Settings;

/// How long the broker may take to confirm what it was sent last, once the program is to end.
const LAST_WORD_WITHIN: Duration = Duration::from_secs(2);

/// A bridge that is up, or will be.
pub struct Bus {
    link: Arc<Link>,
    publisher: Arc<dyn Publisher>,
    task: JoinHandle<()>,
}

/// How the bridge is doing, for whoever asks.
#[derive(Clone)]
pub struct BusStatus(Arc<Link>);

impl Bus {
    /// Connects to the broker, if there is one. One that refuses is a mistake of somebody; one that is away is waited for while
    /// all else goes on.
    pub async fn start(settings: &Settings, application: &Application) -> Result<Option<Self>, Refused> {
        let Ok(Some(uri)) = settings.uri() else { return Ok(None) };
        let inbound = application.inbound();
        let link = Arc::new(Link::new(uri, &settings.ca, application.emitted(), inbound.wanted().clone())?);
        let first = match link.begin().await {
            Ok(session) => Some(session),
            Err(Fault::Refused(refused)) => return Err(refused),
            Err(Fault::Away(reason)) => {
                let broker = link.broker();
                tracing::warn!(broker, reason, "the broker is away: events wait until it is there");
                None
            }
        };
        let consumers = inbound.wanted().iter().map(|(context, events)| {
            Arc::new(Consumer { context, events: events.clone(), inbound: inbound.clone() })
        });
        let publisher = BrokerPublisher::new(Arc::clone(&link), settings.hold_unroutable);
        let task = tokio::spawn(Arc::clone(&link).supervise(first, consumers.collect()));
        Ok(Some(Self { link, publisher: Arc::new(publisher), task }))
    }

    /// The broker, as people may see it.
    pub fn broker(&self) -> String {
        self.link.broker()
    }

    /// What the relay is to hand events to.
    pub fn publisher(&self) -> Arc<dyn Publisher> {
        Arc::clone(&self.publisher)
    }

    /// How it is doing.
    pub fn status(&self) -> BusStatus {
        BusStatus(Arc::clone(&self.link))
    }

    /// Takes no more in, and waits no longer for a broker that takes nothing. What is on its way goes out.
    pub fn wind_down(&self) {
        self.link.winding_down.cancel();
        let last_word = self.link.last_word.clone();
        tokio::spawn(async move {
            tokio::time::sleep(LAST_WORD_WITHIN).await;
            last_word.cancel();
        });
    }

    /// Ends the connection, once nobody publishes any more.
    pub async fn close(self) {
        self.link.winding_down.cancel();
        self.link.closing.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the bridge to the broker did not end well");
        }
    }
}

impl BusStatus {
    /// Whether events get through right now.
    pub fn is_ready(&self) -> bool {
        self.0.is_open()
    }
}

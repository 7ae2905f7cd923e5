//! The supervisor of the connection: makes one, sees it out, and makes another, for as long as the program runs.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use lapin::tcp::{AMQPUriTcpExt, OwnedTLSConfig};
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{Connection, ConnectionProperties, Event};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::consumer::Consumer;
use super::fault::{Fault, Refused};
use super::metrics;
use super::session::Session;
use super::settings::description;
use super::topology;

/// How long a broker may take to let somebody in, and again to declare what there is.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// How often the connection is looked at, should nobody say that it is lost.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The longest wait between two attempts to connect.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How long a connection may take to end well.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// A connection that lasted as long was one.
const LASTING: Duration = Duration::from_secs(10);

/// The way to the broker, whether there is one right now or not.
pub struct Link {
    uri: AMQPUri,
    tls: OwnedTLSConfig,
    /// The names of the events that are published.
    emitted: BTreeSet<&'static str>,
    /// The names of those that are taken in, by context.
    wanted: BTreeMap<&'static str, BTreeSet<&'static str>>,
    state: watch::Sender<State>,
    /// Whether the last one took a connection, and said nothing.
    was_silent: AtomicBool,
    /// Nothing more is taken in.
    pub winding_down: CancellationToken,
    /// Nor waited for.
    pub last_word: CancellationToken,
    /// Nothing more is published.
    pub closing: CancellationToken,
}

/// How it is.
#[derive(Clone, Default)]
pub struct State {
    pub session: Option<Arc<Session>>,
    /// The broker is short of memory or disk, and reads nothing of what is published.
    pub is_blocked: bool,
}

impl Link {
    pub fn new(
        uri: AMQPUri,
        ca: &str,
        emitted: BTreeSet<&'static str>,
        wanted: BTreeMap<&'static str, BTreeSet<&'static str>>,
    ) -> Result<Self, Refused> {
        let authorities = |file: &str| {
            std::fs::read_to_string(file)
                .map_err(|error| Refused::Authorities { file: file.to_owned(), reason: error.to_string() })
        };
        let cert_chain = Some(ca).filter(|file| !file.is_empty()).map(authorities).transpose()?;
        let tls = OwnedTLSConfig { identity: None, cert_chain };
        let state = watch::Sender::default();
        let [winding_down, last_word, closing] = std::array::from_fn(|_| CancellationToken::new());
        let was_silent = AtomicBool::new(false);
        Ok(Self { uri, tls, emitted, wanted, state, was_silent, winding_down, last_word, closing })
    }

    /// The broker, as people may see it.
    pub fn broker(&self) -> String {
        description(&self.uri)
    }

    /// How it is from now on.
    pub fn state(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// Whether something can be published right now.
    pub fn is_open(&self) -> bool {
        let state = self.state.borrow();
        state.session.is_some() && !state.is_blocked
    }

    /// The first attempt: connects, and declares all there is to be, so that whatever is refused comes out.
    pub async fn begin(&self) -> Result<Session, Fault> {
        let session = self.connect().await?;
        let declared = tokio::time::timeout(ANSWER_WITHIN, self.declare(&session)).await.map_err(silent)?;
        declared.map_err(|error| Fault::of_topology(&error, &self.uri))?;
        Ok(session)
    }

    async fn connect(&self) -> Result<Session, Fault> {
        if self.was_silent.load(Ordering::Relaxed) && self.uri.scheme == AMQPScheme::AMQP {
            tokio::time::timeout(ANSWER_WITHIN, self.require_sign_of_life()).await.map_err(silent)??;
        }
        let publishing = self.open("servertree: publishes").await?;
        let consuming = self.open("servertree: consumes").await?;
        Ok(Session::new(publishing, consuming))
    }

    async fn open(&self, name: &str) -> Result<Connection, Fault> {
        let runtime = lapin::runtime::default_runtime().map_err(|error| Fault::Away(error.to_string()))?;
        let tls = self.tls.clone();
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        let opening = Connection::connector(
            self.uri.clone(),
            runtime,
            // lapin itself waits for ever for a peer that takes a connection and says nothing about TLS.
            async move |uri, runtime| {
                let connecting = AMQPUriTcpExt::connect_with_config_async(&uri, tls.as_ref(), &runtime);
                let connected = tokio::time::timeout(ANSWER_WITHIN, connecting).await;
                Ok(connected.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))?)
            },
            properties,
        );
        let opened = tokio::time::timeout(ANSWER_WITHIN, opening).await;
        self.was_silent.store(opened.is_err(), Ordering::Relaxed);
        opened.map_err(silent)?.map_err(|error| Fault::of_connection(&error, &self.uri))
    }

    /// One that takes connections and says nothing would keep a thread of lapin waiting with each attempt.
    async fn require_sign_of_life(&self) -> Result<(), Fault> {
        let away = |error: std::io::Error| Fault::Away(error.to_string());
        let place = (self.uri.authority.host.as_str(), self.uri.authority.port);
        let mut stream = TcpStream::connect(place).await.map_err(away)?;
        // Of no version: the broker answers with the one that it speaks, and ends the connection.
        stream.write_all(b"AMQP\0\0\0\0").await.map_err(away)?;
        stream.read(&mut [0; 8]).await.map_err(away).map(drop)
    }

    async fn declare(&self, session: &Session) -> lapin::Result<()> {
        let channel = session.publishing.create_channel().await?;
        topology::declare_exchanges(&channel, &self.emitted).await?;
        for (context, events) in &self.wanted {
            topology::declare_queue(&channel, context, events).await?;
        }
        channel.close(200, "declared".into()).await
    }

    /// Keeps a connection until it is told to end it.
    pub async fn supervise(self: Arc<Self>, mut first: Option<Session>, consumers: Vec<Arc<Consumer>>) {
        let mut failures: u32 = u32::from(first.is_none());
        while !self.closing.is_cancelled() {
            let connected = match first.take() {
                Some(session) => Ok(session),
                None => {
                    tokio::select! {
                        connected = self.connect() => connected,
                        () = self.closing.cancelled() => return,
                    }
                }
            };
            match connected {
                Ok(session) => {
                    let began = Instant::now();
                    self.see_out(Arc::new(session), &consumers).await;
                    // One that is always lost at once is no better than none.
                    failures = if began.elapsed() > LASTING { 0 } else { failures + 1 };
                }
                Err(fault) => {
                    failures += 1;
                    if failures.is_power_of_two() {
                        self.report(&fault, failures);
                    }
                }
            }
            let pause = LONGEST_PAUSE.min(Duration::from_millis(100 << failures.min(6)));
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.closing.cancelled() => {}
            }
        }
    }

    fn report(&self, fault: &Fault, failures: u32) {
        let (broker, reason) = (self.broker(), fault.to_string());
        match fault {
            Fault::Refused(_) => tracing::error!(broker, failures, reason, "the broker refuses"),
            Fault::Away(_) => tracing::warn!(broker, failures, reason, "the broker is away"),
        }
    }

    /// From when a connection is there until it is not.
    async fn see_out(&self, session: Arc<Session>, consumers: &[Arc<Consumer>]) {
        let broker = self.broker();
        tracing::info!(broker, "connected to the broker");
        let mut events = pin!(session.publishing.events_listener());
        let is_blocked = session.publishing.status().blocked();
        self.state.send_replace(State { session: Some(Arc::clone(&session)), is_blocked });
        metrics::connected(true);
        let mut consuming = JoinSet::new();
        for consumer in consumers {
            let (consumer, session) = (Arc::clone(consumer), Arc::clone(&session));
            consuming.spawn(async move { consumer.run(&session).await });
        }
        let wind_down = async {
            self.winding_down.cancelled().await;
            session.winding_down.cancel();
            std::future::pending::<()>().await;
        };
        let mut wind_down = pin!(wind_down);
        loop {
            tokio::select! {
                event = events.next() => match event {
                    Some(Event::ConnectionBlocked(reason)) => self.blocked(Some(&reason)),
                    Some(Event::ConnectionUnblocked) => self.blocked(None),
                    Some(Event::Error(error)) => {
                        tracing::debug!(%error, "the connection to the broker failed");
                    }
                    Some(_) => {}
                    None => break,
                },
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = session.lost.cancelled() => break,
                () = self.closing.cancelled() => break,
                () = &mut wind_down => {}
                ended = consuming.join_next(), if !consuming.is_empty() => {
                    // Told to, all of them do.
                    if !session.winding_down.is_cancelled() && !session.lost.is_cancelled() {
                        tracing::error!(?ended, "a consumer ended by itself: all is begun anew");
                        break;
                    }
                }
            }
            if !session.is_connected() {
                break;
            }
        }
        self.state.send_replace(State::default());
        metrics::connected(false);
        metrics::blocked(false);
        session.lost.cancel();
        // What they were at comes again.
        while consuming.join_next().await.is_some() {}
        let close = async |connection: &Connection| {
            let closed = tokio::time::timeout(CLOSE_WITHIN, connection.close(200, "done".into())).await;
            matches!(closed, Ok(Ok(())))
        };
        let (one, other) = tokio::join!(close(&session.publishing), close(&session.consuming));
        let ended_well = one && other;
        if !self.closing.is_cancelled() {
            tracing::warn!(broker, ended_well, "the connection to the broker is lost: events wait");
        }
    }

    fn blocked(&self, reason: Option<&str>) {
        match reason {
            Some(reason) => tracing::warn!(reason, "the broker takes no events for now: they wait"),
            None => tracing::info!("the broker takes events again"),
        }
        metrics::blocked(reason.is_some());
        self.state.send_modify(|state| state.is_blocked = reason.is_some());
    }
}

fn silent(_: tokio::time::error::Elapsed) -> Fault {
    Fault::Away("it does not answer".to_owned())
}

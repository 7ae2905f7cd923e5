//! Serving: from the configuration to the last connection.

use std::io::{self, IsTerminal, Write};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use servertree_kernel::administration::FirstAdministrator;
use servertree_kernel::clock::{Clock, SystemClock};
use servertree_kernel::database::Database;
use servertree_kernel::plugin::{Application, Context, Started, migrations};
use servertree_kernel::remote::Peer;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::assemble::assemble;
use crate::background::Background;
use crate::config::{Config, HttpSettings};
use crate::http::health::Needed;
use crate::metrics::Metrics;
use crate::start::{StartError, keyring, open_cache, open_database, prepare_data_folder};
use crate::{admin, grpc, http};

/// How long stopping may take in all.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// Serves until SIGTERM or Ctrl-C.
pub async fn serve(config: Config) -> Result<(), StartError> {
    let mut stop_signal = StopSignal::new()?;
    let metrics = Metrics::collect(SystemClock.now())?;
    let contexts = Context::enabled(&config.contexts.enabled)?;
    prepare_data_folder(&config.data)?;
    let database = open_database(&config).await?;
    let keyring = keyring(&config);
    let peer = Peer::of(&config.authorization)?;
    let cache = open_cache(&config, &database).await?;
    let application = assemble(&config, contexts, &database, &keyring, peer.as_ref(), cache.clone())?;
    let peer = peer.filter(|_| application.asks_elsewhere);
    if peer.is_none() && !config.authorization.url.is_empty() {
        tracing::warn!("authorization.url is not used: a context here knows who asks and who may do what");
    }
    if !application.has_permission_checker || application.token_verifier.is_none() {
        return Err(StartError::NobodyVerifies);
    }
    if config.http.public_url.is_empty() && !config.http.address.is_loopback() {
        tracing::warn!("http.public_url is not set: nobody can log in with a browser from another machine");
    }
    let listener = listen(&config.http)?;
    let grpc_server = grpc::listen(&config.authorization, &application)?;
    migrate(&database, &application).await?;
    keyring.open(&database, application.clock().now()).await?;
    let first = admin::create_first(&application, &config.data).await?;
    let background = Background::start(&config, &application).await?;
    let address = listener.local_addr().map_err(|error| StartError::Internal(error.to_string()))?;
    let needed = Needed {
        database: database.clone(),
        authorization: peer,
        bus: background.bus_status(),
        cache: cache.clone(),
    };
    let mut server = http::start(listener, &config.http, application.clone(), needed, metrics)?;
    let stop_services = CancellationToken::new();
    let services: Vec<Started> =
        grpc_server.into_iter().map(|server| server.start(stop_services.clone())).collect();
    let log_in = how_to_log_in(&application, &config, first.as_ref());
    let places = [
        Some(("Database", database.description().to_owned())),
        cache.as_ref().map(|cache| ("Cache", cache.description())),
    ];
    let places = places.into_iter().flatten().chain(background.places());
    announce(address, places, &keyring.description(), &services, &log_in);
    tokio::select! {
        () = stop_signal.wait() => {}
        reason = server.ended() => return Err(StartError::ServerEnded(reason)),
    }
    stop_services.cancel();
    let stopping = async {
        stop(&server, services).await;
        background.stop(&application).await;
        database.close().await;
    };
    within_time(stopping, stop_signal).await;
    Ok(())
}

/// Does what is done in the background, without an API, until SIGTERM or Ctrl-C.
pub async fn work(config: Config) -> Result<(), StartError> {
    let mut stop_signal = StopSignal::new()?;
    let contexts = Context::enabled(&config.contexts.enabled)?;
    prepare_data_folder(&config.data)?;
    let database = open_database(&config).await?;
    let keyring = keyring(&config);
    let peer = Peer::of(&config.authorization)?;
    let cache = open_cache(&config, &database).await?;
    let application = assemble(&config, contexts, &database, &keyring, peer.as_ref(), cache.clone())?;
    migrate(&database, &application).await?;
    keyring.open(&database, application.clock().now()).await?;
    let background = Background::start(&config, &application).await?;
    let places = [
        Some(("Database", database.description().to_owned())),
        cache.as_ref().map(|cache| ("Cache", cache.description())),
    ];
    let places = places.into_iter().flatten().chain(background.places());
    tracing::info!("working");
    say(&format!(
        "ServerTree {version}, a worker: it hands events over to their subscribers, and does jobs\n\
         {places}\
         Stop with Ctrl-C.\n",
        version = env!("CARGO_PKG_VERSION"),
        places = lines_of(places),
    ));
    stop_signal.wait().await;
    let stopping = async {
        background.stop(&application).await;
        database.close().await;
    };
    within_time(stopping, stop_signal).await;
    Ok(())
}

async fn migrate(database: &Database, application: &Application) -> Result<(), StartError> {
    for migration in database.migrate(&migrations(&application.contexts)).await? {
        let (owner, version, name) = (migration.owner, migration.version, migration.name);
        tracing::info!(owner, version, name, "migrated");
    }
    Ok(())
}

/// Stops, unless it takes too long, or whoever told it to does not want to wait.
async fn within_time(stopping: impl Future<Output = ()>, mut stop_signal: StopSignal) {
    tracing::info!("stopping; once more stops at once");
    tokio::select! {
        outcome = tokio::time::timeout(STOP_WITHIN, stopping) => {
            if outcome.is_err() {
                tracing::warn!(seconds = STOP_WITHIN.as_secs(), "not everything ended in time");
            }
        }
        () = stop_signal.wait() => tracing::warn!("stopped at once"),
    }
    tracing::info!("stopped");
}

/// Taken before anything is changed: a second instance ends here.
fn listen(settings: &HttpSettings) -> Result<TcpListener, StartError> {
    let address = SocketAddr::new(settings.address, settings.port);
    TcpListener::bind(address).map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => StartError::PortTaken { address },
        _ => StartError::Listen { address, source },
    })
}

/// Accepts no more.
async fn stop(server: &http::Server, services: Vec<Started>) {
    server.stop().await;
    for service in services {
        if let Err(error) = service.task.await {
            tracing::error!(service = service.name, %error, "did not end well");
        }
    }
}

fn announce(
    address: SocketAddr,
    places: impl Iterator<Item = (&'static str, String)>,
    keys: &str,
    services: &[Started],
    log_in: &str,
) {
    tracing::info!(%address, "listening");
    let mut beside = String::new();
    for Started { name, address, .. } in services {
        tracing::info!(service = name, address, "listening");
        beside += &format!("  {name:<9} {address}\n");
    }
    beside += &lines_of(places);
    let lines = format!(
        "ServerTree {version}\n\
         \x20 API       http://{address}/api/v1/\n\
         \x20 Docs      http://{address}/docs\n\
         {beside}\
         \x20 Keys      {keys}: back them up with the database\n\
         \x20 Log in    {log_in}\n\
         Stop with Ctrl-C.\n",
        version = env!("CARGO_PKG_VERSION"),
    );
    say(&lines);
}

/// Where what it works with is: a line each, in the log, too.
fn lines_of(places: impl Iterator<Item = (&'static str, String)>) -> String {
    let line = |(name, place): (&str, String)| {
        tracing::info!(name, place, "using");
        format!("  {name:<9} {place}\n")
    };
    places.map(line).collect()
}

/// Nobody may be reading; that is no reason not to serve.
fn say(lines: &str) {
    let _ = io::stdout().write_all(lines.as_bytes()).and_then(|()| io::stdout().flush());
}

/// The password itself is for a terminal alone: what is written elsewhere is kept.
fn how_to_log_in(application: &Application, config: &Config, first: Option<&FirstAdministrator>) -> String {
    if application.asks_elsewhere {
        return format!("at {}: accounts are kept there", config.authorization.url);
    }
    let file = admin::password_file(&config.data);
    match first {
        Some(FirstAdministrator { username, password }) if io::stdout().is_terminal() => {
            format!(
                "as {username}, with the password {} (also in {}); change it",
                password.expose(),
                file.display()
            )
        }
        Some(FirstAdministrator { username, .. }) => {
            format!("as {username}, with the password in {}; change it", file.display())
        }
        None => "POST /api/v1/account/login; who lost the password: `servertree admin reset-password NAME`"
            .to_owned(),
    }
}

/// SIGTERM or Ctrl-C. Caught from its creation on: one that comes during the start ends it well right after.
struct StopSignal {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl StopSignal {
    fn new() -> Result<Self, StartError> {
        let catch = |kind| {
            signal(kind).map_err(|error| StartError::Internal(format!("signals cannot be caught: {error}")))
        };
        Ok(Self { terminate: catch(SignalKind::terminate())?, interrupt: catch(SignalKind::interrupt())? })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

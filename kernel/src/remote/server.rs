//! The server: where other processes ask.

use std::net::TcpListener;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::server::{Router, TcpIncoming};
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tonic_health::server::HealthReporter;

use super::peer_secret::RequirePeerSecret;
use super::service::{Ports, Service};
use super::setup::read_pem;
use super::wire::DESCRIPTION;
use super::wire::authorization_service_server::AuthorizationServiceServer;
use super::{SERVICE, Settings, SetupError};
use crate::plugin::Started;
use crate::problem::chain;

/// The largest question, in bytes.
const MAX_QUESTION: usize = 1024 * 1024;
/// Calls on one connection at once.
const STREAMS: u32 = 256;
/// How long an answer may take, whatever its caller allows.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// How long a connection may take to begin.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(5);
/// How long calls under way may take to end when it stops. Those who watch its health never end by themselves.
const FINISH_WITHIN: Duration = Duration::from_secs(5);
/// How often the other end of a connection has to show that it is there.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// A server that is ready to start.
pub struct GrpcServer {
    address: String,
    router: Router,
    incoming: TcpIncoming,
    health: HealthReporter,
}

impl GrpcServer {
    /// Answers what comes in over `listener`, once it is started. Call it within the runtime.
    pub fn new(listener: TcpListener, ports: Ports, settings: &Settings) -> Result<Self, SetupError> {
        let unusable = |error: std::io::Error| SetupError::unusable("grpc_listen", &error);
        let address = listener.local_addr().map_err(unusable)?.to_string();
        listener.set_nonblocking(true).map_err(unusable)?;
        let listener = tokio::net::TcpListener::from_std(listener).map_err(unusable)?;
        let (health, router) = router(ports, settings)?;
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        Ok(Self { address, router, incoming, health })
    }

    /// Answers until `stop` is cancelled.
    pub fn start(self, stop: CancellationToken) -> Started {
        let Self { address, router, incoming, health } = self;
        Started { name: "gRPC", address, task: tokio::spawn(run(router, incoming, health, stop)) }
    }
}

fn router(ports: Ports, settings: &Settings) -> Result<(HealthReporter, Router), SetupError> {
    let secret = RequirePeerSecret::of(settings);
    let service =
        AuthorizationServiceServer::new(Service::new(ports)).max_decoding_message_size(MAX_QUESTION);
    let (health, health_service) = tonic_health::server::health_reporter();
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTION)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()
        .map_err(|error| SetupError::unusable("grpc_listen", &error))?;
    let mut server = Server::builder()
        .timeout(ANSWER_WITHIN)
        .max_concurrent_streams(STREAMS)
        .http2_keepalive_interval(Some(KEEP_ALIVE));
    if !settings.grpc_certificate.is_empty() {
        let tls = ServerTlsConfig::new().identity(identity(settings)?).timeout(HANDSHAKE_WITHIN);
        server = server.tls_config(tls).map_err(|error| SetupError::unusable("grpc_certificate", &error))?;
    }
    let router = server
        .add_service(health_service)
        .add_service(InterceptedService::new(service, secret.clone()))
        .add_service(InterceptedService::new(reflection, secret));
    Ok((health, router))
}

fn identity(settings: &Settings) -> Result<Identity, SetupError> {
    let certificate = read_pem("grpc_certificate", &settings.grpc_certificate, "CERTIFICATE")?;
    let key = read_pem("grpc_certificate_key", &settings.grpc_certificate_key, "PRIVATE KEY")?;
    Ok(Identity::from_pem(certificate, key))
}

/// Says that it serves, serves, says that it does not, and ends.
async fn run(router: Router, incoming: TcpIncoming, health: HealthReporter, stop: CancellationToken) {
    let say = async |status| {
        for service in ["", SERVICE] {
            health.set_service_status(service, status).await;
        }
    };
    say(tonic_health::ServingStatus::Serving).await;
    let accept_no_more = CancellationToken::new();
    let serving = router.serve_with_incoming_shutdown(incoming, accept_no_more.cancelled());
    tokio::pin!(serving);
    tokio::select! {
        ended = &mut serving => {
            let error = ended.err().map(|error| chain(&error));
            tracing::error!(error, "the gRPC server ended by itself");
        }
        () = stop.cancelled() => {
            say(tonic_health::ServingStatus::NotServing).await;
            accept_no_more.cancel();
            if tokio::time::timeout(FINISH_WITHIN, serving).await.is_err() {
                tracing::warn!("not all calls over gRPC ended in time");
            }
        }
    }
}

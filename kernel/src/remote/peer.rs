//! The process that is asked: one connection to it, made when it is needed, and again when it broke off.

use std::error::Error as _;
use std::time::Duration;

use thiserror::Error;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Request, Response, Status};
use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use super::setup::read_pem;
use super::wire::authorization_service_client::AuthorizationServiceClient;
use super::{Settings, SetupError, peer_secret};
use crate::problem::{Failure, Problem, ProblemType, UNAVAILABLE, chain};

/// How often the other end has to show that it is there, and how long that may take: a connection that died without a word
/// is given up after both.
const KEEP_ALIVE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(3));

/// The process that knows who may do what. Clones share the connection.
#[derive(Clone)]
pub struct Peer {
    channel: Channel,
    secret: Option<MetadataValue<Ascii>>,
    timeout: Duration,
}

/// The largest answer that is taken: more than all conditions that a user can have.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// What asks.
pub(super) type Client = AuthorizationServiceClient<Channel>;

impl Peer {
    /// The one that the settings name, if they do. It need not be there yet. Call it within the runtime.
    pub fn of(settings: &Settings) -> Result<Option<Self>, SetupError> {
        if settings.url.is_empty() {
            return Ok(None);
        }
        let unusable = |error| SetupError::unusable("url", &error);
        let timeout = settings.timeout();
        let mut endpoint = Endpoint::from_shared(settings.url.clone())
            .map_err(unusable)?
            .connect_timeout(timeout)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(KEEP_ALIVE.0)
            .keep_alive_timeout(KEEP_ALIVE.1)
            .keep_alive_while_idle(true);
        if settings.asks_over_tls() {
            endpoint = endpoint.tls_config(tls(settings)?).map_err(unusable)?;
        }
        let secret = peer_secret::metadata(settings)?;
        Ok(Some(Self { channel: endpoint.connect_lazy(), secret, timeout }))
    }

    /// Whether it says that it can be asked.
    pub async fn is_ready(&self) -> bool {
        let service = super::SERVICE.to_owned();
        let mut client = HealthClient::new(self.channel.clone());
        let check = client.check(HealthCheckRequest { service });
        let answer = tokio::time::timeout(self.timeout, check).await;
        answer.is_ok_and(|answer| {
            answer.is_ok_and(|answer| answer.into_inner().status == ServingStatus::Serving as i32)
        })
    }

    /// Asks. All questions only read, so one that got no answer because the connection was not there, or broke off, is asked
    /// once more: the other process may have been started anew since the last one.
    pub(super) async fn ask<Q: Clone, A, F>(
        &self,
        question: Q,
        call: impl Fn(Client, Request<Q>) -> F,
    ) -> Result<A, Failure>
    where
        F: Future<Output = Result<Response<A>, Status>>,
    {
        let attempt = || call(self.client(), self.request(question.clone()));
        let answer = async {
            match attempt().await {
                Err(status) if was_not_answered(&status) => attempt().await,
                answered => answered,
            }
        };
        match tokio::time::timeout(self.timeout, answer).await {
            Ok(Ok(response)) => Ok(response.into_inner()),
            Ok(Err(status)) => Err(NoAnswer::Refused(chain(&status)).into()),
            Err(_) => Err(NoAnswer::Late.into()),
        }
    }

    fn client(&self) -> Client {
        Client::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    fn request<Q>(&self, question: Q) -> Request<Q> {
        let mut request = Request::new(question);
        request.set_timeout(self.timeout);
        if let Some(secret) = &self.secret {
            peer_secret::show(secret, request.metadata_mut());
        }
        request
    }
}

/// What the other process answered has no cause on this side.
fn was_not_answered(status: &Status) -> bool {
    status.source().is_some()
}

fn tls(settings: &Settings) -> Result<ClientTlsConfig, SetupError> {
    let config = ClientTlsConfig::new().timeout(settings.timeout());
    if settings.ca_certificate.is_empty() {
        return Ok(config.with_native_roots());
    }
    let certificate = read_pem("ca_certificate", &settings.ca_certificate, "CERTIFICATE")?;
    Ok(config.ca_certificate(Certificate::from_pem(certificate)))
}

/// Who may do what cannot be said right now.
#[derive(Debug, Error)]
pub(super) enum NoAnswer {
    #[error("the authorization service did not answer in time")]
    Late,
    #[error("the authorization service could not be asked: {0}")]
    Refused(String),
    #[error("the authorization service gave an answer that makes no sense: {0}")]
    Nonsense(&'static str),
}

impl Problem for NoAnswer {
    fn problem(&self) -> &'static ProblemType {
        &UNAVAILABLE
    }
}

//! The secret that those who ask and those who answer share.

use std::sync::Arc;

use hmac::digest::CtOutput;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};
use tonic::service::Interceptor;
use tonic::{Request, Status};

use super::{Settings, SetupError};

/// Its place in the metadata of a call.
const KEY: &str = "authorization";

/// What a caller sends along; nothing, if there is no secret.
pub(super) fn metadata(settings: &Settings) -> Result<Option<MetadataValue<Ascii>>, SetupError> {
    if settings.peer_secret.is_empty() {
        return Ok(None);
    }
    let text = format!("Bearer {}", settings.peer_secret);
    let mut value: MetadataValue<Ascii> =
        text.parse().map_err(|error| SetupError::unusable("peer_secret", &error))?;
    value.set_sensitive(true);
    Ok(Some(value))
}

/// Puts it there.
pub(super) fn show(secret: &MetadataValue<Ascii>, metadata: &mut MetadataMap) {
    metadata.insert(KEY, secret.clone());
}

/// Lets through who shows the secret; everybody, if there is none.
#[derive(Clone)]
pub(super) struct RequirePeerSecret {
    expected: Option<Arc<CtOutput<Hmac<Sha256>>>>,
}

impl RequirePeerSecret {
    pub fn of(settings: &Settings) -> Self {
        let secret = settings.peer_secret.as_bytes();
        Self { expected: (!secret.is_empty()).then(|| Arc::new(code(secret))) }
    }

    fn admits(&self, metadata: &MetadataMap) -> bool {
        let Some(expected) = &self.expected else { return true };
        let mut shown = metadata.get_all(KEY).iter();
        let (Some(shown), None) = (shown.next(), shown.next()) else { return false };
        let secret = shown.as_bytes().strip_prefix(b"Bearer ");
        secret.is_some_and(|secret| code(secret) == **expected)
    }
}

/// What is compared, in constant time: it tells nothing about how close a guess was, nor how long the secret is.
fn code(secret: &[u8]) -> CtOutput<Hmac<Sha256>> {
    Hmac::<Sha256>::new(&[0; 64].into()).chain_update(secret).finalize()
}

impl Interceptor for RequirePeerSecret {
    fn call(&mut self, request: Request<()>) -> Result<Request<()>, Status> {
        if self.admits(request.metadata()) {
            return Ok(request);
        }
        let peer = request.remote_addr().map(|address| address.to_string());
        tracing::warn!(peer, "a call over gRPC did not show the peer secret");
        Err(Status::unauthenticated("show the peer secret as metadata `authorization: Bearer …`"))
    }
}

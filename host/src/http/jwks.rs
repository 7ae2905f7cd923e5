//! The public keys that access tokens are verified with, for services that verify them themselves.

use actix_web::http::header::{CacheControl, CacheDirective};
use actix_web::{Responder, get, web};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use servertree_kernel::plugin::Application;
use servertree_kernel::problem::{Failure, INTERNAL, UNAVAILABLE};
use servertree_kernel::problem_responses;
use servertree_kernel::secrets::TokenPublicKey;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

/// The one there is.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_keys);
}

problem_responses! {
    KeysProblems: &[&INTERNAL, &UNAVAILABLE];
}

/// Public keys (RFC 7517).
#[derive(Serialize, ToSchema)]
struct JsonWebKeySet {
    /// Those whose signatures count: the one that signs, and those that did a short while ago.
    keys: Vec<JsonWebKey>,
}

/// A public key (RFC 8037).
#[derive(Serialize, ToSchema)]
struct JsonWebKey {
    #[schema(example = "OKP")]
    kty: &'static str,
    #[schema(example = "Ed25519")]
    crv: &'static str,
    #[schema(example = "EdDSA")]
    alg: &'static str,
    /// What it is for: signatures.
    #[serde(rename = "use")]
    #[schema(example = "sig")]
    usage: &'static str,
    /// The name of the key, as tokens have it in their header.
    #[schema(example = "token-20260131-0a1b2c3d")]
    kid: String,
    /// The key.
    #[schema(example = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")]
    x: String,
}

impl From<TokenPublicKey> for JsonWebKey {
    fn from(key: TokenPublicKey) -> Self {
        Self {
            kty: "OKP",
            crv: "Ed25519",
            alg: "EdDSA",
            usage: "sig",
            kid: key.id.to_string(),
            x: URL_SAFE_NO_PAD.encode(key.bytes),
        }
    }
}

/// The public keys of access tokens
///
/// A token names its key. Keys change: whoever verifies tokens asks again when one names a key that is not known.
#[utoipa::path(tag = "service", responses(
    (status = 200, description = "A JSON Web Key Set", body = JsonWebKeySet), KeysProblems
))]
#[get("/.well-known/jwks.json")]
async fn list_keys(application: web::Data<Application>) -> Result<impl Responder, Failure> {
    let keys = application.secrets().token_keys().await?.into_iter().map(JsonWebKey::from).collect();
    // A new key signs at once: a cache on the way that gives an older answer would have its tokens refused.
    let cache = CacheControl(vec![CacheDirective::NoCache]);
    Ok(web::Json(JsonWebKeySet { keys }).customize().insert_header(cache))
}

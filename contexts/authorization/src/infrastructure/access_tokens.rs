//! Access tokens as JSON Web Tokens (RFC 7519), signed with Ed25519 (RFC 8037) by the keyring. There is one way to write them:
//! whatever else a header says, it is not looked at twice. See docs/decisions/0010-access-token-signatures.md.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use servertree_kernel::domain::{Timestamp, WriteUow};
use servertree_kernel::secrets::{KeyId, Secrets};
use shaku::Component;

use crate::application::access_tokens::{AccessToken, AccessTokens, Claims, LIFE};
use crate::domain::{Session, SessionId, UserId};
use crate::error::Error;

const ALGORITHM: &str = "EdDSA";
/// RFC 9068, section 2.1: nothing else that may be signed with the key one day passes for an access token.
const TYPE: &str = "at+jwt";
const ISSUER: &str = "servertree";
const AUDIENCE: &str = "servertree-api";
/// Ours have about 500 bytes.
const MAX_LENGTH: usize = 2_048;
/// Clocks of replicas may differ by so many seconds.
const LEEWAY: i64 = 5;
const MICROS: i64 = 1_000_000;

/// Signs with the keyring.
#[derive(Component)]
#[shaku(interface = AccessTokens)]
pub struct SignedAccessTokens {
    #[shaku(inject)]
    secrets: Arc<dyn Secrets>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

/// The claims of RFC 7519, section 4.1, and the session. Times are in seconds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    iss: String,
    aud: String,
    sub: UserId,
    sid: SessionId,
    iat: i64,
    nbf: i64,
    exp: i64,
}

#[async_trait]
impl AccessTokens for SignedAccessTokens {
    async fn issue(
        &self,
        session: &Session,
        now: Timestamp,
        uow: &mut WriteUow,
    ) -> Result<AccessToken, Error> {
        let state = session.state();
        let issued = now.as_micros() / MICROS;
        let expires = now.after(LIFE).min(state.expires_at).as_micros() / MICROS;
        let payload = Payload {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: state.user,
            sid: state.id,
            iat: issued,
            nbf: issued,
            exp: expires,
        };
        let signer = self.secrets.token_signer(uow).await?;
        let header =
            Header { alg: ALGORITHM.to_owned(), typ: TYPE.to_owned(), kid: signer.key().as_str().to_owned() };
        let signed = format!("{}.{}", encode(&header)?, encode(&payload)?);
        let signature = URL_SAFE_NO_PAD.encode(signer.sign(signed.as_bytes()));
        let text = format!("{signed}.{signature}");
        Ok(AccessToken { text, expires_at: Timestamp::from_micros(expires * MICROS) })
    }

    async fn verify(&self, token: &str, now: Timestamp) -> Result<Option<Claims>, Error> {
        let Some((header, payload, signed, signature)) = parts(token) else { return Ok(None) };
        if header.alg != ALGORITHM || header.typ != TYPE {
            return Ok(None);
        }
        let now = now.as_micros() / MICROS;
        let is_for_us = payload.iss == ISSUER && payload.aud == AUDIENCE;
        let is_its_time = payload.nbf <= now + LEEWAY && now < payload.exp;
        if !is_for_us || !is_its_time {
            return Ok(None);
        }
        // Last: a key that is not known is looked for.
        let Ok(key) = KeyId::parse(&header.kid) else { return Ok(None) };
        let Some(verifier) = self.secrets.token_verifier(&key).await? else { return Ok(None) };
        let expires_at = Timestamp::from_micros(payload.exp.saturating_mul(MICROS));
        let is_signed = verifier.verify(signed.as_bytes(), &signature);
        Ok(is_signed.then_some(Claims { session: payload.sid, expires_at }))
    }
}

/// Header, payload, what of the token is signed, and the signature.
fn parts(token: &str) -> Option<(Header, Payload, &str, [u8; 64])> {
    if token.len() > MAX_LENGTH {
        return None;
    }
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, payload) = signed.split_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?.try_into().ok()?;
    Some((decode(header)?, decode(payload)?, signed, signature))
}

fn encode<T: Serialize>(part: &T) -> Result<String, Error> {
    let json = serde_json::to_vec(part).map_err(|error| Error::Corrupt(error.to_string()))?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}

fn decode<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests;

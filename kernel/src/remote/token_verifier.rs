//! Whom a token stands for, from the process that knows.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::memory::{Memory, REMEMBERED};
use super::peer::NoAnswer;
use super::{Peer, wire};
use crate::authentication::TokenVerifier;
use crate::message::{Account, Caller, Proof};
use crate::problem::Failure;

/// Asks whom tokens stand for. It remembers who, but not the tokens: only their digests.
pub struct RemoteTokenVerifier {
    peer: Peer,
    known: Memory<[u8; 32], Option<Caller>>,
}

impl RemoteTokenVerifier {
    /// Asks this one.
    pub fn new(peer: Peer) -> Self {
        Self::remembering(peer, REMEMBERED)
    }

    /// Asks this one, and remembers what it says for this time.
    pub fn remembering(peer: Peer, time: Duration) -> Self {
        Self { peer, known: Memory::new(time) }
    }

    async fn ask(&self, token: &str) -> Result<Option<Caller>, Failure> {
        let question = wire::IntrospectRequest { token: token.to_owned() };
        let call = async |mut client: super::peer::Client, question| client.introspect(question).await;
        let answer = self.peer.ask(question, call).await?;
        if !answer.active {
            return Ok(None);
        }
        Ok(Some(read(&answer).map_err(NoAnswer::Nonsense)?))
    }
}

#[async_trait]
impl TokenVerifier for RemoteTokenVerifier {
    async fn verify(&self, token: &str) -> Result<Option<Caller>, Failure> {
        self.known.recall(Sha256::digest(token).into(), self.ask(token)).await
    }
}

/// The caller, if the answer says who it is. An error says what is wrong with it.
fn read(answer: &wire::IntrospectResponse) -> Result<Caller, &'static str> {
    if answer.subject.is_empty() {
        return Err("a subject without a name");
    }
    let id = |text: &str| Uuid::try_parse(text).map_err(|_| "an id that is no UUID");
    let proof = match (answer.session_id.as_str(), answer.token_id.as_str()) {
        ("", "") => return Err("neither a session nor a token"),
        (session, "") => Proof::Session(id(session)?),
        ("", token) => Proof::Token(id(token)?),
        _ => return Err("a session and a token at once"),
    };
    let account = Account { user: id(&answer.user_id)?, proof, until: None };
    let caller = Caller::with_account(Arc::from(answer.subject.as_str()), account);
    Ok(if answer.read_only { caller.read_only() } else { caller })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_makes_no_sense_is_nobody() {
        let id = Uuid::from_u128(1).to_string();
        let sound = wire::IntrospectResponse {
            active: true,
            subject: "ada".to_owned(),
            user_id: id.clone(),
            session_id: id.clone(),
            ..wire::IntrospectResponse::default()
        };
        assert!(read(&sound).is_ok());
        for nonsense in [
            wire::IntrospectResponse { subject: String::new(), ..sound.clone() },
            wire::IntrospectResponse { user_id: "1".to_owned(), ..sound.clone() },
            wire::IntrospectResponse { session_id: String::new(), ..sound.clone() },
            wire::IntrospectResponse { session_id: "ada".to_owned(), ..sound.clone() },
            wire::IntrospectResponse { token_id: id, ..sound },
        ] {
            assert!(read(&nonsense).is_err(), "{nonsense:?}");
        }
    }
}

//! Note when tokens were used last.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use servertree_kernel::domain::{Port, Timestamp};
use servertree_kernel::job::{Job, JobHandler};
use servertree_kernel::message::Message;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::WriteUow;
use shaku::Component;

use crate::domain::TokenId;
use crate::error::Error;

/// Write down when tokens were used last: what was noted meanwhile, all at once.
pub struct NoteTokenUses;

impl Job for NoteTokenUses {
    const NAME: &'static str = "authorization.note_token_uses";
    const EVERY: Duration = Duration::from_secs(60);
}

/// Takes note, in the way of a request: in memory.
pub trait TokenUses: Port {
    /// A token was used.
    fn note(&self, token: TokenId, at: Timestamp);
    /// What was noted since this was last asked.
    fn take(&self) -> HashMap<TokenId, Timestamp>;
}

/// Writes it down.
#[async_trait]
pub trait LastUses: Port {
    /// When a token was used last.
    async fn write(&self, token: TokenId, at: Timestamp, uow: &mut WriteUow) -> Result<(), Error>;
}

/// Takes note in memory.
#[derive(Component)]
#[shaku(interface = TokenUses)]
pub struct NotedUses {
    #[shaku(default)]
    noted: Mutex<HashMap<TokenId, Timestamp>>,
}

impl TokenUses for NotedUses {
    fn note(&self, token: TokenId, at: Timestamp) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        noted.entry(token).and_modify(|last| *last = at.max(*last)).or_insert(at);
    }

    fn take(&self) -> HashMap<TokenId, Timestamp> {
        std::mem::take(&mut *self.noted.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[derive(Component)]
#[shaku(interface = JobHandler<NoteTokenUses>)]
pub struct Handler {
    #[shaku(inject)]
    uses: Arc<dyn TokenUses>,
    #[shaku(inject)]
    last_uses: Arc<dyn LastUses>,
}

impl Handler {
    async fn write(&self, uses: &HashMap<TokenId, Timestamp>, uow: &mut WriteUow) -> Result<(), Error> {
        // In one order: other processes write the same ones.
        let mut in_order: Vec<_> = uses.iter().collect();
        in_order.sort_unstable();
        for (token, at) in in_order {
            self.last_uses.write(*token, *at, uow).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl JobHandler<NoteTokenUses> for Handler {
    async fn run(&self, uow: &mut WriteUow, _: &Message) -> Result<(), Failure> {
        let uses = self.uses.take();
        let written = self.write(&uses, uow).await;
        let noted = Arc::clone(&self.uses);
        let again = move || uses.into_iter().for_each(|(token, at)| noted.note(token, at));
        if let Err(error) = written {
            again();
            return Err(error.into());
        }
        uow.after_commit(move |lasts| {
            if !lasts {
                again();
            }
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use servertree_kernel::clock::Clock;

    use super::*;
    use crate::application::create_token::CreateToken;
    use crate::application::find_tokens::FindTokens;
    use crate::testing::{somebody, testbed, verify};

    #[tokio::test]
    async fn the_last_use_is_written_down_in_a_while() {
        let test = testbed().start().await;
        let (_, ada) = somebody(&test, "ada", &[]).await;
        let draft = servertree_kernel::fields::parse(serde_json::json!({"name": "test"})).unwrap();
        let token = test.dispatch_as(&ada, CreateToken { draft }).await.unwrap().text;
        let last_used = async || test.ask_as(&ada, FindTokens).await.unwrap()[0].last_used_at;
        test.clock.advance(Duration::from_secs(5));
        verify(&test, token.expose()).await.unwrap();
        assert_eq!(last_used().await, None);
        let at = Some(test.clock.now());
        test.clock.advance(Duration::from_secs(30));
        test.application.run_jobs().await;
        assert_eq!(last_used().await, at);
        test.finish().await;
    }
}

//! Publishes events, many at a time, and waits for the broker's word that they are safe.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lapin::options::BasicPublishOptions;
use lapin::{Channel, Confirmation};
use servertree_kernel::event::{Envelope, Publisher};
use servertree_kernel::problem::Failure;
use tokio::time::Instant;
use uuid::Uuid;

use super::fault::NotTaken;
use super::link::Link;
use super::routes::Routes;
use super::session::Session;
use super::{message, metrics, topology};

/// How long a broker that takes events may take to confirm them.
const CONFIRM_WITHIN: Duration = Duration::from_secs(15);

/// The same, once the program is to end.
const LAST_WORD_WITHIN: Duration = Duration::from_secs(2);

/// Hands events to the broker.
pub struct BrokerPublisher {
    link: Arc<Link>,
    routes: Routes,
}

impl BrokerPublisher {
    pub fn new(link: Arc<Link>, hold_unroutable: bool) -> Self {
        Self { link, routes: Routes::new(hold_unroutable) }
    }
}

#[async_trait]
impl Publisher for BrokerPublisher {
    async fn ready(&self) {
        let open = |state: &super::link::State| state.session.is_some() && !state.is_blocked;
        // The link holds the other end.
        let _ = self.link.state().wait_for(open).await;
    }

    async fn publish(&self, events: &[Envelope]) -> Result<Vec<Uuid>, Failure> {
        let session = self.link.state().borrow().session.clone();
        let Some(session) = session else { return Err(NotTaken("there is no connection".to_owned()).into()) };
        let mut safe = Vec::with_capacity(events.len());
        match self.publish_all(&session, events, &mut safe).await {
            Err(fault) if safe.is_empty() => Err(fault.into()),
            Err(NotTaken(reason)) => {
                tracing::debug!(safe = safe.len(), of = events.len(), reason, "some events come again");
                Ok(safe)
            }
            Ok(()) => Ok(safe),
        }
    }
}

impl BrokerPublisher {
    async fn publish_all(
        &self,
        session: &Session,
        events: &[Envelope],
        safe: &mut Vec<Uuid>,
    ) -> Result<(), NotTaken> {
        for round in rounds(events) {
            let published = self.within_time(session, self.publish_round(session, &round, safe)).await;
            if let Err(fault) = published {
                session.forget_channel();
                return Err(fault);
            }
        }
        Ok(())
    }

    /// Events of different aggregates: whichever of them the broker does not take, no later one of the same is ahead of it.
    async fn publish_round(
        &self,
        session: &Session,
        round: &[&Envelope],
        safe: &mut Vec<Uuid>,
    ) -> Result<(), NotTaken> {
        let failed = |error: lapin::Error| NotTaken(error.to_string());
        let channel = session.publishing(&self.link.emitted).await.map_err(failed)?;
        let mut confirms = Vec::with_capacity(round.len());
        for event in round {
            confirms.push((*event, publish(&channel, event).await?));
        }
        let mut held = None;
        for (event, confirm) in confirms {
            let name = &event.event_type;
            match confirm.await.map_err(failed)? {
                Confirmation::Ack(None) => {
                    self.routes.bound(name);
                    metrics::published();
                    safe.push(event.id);
                }
                // Also an answer to an event that nobody is bound for.
                Confirmation::Ack(Some(_)) if !self.routes.unbound(name, Instant::now()) => {
                    safe.push(event.id)
                }
                Confirmation::Ack(Some(_)) => held = Some(format!("nobody is bound for {name}")),
                Confirmation::Nack(_) => held = Some(format!("a queue for {name} is full, or failed")),
                Confirmation::NotRequested => held = Some("it confirms nothing".to_owned()),
            }
        }
        held.map_or(Ok(()), |reason| Err(NotTaken(reason)))
    }

    /// A broker that is short of memory is waited for: it takes what was sent once it is not. One that says nothing is as good as away.
    async fn within_time(
        &self,
        session: &Session,
        publishing: impl Future<Output = Result<(), NotTaken>>,
    ) -> Result<(), NotTaken> {
        let mut publishing = std::pin::pin!(publishing);
        let mut state = self.link.state();
        loop {
            let is_blocked = state.borrow_and_update().is_blocked;
            tokio::select! {
                published = &mut publishing => return published,
                () = session.lost.cancelled() => return Err(NotTaken("the connection is lost".to_owned())),
                () = tokio::time::sleep(CONFIRM_WITHIN), if !is_blocked => {
                    session.lost.cancel();
                    return Err(NotTaken("it does not confirm what it was sent".to_owned()));
                }
                () = self.last_word() => return Err(NotTaken("the program ends".to_owned())),
                _ = state.changed() => {}
            }
        }
    }

    async fn last_word(&self) {
        self.link.winding_down.cancelled().await;
        tokio::time::sleep(LAST_WORD_WITHIN).await;
    }
}

async fn publish(channel: &Channel, event: &Envelope) -> Result<lapin::PublisherConfirm, NotTaken> {
    let body = message::body(event).map_err(|error| NotTaken(error.to_string()))?;
    let (exchange, key) = (topology::exchange_of(&event.event_type), event.event_type.as_str());
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    channel
        .basic_publish(exchange.into(), key.into(), options, &body, message::properties(event))
        .await
        .map_err(|error| NotTaken(error.to_string()))
}

/// The first events of all aggregates, the second ones, and so on.
fn rounds(events: &[Envelope]) -> Vec<Vec<&Envelope>> {
    let mut rounds: Vec<Vec<&Envelope>> = Vec::new();
    let mut before: HashMap<Uuid, usize> = HashMap::new();
    for event in events {
        let round = before.entry(event.subject).or_default();
        if rounds.len() == *round {
            rounds.push(Vec::new());
        }
        rounds[*round].push(event);
        *round += 1;
    }
    rounds
}

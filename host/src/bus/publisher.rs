//! Publishes events, many at a time, and waits for the broker's word that they are safe.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use lapin::options::BasicPublishOptions;
use lapin::{Channel, PublisherConfirm};
use servertree_kernel::event::{Envelope, Publisher};
use servertree_kernel::problem::Failure;
use tokio::time::Instant;
use uuid::Uuid;

use super::confirms::Confirms;
use super::fault::NotTaken;
use super::link::{Link, State};
use super::routes::Routes;
use super::session::Session;
use super::{message, metrics, topology};

/// How long a broker that takes events may say nothing of any of those that it was sent.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);

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
        let open = |state: &State| state.session.is_some() && !state.is_blocked;
        // The link holds the other end.
        let _ = self.link.state().wait_for(open).await;
    }

    async fn publish(&self, events: &[Envelope]) -> Result<Vec<Uuid>, Failure> {
        let session = self.link.state().borrow().session.clone();
        let Some(session) = session else { return Err(NotTaken::away("there is no connection").into()) };
        let mut safe = Vec::with_capacity(events.len());
        match self.publish_all(&session, events, &mut safe).await {
            Err(fault) if safe.is_empty() => Err(fault.into()),
            Err(fault) => {
                tracing::debug!(safe = safe.len(), of = events.len(), %fault, "some events come again");
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
            if self.link.last_word.is_cancelled() {
                return Err(NotTaken::away("the program ends"));
            }
            self.routes.require_calm(Instant::now())?;
            if let Err(fault) = self.publish_round(session, &round, safe).await {
                if fault.is_missing {
                    session.forget_exchanges();
                    self.routes.disturbed(Instant::now());
                }
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
        let channel = self.in_time(session, session.take_channel(round)).await??;
        let mut confirms = Confirms::of(round);
        let sent = self.send(session, &channel, round, &mut confirms).await;
        for event in confirms.settled(sent.is_ok()) {
            if event.was_returned {
                if self.routes.unbound(event.name, Instant::now()) {
                    continue;
                }
            } else {
                self.routes.bound(event.name);
                metrics::published();
            }
            safe.push(event.id);
        }
        sent?;
        session.put_back(channel);
        match round.iter().find(|event| !safe.contains(&event.id)) {
            Some(event) => Err(NotTaken::away(&format!("nobody takes {}", event.event_type))),
            None => Ok(()),
        }
    }

    /// Until all of them are confirmed, or it is of no use to wait any longer.
    async fn send(
        &self,
        session: &Session,
        channel: &Channel,
        round: &[&Envelope],
        confirms: &mut Confirms<'_>,
    ) -> Result<(), NotTaken> {
        let mut waiting = FuturesUnordered::new();
        for (place, event) in round.iter().enumerate() {
            let confirm = self.in_time(session, publish(channel, event)).await??;
            waiting.push(async move { (place, confirm.await) });
        }
        while !waiting.is_empty() {
            let Some((place, confirmation)) = self.in_time(session, waiting.next()).await? else { break };
            confirms.note(place, confirmation?);
        }
        Ok(())
    }

    /// A broker that is short of memory is waited for: it takes what was sent once it is not. One that says nothing is as good as away.
    async fn in_time<T>(&self, session: &Session, asked: impl Future<Output = T>) -> Result<T, NotTaken> {
        let mut asked = std::pin::pin!(asked);
        let mut state = self.link.state();
        loop {
            let is_blocked = state.borrow_and_update().is_blocked;
            tokio::select! {
                biased;
                answer = &mut asked => return Ok(answer),
                () = session.lost.cancelled() => return Err(NotTaken::away("the connection is lost")),
                () = self.link.last_word.cancelled() => return Err(NotTaken::away("the program ends")),
                () = tokio::time::sleep(ANSWER_WITHIN), if !is_blocked => {
                    session.lost.cancel();
                    return Err(NotTaken::away("it says nothing about what it was sent"));
                }
                _ = state.changed() => {}
            }
        }
    }
}

async fn publish(channel: &Channel, event: &Envelope) -> Result<PublisherConfirm, NotTaken> {
    let body = message::body(event).map_err(|error| NotTaken::refused(error.to_string()))?;
    let (exchange, key) = (topology::exchange_of(&event.event_type), event.event_type.as_str());
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    Ok(channel.basic_publish(exchange.into(), key.into(), options, &body, message::properties(event)).await?)
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

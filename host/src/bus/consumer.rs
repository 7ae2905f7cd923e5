//! Takes events of other services out of the queue of a context, into the log.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::StreamExt;
use lapin::Channel;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, ConfirmSelectOptions};
use lapin::types::FieldTable;
use servertree_kernel::event::{Envelope, Inbound, NotStored};
use servertree_kernel::problem::Kind;

use super::session::Session;
use super::set_aside::set_aside;
use super::{message, metrics, topology};

/// Messages that the broker hands out before the first of them is acknowledged: two transactions' worth.
const PREFETCH: u16 = 200;

/// Messages stored in one transaction.
const TOGETHER: usize = 100;

/// How often what the queue is bound to is looked at: others can delete it.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// An event that cannot be stored is tried as often. That the database is away counts for nothing.
const ATTEMPTS: u32 = 3;

/// Why a broker ends a consumer.
const QUEUE_DELETED: &str = "its queue was deleted, or was not available; what was in a deleted queue is lost here: have those services \
                             publish it again, with `servertree events republish --since TIME`";

/// Between two attempts: so much, doubled with each, and no longer than the other.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The consumer of a context. Of several processes one is at work, the others wait for their turn.
pub struct Consumer {
    pub context: &'static str,
    /// The names of the events that it takes.
    pub events: BTreeSet<&'static str>,
    pub inbound: Inbound,
}

/// Messages, each with the event in it.
type Events = Vec<(Delivery, Envelope)>;

impl Consumer {
    /// Consumes until the connection is lost, or nothing more is to be taken in. Whatever else ends it, it begins anew.
    pub async fn run(&self, session: &Session) {
        let mut failures: u32 = 0;
        loop {
            let consuming = tokio::select! {
                consumed = self.consume(session) => consumed,
                () = session.lost.cancelled() => return,
            };
            metrics::consuming(self.context, false);
            let Err(reason) = consuming else { return };
            failures += 1;
            tracing::warn!(context = self.context, failures, reason, "a consumer ended, and begins anew");
            tokio::select! {
                () = tokio::time::sleep(pause(failures)) => {}
                () = session.lost.cancelled() => return,
                () = session.winding_down.cancelled() => return,
            }
        }
    }

    async fn consume(&self, session: &Session) -> Result<(), String> {
        let failed = |error: lapin::Error| error.to_string();
        self.declare(session).await.map_err(failed)?;
        let channel = session.connection.create_channel().await.map_err(failed)?;
        channel.basic_qos(PREFETCH, BasicQosOptions::default()).await.map_err(failed)?;
        channel.confirm_select(ConfirmSelectOptions::default()).await.map_err(failed)?;
        let (queue, options) = (topology::queue_of(self.context), BasicConsumeOptions::default());
        let consumer = channel
            .basic_consume(queue.into(), "".into(), options, FieldTable::default())
            .await
            .map_err(failed)?;
        metrics::consuming(self.context, true);
        let mut deliveries = consumer.ready_chunks(TOGETHER);
        let mut look_again = tokio::time::interval(LOOK_AGAIN);
        loop {
            tokio::select! {
                chunk = deliveries.next() => match chunk {
                    Some(chunk) => self.take(&channel, chunk).await?,
                    None => return Err(QUEUE_DELETED.to_owned()),
                },
                _ = look_again.tick() => self.declare(session).await.map_err(failed)?,
                () = session.winding_down.cancelled() => return Ok(()),
            }
        }
    }

    /// What is there stays as it is.
    async fn declare(&self, session: &Session) -> lapin::Result<()> {
        let administration = session.connection.create_channel().await?;
        topology::declare_queue(&administration, self.context, &self.events).await?;
        administration.close(200, "declared".into()).await
    }

    /// Stores what came, sets aside what cannot be, then acknowledges all of it.
    async fn take(&self, channel: &Channel, chunk: Vec<lapin::Result<Delivery>>) -> Result<(), String> {
        let (mut events, mut last) = (Events::new(), None);
        for delivery in chunk {
            let delivery = delivery.map_err(|error| error.to_string())?;
            last = Some(delivery.acker.clone());
            match message::event(&delivery.data, |name| self.events.contains(name)) {
                Ok(event) => events.push((delivery, event)),
                Err(fault) => set_aside(channel, self.context, &delivery, &fault.to_string()).await?,
            }
        }
        self.store(channel, events).await?;
        let Some(last) = last else { return Ok(()) };
        last.ack(BasicAckOptions { multiple: true }).await.map(drop).map_err(|error| error.to_string())
    }

    /// Together; if that fails, one by one.
    async fn store(&self, channel: &Channel, events: Events) -> Result<(), String> {
        let (deliveries, events): (Vec<Delivery>, Vec<Envelope>) = events.into_iter().unzip();
        if events.is_empty() {
            return Ok(());
        }
        metrics::received(self.context, events.len());
        if events.len() > 1 && self.try_to_store(&events, 1).await.is_ok() {
            return Ok(());
        }
        for (delivery, event) in deliveries.iter().zip(&events) {
            if let Err(fault) = self.try_to_store(std::slice::from_ref(event), ATTEMPTS).await {
                set_aside(channel, self.context, delivery, &fault.to_string()).await?;
            }
        }
        Ok(())
    }

    /// For as long as the database is away, and so often beside that.
    async fn try_to_store(&self, events: &[Envelope], attempts: u32) -> Result<(), NotStored> {
        let (mut attempt, mut away): (u32, u32) = (1, 0);
        loop {
            match self.inbound.store(events).await {
                Err(NotStored::Failed(failure)) if failure.kind() == Kind::Unavailable => {
                    away += 1;
                    if away.is_power_of_two() {
                        let (context, error) = (self.context, failure.chain());
                        tracing::warn!(
                            context,
                            away,
                            error,
                            "events of other services wait for the database"
                        );
                    }
                    tokio::time::sleep(pause(away)).await;
                }
                Err(NotStored::Failed(_)) if attempt < attempts => {
                    tokio::time::sleep(pause(attempt)).await;
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }
}

fn pause(failures: u32) -> Duration {
    LONGEST_PAUSE.min(FIRST_PAUSE * (1 << failures.min(7).saturating_sub(1)))
}

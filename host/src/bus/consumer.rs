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
use tokio::time::{Instant, MissedTickBehavior};

use super::session::Session;
use super::set_aside::set_aside;
use super::{message, metrics, topology};

/// Messages that the broker hands out before the first of them is acknowledged, and that are stored in one transaction.
const PREFETCH: u16 = 100;

/// How many bytes of events go into one transaction, unless it is one event: a database takes only so much at once.
const LARGEST_BATCH: usize = 1024 * 1024;

/// A message that was handed out more often ends the process each time, or something else does whenever it is there.
const MOST_DELIVERIES: i64 = 100;

/// How long the broker may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// A consumer that lasted as long was one.
const LASTING: Duration = Duration::from_secs(10);

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
            let began = Instant::now();
            let consuming = tokio::select! {
                consumed = self.consume(session) => consumed,
                () = session.lost.cancelled() => Ok(()),
            };
            metrics::consuming(self.context, false);
            let Err(reason) = consuming else { return };
            failures = if began.elapsed() > LASTING { 1 } else { failures + 1 };
            tracing::warn!(context = self.context, failures, reason, "a consumer ended, and begins anew");
            tokio::select! {
                () = tokio::time::sleep(pause(failures)) => {}
                () = session.lost.cancelled() => return,
                () = session.winding_down.cancelled() => return,
            }
        }
    }

    async fn consume(&self, session: &Session) -> Result<(), String> {
        let administration = in_time(session.consuming.create_channel()).await?;
        in_time(topology::declare_queue(&administration, self.context, &self.events)).await?;
        let channel = in_time(session.consuming.create_channel()).await?;
        let consumer = in_time(self.start(&channel)).await?;
        metrics::consuming(self.context, true);
        let mut deliveries = consumer.ready_chunks(PREFETCH.into());
        let mut look_again = tokio::time::interval(LOOK_AGAIN);
        look_again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                chunk = deliveries.next() => match chunk {
                    Some(chunk) => self.take(&channel, chunk).await?,
                    None => return Err(QUEUE_DELETED.to_owned()),
                },
                // What is there stays as it is.
                _ = look_again.tick() => {
                    in_time(topology::declare_queue(&administration, self.context, &self.events)).await?;
                }
                () = session.winding_down.cancelled() => return Ok(()),
            }
        }
    }

    async fn start(&self, channel: &Channel) -> lapin::Result<lapin::Consumer> {
        channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        let (queue, options) = (topology::queue_of(self.context), BasicConsumeOptions::default());
        channel.basic_consume(queue.into(), "".into(), options, FieldTable::default()).await
    }

    /// Stores what came, sets aside what cannot be, then acknowledges all of it.
    async fn take(&self, channel: &Channel, chunk: Vec<lapin::Result<Delivery>>) -> Result<(), String> {
        let (mut events, mut size, mut last, mut end) = (Events::new(), 0, None, Ok(()));
        for delivery in chunk {
            let delivery = match delivery {
                Ok(delivery) => delivery,
                // What came before is stored all the same.
                Err(error) => {
                    end = Err(error.to_string());
                    break;
                }
            };
            last = Some(delivery.acker.clone());
            match self.event(&delivery) {
                Ok(event) => {
                    size += delivery.data.len();
                    events.push((delivery, event));
                }
                Err(fault) => set_aside(channel, self.context, &delivery, &fault).await?,
            }
            if size > LARGEST_BATCH {
                self.store(channel, std::mem::take(&mut events)).await?;
                size = 0;
            }
        }
        self.store(channel, events).await?;
        end?;
        let Some(last) = last else { return Ok(()) };
        in_time(last.ack(BasicAckOptions { multiple: true })).await.map(drop)
    }

    /// The event in a message. Also of a name that only a newer version of the program takes, which binds the queue for it while this one is
    /// at work: whoever takes it will find it in the log.
    fn event(&self, delivery: &Delivery) -> Result<Envelope, String> {
        let headers = delivery.properties.headers().as_ref();
        let count = headers.and_then(|headers| headers.inner().get("x-delivery-count")?.as_long_long_int());
        if count.is_some_and(|count| count > MOST_DELIVERIES) {
            return Err(format!(
                "it was handed out more than {MOST_DELIVERIES} times, and never acknowledged"
            ));
        }
        let is_bound = |name: &str| delivery.exchange.as_str() == topology::exchange_of(name);
        let takes = |name: &str| self.events.contains(name) || is_bound(name);
        message::event(&delivery.data, takes).map_err(|fault| fault.to_string())
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

/// A broker that does not answer is asked again from the start.
async fn in_time<T>(asked: impl Future<Output = lapin::Result<T>>) -> Result<T, String> {
    match tokio::time::timeout(ANSWER_WITHIN, asked).await {
        Ok(answer) => answer.map_err(|error| error.to_string()),
        Err(_) => Err("the broker does not answer".to_owned()),
    }
}

fn pause(failures: u32) -> Duration {
    LONGEST_PAUSE.min(FIRST_PAUSE * (1 << failures.min(7).saturating_sub(1)))
}

//! What there is at the broker: declared by us, again and again, since others can delete it.
//!
//! An exchange for each aggregate, `<aggregate>.domain_events`, with the names of events as routing keys. For each context that hears of
//! events of other services a queue, `servertree.<context>`, of which one consumer at a time takes; and beside it
//! `servertree.<context>.dead_letters`, for what nobody here can make anything of.

use std::collections::BTreeSet;

use lapin::options::{ExchangeDeclareOptions, ExchangeUnbindOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, ExchangeKind, Result};
use servertree_kernel::event::aggregate_of;

/// Where what is set aside goes.
pub const DEAD_LETTERS: &str = "servertree.dead_letters";

/// How often a broker may give a message to somebody before it takes it away by itself: newer versions do so by default, also when
/// it was only connections that broke.
const DELIVERY_LIMIT: i64 = 1_000_000_000;

/// The exchange that an event of this name is published to.
pub fn exchange_of(event: &str) -> String {
    format!("{}.domain_events", aggregate_of(event))
}

/// The queue of a context.
pub fn queue_of(context: &str) -> String {
    format!("servertree.{context}")
}

/// Declares an exchange for events.
pub async fn declare_topic(channel: &Channel, exchange: &str) -> Result<()> {
    declare_exchange(channel, exchange, ExchangeKind::Topic).await
}

/// Declares the exchanges of these events.
pub async fn declare_exchanges(channel: &Channel, events: &BTreeSet<&'static str>) -> Result<()> {
    let mut exchanges: Vec<String> = events.iter().map(|event| exchange_of(event)).collect();
    exchanges.sort_unstable();
    exchanges.dedup();
    for exchange in exchanges {
        declare_topic(channel, &exchange).await?;
    }
    Ok(())
}

/// Declares the queue of a context, bound for these events, and where it sets aside.
pub async fn declare_queue(channel: &Channel, context: &str, events: &BTreeSet<&'static str>) -> Result<()> {
    let queue = queue_of(context);
    declare_exchange(channel, DEAD_LETTERS, ExchangeKind::Direct).await?;
    let dead_letters = format!("{queue}.dead_letters");
    declare_quorum_queue(channel, &dead_letters, FieldTable::default()).await?;
    bind(channel, &dead_letters, DEAD_LETTERS, &queue).await?;
    let mut arguments = FieldTable::default();
    arguments.insert("x-single-active-consumer".into(), true.into());
    arguments.insert("x-dead-letter-exchange".into(), long(DEAD_LETTERS));
    arguments.insert("x-dead-letter-routing-key".into(), long(&queue));
    arguments.insert("x-delivery-limit".into(), AMQPValue::LongLongInt(DELIVERY_LIMIT));
    declare_quorum_queue(channel, &queue, arguments).await?;
    declare_exchanges(channel, events).await?;
    for event in events {
        bind(channel, &queue, &exchange_of(event), event).await?;
    }
    Ok(())
}

/// Durable, and ours to write to and to read from: the broker is asked to remove a binding that is not there, which it refuses to
/// whoever may not write and read. Else that would come out with the first event.
async fn declare_exchange(channel: &Channel, exchange: &str, kind: ExchangeKind) -> Result<()> {
    let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    channel.exchange_declare(exchange.into(), kind, options, FieldTable::default()).await?;
    let (destination, source, key) = (exchange.into(), exchange.into(), "servertree.rights".into());
    let options = ExchangeUnbindOptions::default();
    channel.exchange_unbind(destination, source, key, options, FieldTable::default()).await
}

async fn declare_quorum_queue(channel: &Channel, queue: &str, mut arguments: FieldTable) -> Result<()> {
    arguments.insert("x-queue-type".into(), long("quorum"));
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(queue.into(), options, arguments).await.map(drop)
}

async fn bind(channel: &Channel, queue: &str, exchange: &str, key: &str) -> Result<()> {
    let options = QueueBindOptions::default();
    channel.queue_bind(queue.into(), exchange.into(), key.into(), options, FieldTable::default()).await
}

fn long(text: &str) -> AMQPValue {
    AMQPValue::LongString(text.into())
}

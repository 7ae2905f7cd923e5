//! Sets messages aside that nobody here can make anything of, with the reason: the queue moves on, and somebody can look at them.

use std::time::Duration;

use lapin::message::Delivery;
use lapin::options::{BasicNackOptions, BasicPublishOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation};

use super::{metrics, topology};

/// Why a message was set aside, and where it was.
const REASON: &str = "x-servertree-reason";
const EXCHANGE: &str = "x-servertree-exchange";
const ROUTING_KEY: &str = "x-servertree-routing-key";

/// Longer reasons are cut: headers have to fit into a frame.
const LONGEST_REASON: usize = 1_000;

/// How long the broker may take to keep it.
const KEPT_WITHIN: Duration = Duration::from_secs(15);

/// Puts a copy of the message among the dead letters of its context, and waits until it is safe there. The message itself is still to
/// be acknowledged.
pub async fn set_aside(
    channel: &Channel,
    context: &str,
    delivery: &Delivery,
    reason: &str,
) -> Result<(), String> {
    let reason: String = reason.chars().take(LONGEST_REASON).collect();
    let queue = topology::queue_of(context);
    let kept = tokio::time::timeout(KEPT_WITHIN, keep(channel, &queue, delivery, &reason)).await;
    let fault = match kept {
        Ok(Ok(Confirmation::Ack(None))) => {
            metrics::set_aside(context);
            let message = delivery.properties.message_id().as_ref().map(ToString::to_string);
            tracing::warn!(queue, message, reason, "a message was set aside");
            return Ok(());
        }
        Ok(Ok(_)) => "its dead letters are not kept".to_owned(),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "it does not answer".to_owned(),
    };
    // The broker does it, too, only without the reason.
    let refuse = BasicNackOptions { multiple: false, requeue: false };
    let refused = tokio::time::timeout(KEPT_WITHIN, delivery.acker.nack(refuse)).await;
    tracing::warn!(queue, reason, fault, refused = refused.is_ok(), "a message could not be set aside");
    Err(format!("the broker does not keep what is set aside: {fault}"))
}

/// Of what the message says about itself only that which cannot keep it from being kept.
async fn keep(
    channel: &Channel,
    queue: &str,
    delivery: &Delivery,
    reason: &str,
) -> lapin::Result<Confirmation> {
    let mut headers = FieldTable::default();
    for (name, value) in [
        (REASON, reason),
        (EXCHANGE, delivery.exchange.as_str()),
        (ROUTING_KEY, delivery.routing_key.as_str()),
    ] {
        headers.insert(name.into(), AMQPValue::LongString(value.into()));
    }
    let said = &delivery.properties;
    let text = |text: &Option<ShortString>| text.clone().unwrap_or_default();
    let properties = BasicProperties::default()
        .with_delivery_mode(2)
        .with_headers(headers)
        .with_content_type(text(said.content_type()))
        .with_message_id(text(said.message_id()))
        .with_type(text(said.kind()))
        .with_app_id(text(said.app_id()));
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let exchange = topology::DEAD_LETTERS.into();
    channel.basic_publish(exchange, queue.into(), options, &delivery.data, properties).await?.await
}

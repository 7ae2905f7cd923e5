//! Sets messages aside that nobody here can make anything of, with the reason: the queue moves on, and somebody can look at them.

use lapin::message::Delivery;
use lapin::options::BasicPublishOptions;
use lapin::types::AMQPValue;
use lapin::{Channel, Confirmation};

use super::{metrics, topology};

/// Why a message was set aside, and where it was.
const REASON: &str = "x-servertree-reason";
const EXCHANGE: &str = "x-servertree-exchange";
const ROUTING_KEY: &str = "x-servertree-routing-key";

/// Longer reasons are cut: headers have to fit into a frame.
const LONGEST_REASON: usize = 1_000;

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
    let mut headers = delivery.properties.headers().clone().unwrap_or_default();
    for (name, value) in [
        (REASON, reason.as_str()),
        (EXCHANGE, delivery.exchange.as_str()),
        (ROUTING_KEY, delivery.routing_key.as_str()),
    ] {
        headers.insert(name.into(), AMQPValue::LongString(value.into()));
    }
    let properties = delivery.properties.clone().with_headers(headers).with_delivery_mode(2);
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let failed = |error: lapin::Error| error.to_string();
    let (exchange, key) = (topology::DEAD_LETTERS.into(), queue.as_str().into());
    let confirm =
        channel.basic_publish(exchange, key, options, &delivery.data, properties).await.map_err(failed)?;
    match confirm.await.map_err(failed)? {
        Confirmation::Ack(None) => {
            metrics::set_aside(context);
            let message = delivery.properties.message_id().as_ref().map(|id| id.to_string());
            tracing::warn!(queue, message, reason, "a message was set aside");
            Ok(())
        }
        _ => Err("the broker does not keep what is set aside".to_owned()),
    }
}

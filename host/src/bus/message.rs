//! Events as messages: the CloudEvent as JSON in the body, in the structured mode of the AMQP binding; what helps to find one's way
//! without reading it, in the properties.

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use servertree_kernel::event::Envelope;
use thiserror::Error;

/// <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md#3-envelope>
const CONTENT_TYPE: &str = "application/cloudevents+json";

/// The mode in which a broker writes a message to its disk.
const PERSISTENT: u8 = 2;

/// No event is as large, in bytes: what is, is not read.
pub const LARGEST: usize = 8 * 1024 * 1024;

/// Why a message is no event that is taken here.
#[derive(Debug, Error)]
pub enum NoEvent {
    #[error("it is {0} bytes long, and an event is at most {LARGEST}")]
    TooLarge(usize),
    #[error("it is no CloudEvent of ServerTree in JSON: {0}")]
    NotUnderstood(String),
    #[error("events of the type '{0}' are not taken here")]
    UnknownType(String),
}

/// The event as JSON.
pub fn body(event: &Envelope) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec(event)
}

/// What the message says about itself.
pub fn properties(event: &Envelope) -> BasicProperties {
    let mut headers = FieldTable::default();
    if let Some(traceparent) = &event.traceparent {
        headers.insert("traceparent".into(), AMQPValue::LongString(traceparent.as_str().into()));
    }
    BasicProperties::default()
        .with_content_type(CONTENT_TYPE.into())
        .with_delivery_mode(PERSISTENT)
        .with_message_id(event.id.to_string().into())
        .with_type(event.event_type.as_str().into())
        .with_app_id("servertree".into())
        .with_timestamp(u64::try_from(event.time.as_micros() / 1_000_000).unwrap_or(0))
        .with_headers(headers)
}

/// The event in a message, if it is one, and of a type that `takes` says yes to.
pub fn event(body: &[u8], takes: impl Fn(&str) -> bool) -> Result<Envelope, NoEvent> {
    if body.len() > LARGEST {
        return Err(NoEvent::TooLarge(body.len()));
    }
    let event: Envelope =
        serde_json::from_slice(body).map_err(|error| NoEvent::NotUnderstood(error.to_string()))?;
    if event.specversion != Envelope::SPEC_VERSION || event.datacontenttype != Envelope::DATA_CONTENT_TYPE {
        let (version, data) = (event.specversion, event.datacontenttype);
        return Err(NoEvent::NotUnderstood(format!("version '{version}' with data of '{data}'")));
    }
    if !takes(&event.event_type) {
        return Err(NoEvent::UnknownType(event.event_type));
    }
    Ok(event)
}

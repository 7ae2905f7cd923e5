//! The envelope of an event: CloudEvents 1.0 in JSON.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::{Revision, Timestamp};

/// An event with all that is known about it. Its JSON is a CloudEvent of version 1.0
/// (<https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md>); `revision`, `sequence`,
/// `schemaversion`, `actor`, `requestid` and `traceparent` are extensions.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Envelope {
    /// The version of CloudEvents: "1.0".
    pub specversion: String,
    /// Its own id, a UUIDv7.
    pub id: Uuid,
    /// Where it happened: `/servertree/<context>`.
    pub source: String,
    /// Its name: `server.registered`.
    #[serde(rename = "type")]
    pub event_type: String,
    /// The id of the aggregate it happened to.
    pub subject: Uuid,
    /// When it happened.
    pub time: Timestamp,
    /// What `data` is: `application/json`.
    pub datacontenttype: String,
    /// The revision of the aggregate that it led to.
    pub revision: Revision,
    /// Its place among the events of one commit, from 0.
    pub sequence: u32,
    /// The version of the fields in `data`.
    pub schemaversion: u16,
    /// Who did it.
    pub actor: String,
    /// The request it happened in.
    pub requestid: String,
    /// The trace it is part of.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub traceparent: Option<String>,
    /// Its fields.
    #[schema(value_type = Object)]
    pub data: Box<RawValue>,
}

impl Envelope {
    /// The version of CloudEvents that is spoken here.
    pub const SPEC_VERSION: &'static str = "1.0";
    /// The format of `data`.
    pub const DATA_CONTENT_TYPE: &'static str = "application/json";

    /// The `source` of a context.
    pub fn source_of(context: &str) -> String {
        format!("/servertree/{context}")
    }
}

//! What the tests of this module have in common.

use serde_json::value::RawValue;
use uuid::Uuid;

use super::Envelope;
use crate::domain::{Revision, Timestamp};

/// An event of this number, that led to this revision of this aggregate.
pub(super) fn event(number: u128, subject: u128, revision: Revision) -> Envelope {
    Envelope {
        specversion: Envelope::SPEC_VERSION.to_owned(),
        id: Uuid::from_u128(number),
        source: Envelope::source_of("test"),
        event_type: "test.happened".to_owned(),
        subject: Uuid::from_u128(subject),
        time: Timestamp::from_micros(0),
        datacontenttype: Envelope::DATA_CONTENT_TYPE.to_owned(),
        revision,
        sequence: 0,
        schemaversion: 1,
        actor: "tester".to_owned(),
        requestid: "test".to_owned(),
        traceparent: None,
        data: RawValue::NULL.to_owned(),
    }
}

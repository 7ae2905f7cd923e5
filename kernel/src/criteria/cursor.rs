//! Cursors: a place in a list, and the direction in which to go on from it. Opaque to clients, and of use only with the
//! filter and the order they were made for. They are not signed: whoever forges one sees no more than the filter and
//! their permissions let them see anyway.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::field::Operand;

/// A place in a list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Cursor {
    /// The values that the row at this place is sorted by.
    #[serde(rename = "p")]
    pub(super) place: Vec<Operand>,
    /// Whether to go on towards the beginning.
    #[serde(rename = "b")]
    pub(super) backwards: bool,
    /// Whether the row at this place itself is meant, too.
    #[serde(rename = "i", default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) inclusive: bool,
    /// Of the filter and the order.
    #[serde(rename = "f")]
    pub(super) fingerprint: u64,
}

impl Cursor {
    pub(super) fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    pub(super) fn decode(text: &str) -> Option<Self> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    }
}

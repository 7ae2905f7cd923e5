//! Decisions, with their reason: what is asked by whoever does not keep grants to decide by.

use async_trait::async_trait;
use serde_json::Value;
use shaku::Interface;

use crate::problem::Failure;

/// May a subject do something to an object?
#[derive(Clone, PartialEq, Debug)]
pub struct Question {
    /// The username.
    pub subject: String,
    /// `read`, `create`, …: it need not be one that is declared.
    pub action: String,
    /// The name of a declared type of object.
    pub object_type: String,
    /// Which object; none for one that has no id yet.
    pub object_id: Option<String>,
    /// What conditions of grants can be about: an object. What is missing in it meets no condition.
    pub properties: Value,
}

/// The answer to a [`Question`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// Whether the subject may.
    pub allowed: bool,
    /// Why: a code for programs, such as `granted`.
    pub reason: String,
}

/// Decides about permissions and says why. A context may provide it, to be asked from other processes.
#[async_trait]
pub trait Decisions: Interface {
    /// The answer. An error means that it cannot be said right now, and never counts as permitted.
    async fn decide(&self, question: &Question) -> Result<Verdict, Failure>;
}
